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
  public func rewards(of samples: SampleSet) throws -> [Double] {
    let (rows, values) = (samples.count, samples.shape.count)
    var configuration = InversionConfiguration()
    configuration.eta = 0
    let inverter = Inverter(configuration, with: reference)
    let classes =
      samples.classes.isEmpty ? [Int](repeating: DiffusionModel.noClass, count: rows) : samples.classes
    var rewards = [Double](repeating: 0, count: rows)
    for time in times {
      let times = [Int](repeating: time, count: rows)
      let x = try inverter.invert(
        samples.values, times: times, classes: classes, seed: 0, rows: (0..<rows).map(UInt64.init)
      ).values
      let levels = times.map(policy.schedule.level)
      var noise = x
      var span = noise.mutableSpan
      try impliedNoise(levels: levels.span, x.span, clean: samples.values.span, into: &span)
      let ours = try policy.noise(in: x, times: times, classes: classes)
      let theirs = try reference.noise(in: x, times: times, classes: classes)
      for row in 0..<rows {
        // ℓ_ref − ℓ_θ without cancellation.
        rewards[row] +=
          (row * values..<(row + 1) * values).reduce(0) {
            let (a, b, t) = (Double(theirs[$1]), Double(ours[$1]), Double(noise[$1]))
            return $0 + (a - b) * (a + b - 2 * t)
          } / Double(values * self.times.count)
      }
    }
    return rewards
  }

  /// Rewards of the winners less those of the losers, one a pair.
  public func margins(_ pairs: SamplePairs) throws -> [Double] {
    let used = Set(pairs.winners + pairs.losers).sorted()
    let places = Dictionary(uniqueKeysWithValues: used.enumerated().map { ($1, $0) })
    let rewards = try rewards(of: pairs.samples.samples(used))
    return zip(pairs.winners, pairs.losers).map { winner, loser in
      (places[winner].map { rewards[$0] } ?? 0) - (places[loser].map { rewards[$0] } ?? 0)
    }
  }

  /// Share of pairs in the right order; ties one half.
  func accuracy(_ pairs: SamplePairs) throws -> Double {
    let margins = try margins(pairs)
    return margins.reduce(0) { $0 + ($1 > 0 ? 1 : $1 == 0 ? 0.5 : 0) } / Double(max(1, margins.count))
  }
}
