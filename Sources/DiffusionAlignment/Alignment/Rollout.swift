/// Chains from noise to sample that a model draws itself, and what each move left behind (DDPO, D3PO).
struct Rollout {
  /// `[chains, values]`.
  let samples: [Float]
  /// Of each move but the last, which has no spread; chains of one move lie behind each other.
  let moves: [Move]

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

  /// Chains have no guidance: what is trained is the network by itself, and the moves must be its own.
  ///
  /// - Parameters:
  ///   - steps: moves of a chain.
  ///   - seed: chain *i* of step `step` is a function of the numbers of the model, the seed, the step and *i*.
  init(_ predictor: any NoisePredictor, classes: [Int], steps: Int, seed: UInt64, step: Int) throws {
    var configuration = SamplingConfiguration()
    configuration.steps = steps
    configuration.eta = 1
    let rows = classes.indices.map { UInt64(truncatingIfNeeded: step) << 24 | UInt64($0) }
    var moves: [Move] = []
    samples = try Sampler(configuration, of: predictor).walk(classes, seed: seed, rows: rows) { move in
      // The last move goes to the sample itself and has no spread.
      let spread = move.coefficients.spread
      guard spread > 0 else { return }
      let signal = Float(move.coefficients.signal)
      moves.append(
        Move(
          time: move.time, chains: classes.count, x: move.x,
          target: zip(move.next, move.x).map { $0 - signal * $1 }, factor: Float(move.coefficients.noise),
          precision: Float(1 / (2 * spread * spread)), eps: move.eps))
    }
    self.moves = moves
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
