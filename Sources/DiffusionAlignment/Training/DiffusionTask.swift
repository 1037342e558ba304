import PenchantData
import PenchantKernels
import PenchantTape
import PenchantTrain

/// Trains a model to say which noise is in samples (Ho et al. 2020), classes left out now and then so that it can also do
/// without them (Ho & Salimans 2022).
struct DiffusionTask: TrainingTask {
  private let model: DiffusionModel
  private let configuration: DiffusionConfiguration
  private let samples: SampleSet
  private let train: [Int]
  private let held: [Int]
  private let seed: UInt64
  private let optimizer: Optimizer
  private let graph: NoiseGraph
  private let target: Tensor
  private let weights: Tensor
  private let training: TrainingStep
  private var batcher: Batcher
  /// The averaged numbers, for validation.
  private let averaged: ParameterStore

  init(
    _ model: DiffusionModel, on samples: SampleSet, train: [Int], held: [Int],
    configuration: DiffusionConfiguration,
    seed: UInt64
  ) throws {
    self.model = model
    self.configuration = configuration
    self.samples = samples
    self.train = train
    self.held = Array(held.prefix(1024))
    self.seed = seed
    let rows = configuration.optimizer.rows
    batcher = try Batcher(count: train.count, batchSize: rows, seed: seed)
    let steps = configuration.run.total(stepsPerEpoch: batcher.batchesPerEpoch)
    optimizer = try Optimizer(configuration.optimizer.tape(steps: steps), for: model.store, seed: seed)
    averaged = try ParameterStore(model.store.layout)
    let tape = Tape()
    graph = NoiseGraph(model, rows: rows, on: tape)
    target = tape.input("noise", [rows, model.shape.count])
    weights = tape.input("weights", [rows, 1])
    let apart = graph.eps - target
    training = try TrainingStep((apart.squared() * weights).mean(), optimizer: optimizer)
  }

  var stepsPerEpoch: Int { batcher.batchesPerEpoch }

  mutating func step(_ number: Int) throws -> StepOutcome {
    let batch = try batcher.batch(number)
    var draws = RandomStream(seed: seed, stream: 0xd1ff_0001, next: UInt64(number) << 20)
    let chances = try draws.uniforms(2 * batch.indices.count)
    let times = batch.indices.indices.map { Int(chances[2 * $0] * Float(model.schedule.steps)) }
    let classes = batch.indices.enumerated().map { place, index -> Int in
      guard !samples.classes.isEmpty, chances[2 * place + 1] >= Float(configuration.classDropout) else {
        return DiffusionModel.noClass
      }
      return samples.classes[train[index]]
    }
    let noised = try Noised(
      samples, rows: batch.indices.map { train[$0] }, times: times, schedule: model.schedule, seed: seed,
      step: number)
    // The error of v is that of ε divided by ᾱ: a model that predicts v is trained on its own error.
    let scale = times.map {
      model.configuration.prediction == .velocity ? Float(1 / model.schedule.level($0)) : 1
    }
    let filled = Float(batch.indices.count) / Float(batch.filled)
    try graph.set(x: noised.x, times: times, classes: classes, of: model, on: training)
    try training.set(target, to: noised.noise)
    try training.set(weights, to: zip(scale, batch.weights).map { $0 * $1 * filled })
    return try StepOutcome(running: training, rate: optimizer.rate)
  }

  mutating func validate() throws -> [(name: String, value: Double)] {
    guard !held.isEmpty else { return [] }
    try averaged.take(model.store)
    try optimizer.copyAverage(to: averaged)
    return [("loss", try Self.loss(Denoiser(model, store: averaged), samples, held, seed: seed))]
  }

  /// Mean squared error of ε at ten times of each sample, with noise that depends on the seed alone.
  static func loss(_ denoiser: Denoiser, _ samples: SampleSet, _ rows: [Int], seed: UInt64) throws -> Double {
    let schedule = denoiser.schedule
    var errors: [Double] = []
    for part in 0..<10 {
      let times = [Int](repeating: (2 * part + 1) * schedule.steps / 20, count: rows.count)
      let noised = try Noised(
        samples, rows: rows, times: times, schedule: schedule, seed: seed, step: -1 - part)
      let eps = try denoiser.noise(
        in: noised.x, times: times,
        classes: rows.map { samples.classes.isEmpty ? DiffusionModel.noClass : samples.classes[$0] })
      errors.append(
        zip(eps, noised.noise).reduce(0) { $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1)) } / Double(eps.count))
    }
    return errors.reduce(0, +) / 10
  }

  func checkpointFiles() throws -> [String: [UInt8]] {
    try TapeFiles.files(model.store, optimizer, metadata: ["system": FittedDiffusion.system])
  }

  mutating func restore(_ files: [String: [UInt8]]) throws {
    try TapeFiles.restore(files, into: model.store, optimizer)
  }

  /// Puts the averaged numbers into the model.
  func finish() { optimizer.adoptAverage() }
}

extension ParameterStore {
  /// Takes the numbers of another store of the same layout.
  func take(_ other: ParameterStore) throws(TapeError) {
    for parameter in parameters { try set(parameter, to: other.copy(of: parameter)) }
  }
}
