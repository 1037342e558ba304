import PenchantKernels

/// Chains from noise to sample that a model draws itself, and what each move left behind (DDPO, D3PO).
struct Rollout {
  /// `[chains, values]`.
  var samples: [Float]
  /// Of each move but the last, which has no spread; chains of one move lie behind each other.
  var moves: [Move] = []

  struct Move {
    var time: Int
    var chains: Int
    /// States before the move, `[chains, values]`.
    var x: [Float]
    /// x' − c_x x: what c_ε ε is to explain.
    var target: [Float]
    /// c_ε, and 1 / (2 σ²).
    var factor: Float
    var precision: Float
    /// ε of the model that drew, `[chains, values]`.
    var eps: [Float]
  }

  /// - Parameters:
  ///   - steps: moves of a chain.
  ///   - seed: chain *i* of step `step` is a function of the numbers of the model, the seed, the step and *i*.
  init(_ predictor: any NoisePredictor, classes: [Int], steps: Int, guidance: Double, seed: UInt64, step: Int)
    throws
  {
    var configuration = SamplingConfiguration()
    configuration.steps = steps
    configuration.guidance = guidance
    let sampler = Sampler(configuration, of: predictor)
    let values = predictor.shape.count
    let rows = classes.indices.map { UInt64(truncatingIfNeeded: step) << 24 | UInt64($0) }
    let times = sampler.times
    samples = try Draws(seed: seed, purpose: .start).normals(rows: rows, values)
    for (place, time) in times.enumerated() {
      let from = predictor.schedule.level(time)
      let isLast = place + 1 == times.count
      let move = try DDIMMove(from: from, to: isLast ? 1 : predictor.schedule.level(times[place + 1]), eta: 1)
      let eps = try sampler.noise(samples, time, classes)
      let z = isLast ? nil : try Draws(seed: seed, purpose: .transition(place)).normals(rows: rows, values)
      let before = samples
      var span = samples.mutableSpan
      try ddimMove(
        [DDIMMove](repeating: move, count: classes.count), before.span, eps: eps.span, z: z?.span, into: &span
      )
      if isLast { break }
      let signal = Float(move.signal)
      moves.append(
        Move(
          time: time, chains: classes.count, x: before, target: zip(samples, before).map { $0 - signal * $1 },
          factor: Float(move.noise),
          precision: Float(1 / (2 * move.spread * move.spread)), eps: eps))
    }
  }
}

extension Rollout.Move {
  /// log N(x'; μ, σ²) of each chain under a prediction, up to what does not depend on it, averaged over the values.
  func logProbabilities(_ eps: [Float]) -> [Float] {
    let values = eps.count / max(1, chains)
    return (0..<chains).map { row in
      let error = (row * values..<(row + 1) * values).reduce(0.0) {
        let apart = Double(target[$1]) - Double(factor) * Double(eps[$1])
        return $0 + apart * apart
      }
      return Float(-error / Double(values) * Double(precision))
    }
  }
}
