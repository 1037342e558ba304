import CPenchant

/// What is made of the distance between a reward and its references; the formulas stand in
/// `penchant/shaping.h`.
public struct ShapingFunction: Sendable, Equatable {
  public enum Kind: Sendable, CaseIterable {
    case linear, sigmoid, tanh, polynomial, logSigmoid, clip

    var c: pn_shaping_function {
      switch self {
      case .linear: PN_SHAPE_LINEAR
      case .sigmoid: PN_SHAPE_SIGMOID
      case .tanh: PN_SHAPE_TANH
      case .polynomial: PN_SHAPE_POLYNOMIAL
      case .logSigmoid: PN_SHAPE_LOG_SIGMOID
      case .clip: PN_SHAPE_CLIP
      }
    }
  }

  public var kind: Kind
  /// z = slope · (reward − shift − reference).
  public var slope: Double
  public var shift: Double
  /// Where `clip` holds z.
  public var bounds: ClosedRange<Double>

  public init(
    _ kind: Kind, slope: Double = 1, shift: Double = 0,
    bounds: ClosedRange<Double> = -Double.infinity...Double.infinity
  ) {
    self.kind = kind
    self.slope = slope
    self.shift = shift
    self.bounds = bounds
  }
}

/// Writes shaped rewards: the mean of the function over the references of a row's prompt.
///
/// - Parameters:
///   - prompts: which row of `references` belongs to each reward; `nil`: row *i* to reward *i*.
///   - references: `prompts × perPrompt` rewards of answers of the reference policy; none with `perPrompt` 0.
/// - Complexity: O(*n* · perPrompt); runs on the team.
/// - Throws: `KernelError.shape` when lengths do not fit, `.status` for a prompt outside the table or a slope
///   that is not finite.
public func shapeRewards(
  _ function: ShapingFunction, _ rewards: Span<Float>, prompts: Span<UInt32>? = nil,
  references: Span<Float>? = nil, perPrompt: Int = 0, into shaped: inout MutableSpan<Float>
) throws(KernelError) {
  let n = rewards.count
  try require(shaped.count, "shaped", is: n, "shapeRewards")
  try require(prompts, "prompts", is: n, "shapeRewards")
  guard perPrompt >= 0 else { throw .value("shapeRewards", "\(perPrompt) references a prompt") }
  let count = references?.count ?? 0
  guard perPrompt > 0 ? count % perPrompt == 0 : count == 0 else {
    throw .shape("shapeRewards", "\(count) references are not \(perPrompt) a prompt")
  }
  let rows = perPrompt > 0 ? count / perPrompt : 0
  guard perPrompt == 0 || prompts != nil || rows == n else {
    throw .shape("shapeRewards", "\(n) rewards, references of \(rows) prompts")
  }
  var options = pn_shaping(
    function: function.kind.c, slope: function.slope, shift: function.shift, low: function.bounds.lowerBound,
    high: function.bounds.upperBound)
  try check(
    pn_shape_reward_f32(
      n, rows, perPrompt, &options, address(rewards), address(prompts), address(references), address(&shaped)),
    "shapeRewards")
}

/// Count, mean, spread and extremes of all rewards that were added so far.
///
/// However the rewards were cut into batches, mean and spread agree with those of one pass (Chan, Golub &
/// LeVeque 1979).
public struct RewardMoments: Sendable, Equatable, Codable {
  /// How many rewards there were.
  public private(set) var count = 0.0
  public private(set) var mean = 0.0
  /// Sum of squared distances from the mean.
  public private(set) var spread = 0.0
  /// Smallest and largest; 0 before the first reward.
  public private(set) var low = 0.0
  public private(set) var high = 0.0

  public init() {}

  /// Population deviation; 0 before the first reward.
  public var deviation: Double { count > 0 ? (spread / count).squareRoot() : 0 }

  /// Adds rewards.
  ///
  /// - Throws: `KernelError.value` naming the first reward that is not finite, `.memory`; nothing is added
  ///   then.
  public mutating func add(_ rewards: Span<Float>) throws(KernelError) {
    for i in rewards.indices where !rewards[i].isFinite {
      throw .value("RewardMoments.add", "reward \(i) is \(rewards[i])")
    }
    let scratch = try Scratch(pn_reward_moments_workspace(rewards.count), "RewardMoments.add")
    var state = pn_reward_moments(count: count, mean: mean, spread: spread, low: low, high: high)
    try check(
      pn_reward_moments_f32(rewards.count, address(rewards), &state, scratch.start, scratch.bytes),
      "RewardMoments.add")
    (count, mean, spread, low, high) = (state.count, state.mean, state.spread, state.low, state.high)
  }
}

/// Where LSC puts its zero: mean + quantile · (deviation + 10⁻⁵) of every prompt's references.
///
/// - Throws: `KernelError.shape` with fewer than two references a prompt: one has no deviation.
public func rewardThresholds(
  references: Span<Float>, perPrompt: Int, quantile: Double, into thresholds: inout MutableSpan<Float>
) throws(KernelError) {
  guard perPrompt >= 2 else {
    throw .shape("rewardThresholds", "\(perPrompt) references a prompt; a deviation needs two")
  }
  let (size, overflow) = thresholds.count.multipliedReportingOverflow(by: perPrompt)
  try require(references.count, "references", is: overflow ? .max : size, "rewardThresholds")
  try check(
    pn_reward_threshold_f32(
      thresholds.count, perPrompt, quantile, address(references), address(&thresholds)), "rewardThresholds")
}

/// Takes `rate` a token beyond `limit` off every reward.
public func penaliseLength(
  _ rewards: Span<Float>, lengths: Span<UInt32>, limit: UInt32, rate: Double,
  into penalised: inout MutableSpan<Float>
) throws(KernelError) {
  try require(lengths.count, "lengths", is: rewards.count, "penaliseLength")
  try require(penalised.count, "penalised", is: rewards.count, "penaliseLength")
  try check(
    pn_length_penalty_f32(
      rewards.count, limit, rate, address(rewards), address(lengths), address(&penalised)), "penaliseLength")
}
