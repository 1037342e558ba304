import CPenchant

/// A loss of the two rewards of a pair, one by one; the formulas stand in `penchant/preference.h`.
public struct RewardLoss: Sendable, Equatable {
  public enum Kind: Sendable, CaseIterable {
    case nca, bco, sppo, apoZero, apoDown

    var c: pn_reward_loss {
      switch self {
      case .nca: PN_REWARD_NCA
      case .bco: PN_REWARD_BCO
      case .sppo: PN_REWARD_SPPO
      case .apoZero: PN_REWARD_APO_ZERO
      case .apoDown: PN_REWARD_APO_DOWN
      }
    }
  }

  public var kind: Kind
  public var beta: Float
  /// Running mean of the rewards, taken off both; `bco` only.
  public var shift: Float

  public init(_ kind: Kind, beta: Float, shift: Float = 0) {
    self.kind = kind
    self.beta = beta
    self.shift = shift
  }
}

/// Losses of pairs of log-probabilities under a `RewardLoss`, with the gradients to them. Returns the mean loss.
///
/// An output of no elements is left out. References come both or not at all.
/// - Throws: `KernelError.shape` when lengths differ, `.status` when a parameter of the loss is outside its range.
@discardableResult
public func rewardLoss(
  _ loss: RewardLoss, chosen: Span<Float>, rejected: Span<Float>, chosenReference: Span<Float>? = nil,
  rejectedReference: Span<Float>? = nil, weights: Span<Float>? = nil, gradientScale: Float = 1,
  losses: inout MutableSpan<Float>, chosenGradient: inout MutableSpan<Float>,
  rejectedGradient: inout MutableSpan<Float>
) throws(KernelError) -> Double {
  let n = chosen.count
  try require(rejected.count, "rejected", is: n, "rewardLoss")
  try requireLogProbabilities(n, chosenReference, rejectedReference, nil, nil, "rewardLoss")
  try require(weights, "weights", is: n, "rewardLoss")
  try requireOutput(losses.count, "losses", is: n, "rewardLoss")
  try requireOutput(chosenGradient.count, "chosenGradient", is: n, "rewardLoss")
  try requireOutput(rejectedGradient.count, "rejectedGradient", is: n, "rewardLoss")
  let scratch = try Scratch(pn_preference_workspace(n), "rewardLoss")
  var options = pn_reward_options(
    loss: loss.kind.c, beta: loss.beta, shift: loss.shift, grad_scale: gradientScale)
  var mean = 0.0
  try check(
    pn_preference_reward_f32(
      n, &options, address(chosen), address(rejected), address(chosenReference), address(rejectedReference),
      address(weights), address(&losses), address(&chosenGradient), address(&rejectedGradient), &mean,
      scratch.start, scratch.bytes), "rewardLoss")
  return mean
}

/// Weights of a batch under Dr. DPO (Wu et al. 2024): `losses.count` times a softmax of −loss / `beta`, so that their mean
/// is 1. Returns the value of the batch, whose gradient is the mean of weight · gradient of a loss.
///
/// - Throws: `KernelError.shape` when the lengths differ, `.status` unless `beta` is above 0 and finite.
@discardableResult
public func robustWeights(
  losses: Span<Float>, beta: Float, into weights: inout MutableSpan<Float>
) throws(KernelError) -> Double {
  try require(weights.count, "weights", is: losses.count, "robustWeights")
  let scratch = try Scratch(pn_preference_workspace(losses.count), "robustWeights")
  var value = 0.0
  try check(
    pn_preference_robust_weight_f32(
      losses.count, beta, address(losses), address(&weights), &value, scratch.start, scratch.bytes),
    "robustWeights")
  return value
}

/// Alignment by optimal transport (Melnyk et al. 2024, paired AOT): the sigmoid loss between the sorted differences of the
/// policy and the sorted differences of the reference. Writes the gradient to the policy's differences; returns the mean.
///
/// A loss of ranks: no pair has a loss, or a weight, of its own. Equal differences keep their order.
/// - Throws: `KernelError.shape` when lengths differ, `.value` unless `beta` is above 0, `.status` from the loss.
public func alignedLoss(
  policy: [Float], reference: [Float], beta: Float, gradientScale: Float = 1
) throws(KernelError) -> (mean: Double, gradient: [Float]) {
  let n = policy.count
  try require(reference.count, "reference", is: n, "alignedLoss")
  guard !policy.contains(where: \.isNaN), !reference.contains(where: \.isNaN) else {
    throw .value("alignedLoss", "a difference is NaN and has no place in an order")
  }
  let order = policy.indices.sorted { (policy[$0], $0) < (policy[$1], $1) }
  let sorted = order.map { policy[$0] }
  let targets = reference.sorted().map { beta * $0 }
  var none: [Float] = []
  var slopes = [Float](repeating: 0, count: n)
  var losses = none.mutableSpan
  var out = slopes.mutableSpan
  let mean = try preferenceLoss(
    PreferenceLoss(beta: beta), margins: sorted.span, targets: targets.span, gradientScale: gradientScale,
    losses: &losses, gradient: &out)
  var gradient = [Float](repeating: 0, count: n)
  for (place, index) in order.enumerated() { gradient[index] = slopes[place] }
  return (mean, gradient)
}
