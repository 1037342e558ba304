import PenchantData
import PenchantKernels

/// The rows of one step: pairs, their times and their classes; winners first, then losers in the same order.
struct PairDraw {
  /// Places among the pairs.
  var pairs: [Int]
  /// Rows of the samples, `[2 · pairs]`.
  var rows: [Int]
  /// One a row; a pair shares its own.
  var times: [Int]
  /// One a row, `DiffusionModel.noClass` where it is left out.
  var classes: [Int]
  /// One a pair; 0 where the batch is filled up.
  var weights: [Float]

  /// - Parameters:
  ///   - number: the step; the draw is a function of it and the seed.
  ///   - steps: T.
  init(
    _ data: SamplePairs, _ batcher: inout Batcher, step number: Int, steps: Int, dropout: Double, seed: UInt64
  ) throws(KernelError) {
    let batch = try batcher.batch(number)
    pairs = batch.indices
    var draws = RandomStream(seed: seed, stream: 0xd1ff_0002, next: UInt64(number) << 20)
    let chances = try draws.uniforms(2 * pairs.count)
    let own = pairs.indices.map { Int(chances[2 * $0] * Float(steps)) }
    times = own + own
    rows = pairs.map { data.winners[$0] } + pairs.map { data.losers[$0] }
    let all = data.samples.classes
    let conditions = pairs.enumerated().map { place, pair in
      all.isEmpty || chances[2 * place + 1] < Float(dropout)
        ? DiffusionModel.noClass : all[data.winners[pair]]
    }
    classes = conditions + conditions
    let share = Float(pairs.count) / Float(batch.filled)
    weights = zip(pairs, batch.weights).map { pair, counts in
      counts * share * (data.weights.isEmpty ? 1 : data.weights[pair])
    }
  }
}
