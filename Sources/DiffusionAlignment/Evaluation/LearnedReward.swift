import PenchantData
import PenchantKernels
import PenchantNN
import PenchantTape
import PenchantTrain

/// A small Bradley–Terry model over the values of samples, fitted to pairs: what stands for the preference while samples are
/// drawn that nobody has judged.
public struct LearnedReward: SampleReward {
  private let shape: SampleShape
  private let store: ParameterStore
  private let network: MLP
  /// Share of held-out pairs that it puts in the right order; nil when none were held out.
  public let heldAccuracy: Double?

  private static let width = 64
  private static let rows = 128

  /// Fits for `steps` steps of 128 pairs; a tenth of the pairs is held out and says when the fit was best.
  ///
  /// - Throws: `KernelError`, `TapeError`.
  public init(pairs: SamplePairs, seed: UInt64, steps: Int = 600) throws {
    shape = pairs.samples.shape
    var layout = ParameterLayout()
    let network = MLP(
      [shape.count, Self.width, Self.width, 1], activation: .silu, named: "reward", in: &layout)
    self.network = network
    let store = try ParameterStore(layout, seed: seed)
    self.store = store
    let split =
      pairs.count >= 20
      ? try Split.random(count: pairs.count, testFraction: 0.1, seed: seed)
      : Split(name: "all", train: Array(0..<pairs.count), test: [])
    var optimizer = OptimizerConfiguration(.adamW, .cosine(peak: 1e-3, warmup: 0, steps: steps))
    optimizer.decay = 0.01
    let tape = Tape()
    let sides = [
      tape.input("chosen", [Self.rows, shape.count]), tape.input("rejected", [Self.rows, shape.count]),
    ]
    let weights = tape.input("weights", [Self.rows])
    let scores = sides.map { network($0).reshaped([Self.rows]) }
    let training = try TrainingStep(
      Loss.bradleyTerry(chosen: scores[0], rejected: scores[1], weights: weights),
      optimizer: Optimizer(optimizer, for: store, seed: seed))
    var batcher = try Batcher(count: split.train.count, batchSize: Self.rows, seed: seed)
    let best = try ParameterStore(layout, seed: seed)
    var bestAccuracy = -1.0
    for step in 0..<steps {
      let batch = try batcher.batch(step)
      let places = batch.indices.map { split.train[$0] }
      try training.set(sides[0], to: places.flatMap { pairs.samples[pairs.winners[$0]] })
      try training.set(sides[1], to: places.flatMap { pairs.samples[pairs.losers[$0]] })
      try training.set(weights, to: batch.weights)
      try training.run()
      if !split.test.isEmpty, (step + 1) % 50 == 0 {
        let accuracy = try Self.accuracy(network, store, pairs.pairs(split.test))
        if accuracy > bestAccuracy {
          bestAccuracy = accuracy
          try best.take(store)
        }
      }
    }
    if bestAccuracy >= 0 { try store.take(best) }
    heldAccuracy = bestAccuracy >= 0 ? bestAccuracy : nil
  }

  public func rewards(of samples: SampleSet) throws -> [Double] {
    try Self.scores(network, store, samples)
  }

  private static func accuracy(_ network: MLP, _ store: ParameterStore, _ pairs: SamplePairs) throws -> Double
  {
    let chosen = try scores(network, store, pairs.samples.samples(pairs.winners))
    let rejected = try scores(network, store, pairs.samples.samples(pairs.losers))
    return zip(chosen, rejected).reduce(0) { $0 + PairMetrics.hit($1.0 - $1.1) } / Double(max(1, pairs.count))
  }

  private static func scores(_ network: MLP, _ store: ParameterStore, _ samples: SampleSet) throws -> [Double]
  {
    guard samples.count > 0 else { return [] }
    let tape = Tape()
    let x = tape.input("x", [samples.count, samples.shape.count])
    let score = network(x)
    let inference = try Inference([score], on: store)
    try inference.set(x, to: samples.values)
    try inference.run()
    return try inference.values(of: score).map(Double.init)
  }
}
