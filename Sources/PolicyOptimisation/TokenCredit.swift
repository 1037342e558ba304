import PenchantKernels

/// What every token of a batch is credited with.
public struct TokenCredit: Sendable, Equatable {
  public var advantages: [Float]
  /// What the critic is to foresee: Monte-Carlo returns, not advantage + value (as the paper's code).
  public var targets: [Float]

  /// Advantages of a batch under an algorithm.
  ///
  /// - Parameter values: of the critic at the rollout; read by PPO only.
  /// - Throws: `KernelError`; `PolicyError.batch` for answers that are not whole groups.
  public init(
    _ batch: PolicyBatch<some Any>, values: [Float], _ configuration: PolicyConfiguration
  ) throws {
    if configuration.algorithm.isGrouped {
      guard batch.answers % configuration.groupSize == 0 else {
        throw PolicyError.batch("\(batch.answers) answers are not groups of \(configuration.groupSize)")
      }
      var own = batch.rewards
      var span = own.mutableSpan
      try groupAdvantages(
        batch.rewards.span, groupSize: configuration.groupSize,
        baseline: configuration.algorithm == .reinforce ? .leaveOneOut : configuration.baseline, into: &span)
      advantages = [Float](repeating: 0, count: batch.tokens)
      for s in 0..<batch.answers {
        for t in Int(batch.offsets[s])..<Int(batch.offsets[s + 1]) { advantages[t] = own[s] }
      }
      targets = []
      return
    }
    var rewards = [Float](repeating: 0, count: batch.tokens)
    for t in rewards.indices {
      let apart = Double(batch.logProbabilities[t]) - Double(batch.reference[t])
      rewards[t] = Float(-configuration.penalty * apart)
    }
    for s in 0..<batch.answers { rewards[Int(batch.offsets[s + 1]) - 1] += batch.rewards[s] }
    var (raw, totals) = (rewards, rewards)
    do {
      var a = raw.mutableSpan
      var g = totals.mutableSpan
      try tokenAdvantages(
        offsets: batch.offsets.span, rewards: rewards.span, values: values.span,
        discount: configuration.discount, lambda: configuration.lambda, advantages: &a, totals: &g)
    }
    let plain = configuration.algorithm == .ppo ? raw : totals
    var white = plain
    var span = white.mutableSpan
    try whiten(plain.span, into: &span)
    advantages = white
    targets = totals
  }
}
