import PenchantKernels
import PenchantTrain

/// Turns rewards of a reward model into those a policy is trained on.
///
/// ```swift
/// var shaper = try RewardShaper(RewardShaping(.par), references: references)
/// let shaped = try shaper.shape(rewards, prompts: prompts)
/// ```
///
/// Running kinds add the rewards to their statistics before they use them, as the paper's code does;
/// references never count.
public struct RewardShaper: Sendable {
  public let shaping: RewardShaping
  /// Statistics of all rewards so far, kept for running kinds.
  public private(set) var moments: RewardMoments
  private let references: ReferenceRewards?

  /// - Parameters:
  ///   - references: needed by kinds that read them; already penalised for length, if length costs.
  ///   - moments: of rewards that came before, to go on from.
  /// - Throws: `ConfigurationError`, `ShapingError.references`.
  public init(
    _ shaping: RewardShaping, references: ReferenceRewards? = nil, moments: RewardMoments = RewardMoments()
  ) throws {
    try shaping.validate("shaping")
    if shaping.kind.readsReferences, references == nil {
      throw ShapingError.references("\(shaping.kind.rawValue) measures from them, and none are given")
    }
    self.shaping = shaping
    self.moments = moments
    self.references =
      shaping.kind == .lsc
      ? try references?.thresholds(quantile: shaping.quantile)
      : shaping.kind.readsReferences ? references : nil
  }

  /// Shaped rewards, one an answer.
  ///
  /// - Parameters:
  ///   - prompts: which row of the references belongs to each reward; `nil`: row *i* to reward *i*.
  ///   - lengths: tokens of the answers; needed when length costs.
  /// - Throws: `ShapingError.rewards` naming the first reward that is not finite, or lengths that are
  ///   missing; `KernelError`. Statistics are then as before.
  public mutating func shape(
    _ rewards: [Float], prompts: [UInt32]? = nil, lengths: [UInt32]? = nil
  ) throws -> [Float] {
    if let i = rewards.firstIndex(where: { !$0.isFinite }) {
      throw ShapingError.rewards("reward \(i) is \(rewards[i]); a reward is finite")
    }
    let rewards = try penalised(rewards, lengths)
    var next = moments
    if shaping.kind.readsHistory { try next.add(rewards.span) }
    var shaped = rewards
    var span = shaped.mutableSpan
    try shapeRewards(
      shaping.function(next), rewards.span, prompts: references == nil ? nil : prompts?.span,
      references: references?.values.span, perPrompt: references?.perPrompt ?? 0, into: &span)
    moments = next
    return shaped
  }

  private func penalised(_ rewards: [Float], _ lengths: [UInt32]?) throws -> [Float] {
    guard shaping.lengthLimit > 0 else { return rewards }
    guard let lengths, lengths.count == rewards.count else {
      throw ShapingError.rewards(
        "length costs (length_limit \(shaping.lengthLimit)), and \(lengths?.count ?? 0) lengths are given "
          + "for \(rewards.count) rewards")
    }
    var out = rewards
    var span = out.mutableSpan
    try penaliseLength(
      rewards.span, lengths: lengths.span, limit: UInt32(shaping.lengthLimit), rate: shaping.lengthRate,
      into: &span)
    return out
  }
}
