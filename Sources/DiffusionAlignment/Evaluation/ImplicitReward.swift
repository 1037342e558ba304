import PenchantKernels

/// What an aligned model itself prefers: the reward that InPO's loss gives to a sample, `β log p_θ/p_ref` in its Gaussian form
/// (InPO section 5), as a mean over times evenly spaced in the schedule.
///
/// Latents are found by the reference without extra noise, so that a sample has one reward.
public struct ImplicitReward {
  private let policy: Denoiser
  private let reference: Denoiser
  private let times: [Int]

  public init(policy: Denoiser, reference: Denoiser, times count: Int = 4) {
    self.policy = policy
    self.reference = reference
    let steps = policy.schedule.steps
    times = (0..<max(1, count)).map { (2 * $0 + 1) * steps / (2 * max(1, count)) }
  }

  /// `ℓ_ref − ℓ_θ` of each sample: above 0 where the policy knows it better than the reference.
  public func rewards(of samples: SampleSet) throws -> [Double] { try judged(questions(samples)).rewards }

  /// Latents of samples at one time, the noise in them, and what the reference says of it; `[rows, values]` each. They do not
  /// depend on the policy: who asks about the same samples again keeps them.
  struct Question {
    var times: [Int]
    var classes: [Int]
    var x: [Float]
    var noise: [Float]
    var reference: [Float]
  }

  /// The questions about samples, one a time.
  func questions(_ samples: SampleSet) throws -> [Question] {
    let rows = samples.count
    var configuration = InversionConfiguration()
    configuration.eta = 0
    let inverter = Inverter(configuration, with: reference)
    let classes =
      samples.classes.isEmpty ? [Int](repeating: DiffusionModel.noClass, count: rows) : samples.classes
    return try times.map { time in
      let times = [Int](repeating: time, count: rows)
      let x = try inverter.invert(
        samples.values, times: times, classes: classes, seed: 0, rows: (0..<rows).map(UInt64.init)
      ).values
      let levels = times.map(policy.schedule.level)
      var noise = x
      var span = noise.mutableSpan
      try impliedNoise(levels: levels.span, x.span, clean: samples.values.span, into: &span)
      return Question(
        times: times, classes: classes, x: x, noise: noise,
        reference: try reference.noise(in: x, times: times, classes: classes))
    }
  }

  /// The questions about the samples that stand in pairs.
  func questions(_ pairs: SamplePairs) throws -> [Question] {
    try questions(pairs.samples.samples(Self.used(pairs)))
  }

  private static func used(_ pairs: SamplePairs) -> [Int] { Set(pairs.winners + pairs.losers).sorted() }

  /// The reward of each sample, and the reference's error ℓ_ref.
  private func judged(_ questions: [Question]) throws -> (rewards: [Double], errors: [Double]) {
    let (rows, values) = (questions.first?.times.count ?? 0, policy.shape.count)
    var rewards = [Double](repeating: 0, count: rows)
    var errors = rewards
    let share = 1 / Double(max(1, values) * questions.count)
    for question in questions {
      let ours = try policy.noise(in: question.x, times: question.times, classes: question.classes)
      for row in 0..<rows {
        // ℓ_ref − ℓ_θ without cancellation.
        for i in row * values..<(row + 1) * values {
          let (a, b, t) = (Double(question.reference[i]), Double(ours[i]), Double(question.noise[i]))
          rewards[row] += share * (a - b) * (a + b - 2 * t)
          errors[row] += share * (a - t) * (a - t)
        }
      }
    }
    return (rewards, errors)
  }

  /// Rewards of the winners less those of the losers, one a pair.
  public func margins(_ pairs: SamplePairs) throws -> [Double] {
    try sides(pairs, questions(pairs)).map { $0.winner - $0.loser }
  }

  /// Of held-out pairs: the share in the right order, ties one half, and by which share of the reference's error that of the
  /// policy on winners is larger. Where it rises, samples are being lost whatever the loss says (InPO section 9).
  ///
  /// - Parameter questions: those about the pairs.
  func held(_ pairs: SamplePairs, _ questions: [Question]) throws -> (accuracy: Double, rise: Double) {
    let sides = try sides(pairs, questions)
    let hits = sides.reduce(0) { $0 + ($1.winner > $1.loser ? 1 : $1.winner == $1.loser ? 0.5 : 0) }
    let gained = sides.reduce(0) { $0 + $1.winner }
    let known = sides.reduce(0) { $0 + $1.error }
    return (hits / Double(max(1, sides.count)), known > 0 ? -gained / known : 0)
  }

  /// Rewards of both of each pair, and the reference's error on the winner.
  private func sides(
    _ pairs: SamplePairs, _ questions: [Question]
  ) throws -> [(winner: Double, loser: Double, error: Double)] {
    let places = Dictionary(uniqueKeysWithValues: Self.used(pairs).enumerated().map { ($1, $0) })
    let (rewards, errors) = try judged(questions)
    return zip(pairs.winners, pairs.losers).map { winner, loser in
      let (w, l) = (places[winner] ?? 0, places[loser] ?? 0)
      return (rewards[w], rewards[l], errors[w])
    }
  }
}
