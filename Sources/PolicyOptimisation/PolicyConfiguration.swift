import PenchantKernels
import PenchantTrain

/// How a policy follows its rewards.
public struct PolicyConfiguration: Codable, Sendable, Equatable {
  public enum Algorithm: String, Codable, Sendable, CaseIterable {
    /// Clipped ratios, a critic, generalised advantages; the divergence is taken off the rewards of the
    /// tokens.
    case ppo
    /// Clipped ratios, answers to one prompt measured by each other; the divergence stands in the loss.
    case grpo
    /// Clipped ratios without critic: what an answer still earns, whitened over the batch; the divergence as
    /// in PPO.
    case reinforcePlusPlus = "reinforce++"
    /// The score function itself: what an answer earns beyond the other answers to its prompt; the divergence
    /// as in GRPO.
    case reinforce

    /// Answers to one prompt are measured by each other.
    public var isGrouped: Bool { self == .grpo || self == .reinforce }
  }

  public var algorithm = Algorithm.ppo
  /// η: reward units a nat of KL(π ‖ π_ref). At 0 nothing holds the policy, and every bounded reward is
  /// hacked in the end.
  public var penalty = 0.005
  /// How the divergence is estimated in the loss of grouped algorithms.
  public var estimator = DivergenceEstimator.k3
  /// Answers to one prompt, where they are measured by each other.
  public var groupSize = 4
  /// GRPO: `deviation` divides by the deviation of the group (and undoes what a bounded reward is for),
  /// `centre` does not (Dr. GRPO).
  public var baseline = GroupBaseline.deviation
  /// ε: ratios count up to 1 ± ε.
  public var clip = 0.2
  /// How far a value may move from that of the rollout.
  public var valueClip = 0.2
  /// γ.
  public var discount = 1.0
  /// λ of the generalised advantages.
  public var lambda = 0.95
  public var learningRate = 1e-3
  public var criticRate = 3e-3
  /// Largest norm of a gradient.
  public var gradientClip = 1.0
  /// Passes over a batch.
  public var passes = 1
  /// Steps that train the critic alone, so that the policy does not follow a critic that knows nothing.
  public var warmup = 60

  public init() {}

  /// - Throws: `ConfigurationError` that names the setting below `section`.
  public func validate(_ section: String) throws(ConfigurationError) {
    func positive(_ value: Double, _ name: String) throws(ConfigurationError) {
      try checkSetting(value > 0 && value.isFinite, "\(section).\(name)", "above 0", value)
    }
    func share(_ value: Double, _ name: String) throws(ConfigurationError) {
      try checkSetting((0...1).contains(value), "\(section).\(name)", "in 0...1", value)
    }
    try checkSetting(penalty >= 0 && penalty.isFinite, "\(section).penalty", "0 or more", penalty)
    try checkSetting(
      (1...1024).contains(groupSize) && (!algorithm.isGrouped || groupSize > 1), "\(section).group_size",
      algorithm.isGrouped ? "2 to 1024 for \(algorithm.rawValue)" : "1 to 1024", groupSize)
    try share(clip, "clip")
    try positive(valueClip, "value_clip")
    try share(discount, "discount")
    try share(lambda, "lambda")
    try positive(learningRate, "learning_rate")
    try positive(criticRate, "critic_rate")
    try positive(gradientClip, "gradient_clip")
    try checkSetting((1...100).contains(passes), "\(section).passes", "1 to 100", passes)
    try checkSetting(warmup >= 0, "\(section).warmup", "0 or more", warmup)
  }

  /// What is known to undo a bounded reward (arXiv 2502.18770 measured in a small world: docs/par.md).
  public var warnings: [String] {
    var found: [String] = []
    if algorithm == .grpo, baseline == .deviation {
      found.append(
        "grpo divides by the deviation of the group: that undoes every bounded or scaled reward; "
          + "baseline centre keeps it")
    }
    if penalty == 0 {
      found.append("penalty is 0: without it a bounded reward is hacked as an unbounded one is")
    }
    return found
  }
}
