import CPenchant

/// A loss over pairs: what is made of the margin between the chosen and the rejected one.
///
/// The margin is `beta * difference - targetMargin`; the formulas stand in `penchant/preference.h`.
public struct PreferenceLoss: Sendable, Equatable {
  public enum Kind: Sendable, CaseIterable {
    case sigmoid, robust, hinge, ipo, holder, ropo, exo, discoPOP

    var c: pn_preference_loss {
      switch self {
      case .sigmoid: PN_PREFERENCE_SIGMOID
      case .robust: PN_PREFERENCE_ROBUST
      case .hinge: PN_PREFERENCE_HINGE
      case .ipo: PN_PREFERENCE_IPO
      case .holder: PN_PREFERENCE_HOLDER
      case .ropo: PN_PREFERENCE_ROPO
      case .exo: PN_PREFERENCE_EXO
      case .discoPOP: PN_PREFERENCE_DISCOPOP
      }
    }
  }

  public var kind: Kind
  /// Slope of the margin, the inverse of a temperature; for `ipo` its regulariser τ.
  public var beta: Float
  /// Subtracted from every margin.
  public var targetMargin: Float
  /// Probability that a label is wrong.
  public var smoothing: Float
  /// Exponent of `holder`, α of `ropo`, τ of `discoPOP`.
  public var shape: Float
  /// Weight of the negative log-probability of the chosen answer; log-probabilities only.
  public var likelihood: Float

  public init(
    _ kind: Kind = .sigmoid, beta: Float = 1, targetMargin: Float = 0, smoothing: Float = 0, shape: Float = 2,
    likelihood: Float = 0
  ) {
    self.kind = kind
    self.beta = beta
    self.targetMargin = targetMargin
    self.smoothing = smoothing
    self.shape = shape
    self.likelihood = likelihood
  }

  /// −log σ((r⁺ − r⁻)/τ).
  public static func bradleyTerry(temperature: Float = 1) -> Self { Self(beta: 1 / temperature) }
  /// Rafailov et al. 2023; `smoothing` > 0 is cDPO.
  public static func dpo(beta: Float, smoothing: Float = 0) -> Self { Self(beta: beta, smoothing: smoothing) }
  /// Chowdhury et al. 2024: unbiased when `smoothing` is the true rate of wrong labels.
  public static func rDPO(beta: Float, smoothing: Float) -> Self {
    Self(.robust, beta: beta, smoothing: smoothing)
  }
  /// Zhao et al. 2023.
  public static func slic(beta: Float, likelihood: Float = 0) -> Self {
    Self(.hinge, beta: beta, likelihood: likelihood)
  }
  /// Azar et al. 2023.
  public static func ipo(tau: Float) -> Self { Self(.ipo, beta: tau) }
  /// Meng et al. 2024; give lengths. `gamma` is in units of the margin: β times what some call γ/β.
  public static func simPO(beta: Float, gamma: Float) -> Self { Self(beta: beta, targetMargin: gamma) }
  /// Xu et al. 2024; give no reference.
  public static func cpo(beta: Float, likelihood: Float = 1) -> Self {
    Self(beta: beta, likelihood: likelihood)
  }

  func options(_ gradientScale: Float) -> pn_preference_options {
    pn_preference_options(
      loss: kind.c, beta: beta, gamma: targetMargin, smoothing: smoothing, shape: shape,
      likelihood: likelihood,
      grad_scale: gradientScale)
  }
}

// Rules of the calls below: arrays have one value a pair; `targets` are subtracted from margins; `labels` are the
// probability, in 0...1, that the chosen one is the better one (`sigmoid`, `hinge`, `ipo` only); losses and gradients carry
// the pair's weight, gradients `gradientScale` too, and 1/n makes them those of the mean. An output of no elements is left
// out. The mean is over the number of pairs. Same bits for any number of threads.

/// Losses of margins, with the gradient to them. Returns the mean loss.
///
/// - Complexity: O(*n*), one pass on the team.
/// - Throws: `KernelError.shape` when lengths differ, `.status` when a parameter of the loss is outside its range.
@discardableResult
public func preferenceLoss(
  _ loss: PreferenceLoss, margins: Span<Float>, targets: Span<Float>? = nil, labels: Span<Float>? = nil,
  weights: Span<Float>? = nil, gradientScale: Float = 1, losses: inout MutableSpan<Float>,
  gradient: inout MutableSpan<Float>
) throws(KernelError) -> Double {
  let n = margins.count
  try require(targets, "targets", is: n, "preferenceLoss")
  try require(labels, "labels", is: n, "preferenceLoss")
  try require(weights, "weights", is: n, "preferenceLoss")
  try requireOutput(losses.count, "losses", is: n, "preferenceLoss")
  try requireOutput(gradient.count, "gradient", is: n, "preferenceLoss")
  let scratch = try Scratch(pn_preference_workspace(n), "preferenceLoss")
  var options = loss.options(gradientScale)
  var mean = 0.0
  try check(
    pn_preference_margin_f32(
      n, &options, address(margins), address(targets), address(labels), address(weights), address(&losses),
      address(&gradient), &mean, scratch.start, scratch.bytes), "preferenceLoss")
  return mean
}

/// Losses of pairs of scores, with the gradients to both. Returns the mean loss.
@discardableResult
public func preferenceLoss(
  _ loss: PreferenceLoss, chosen: Span<Float>, rejected: Span<Float>, targets: Span<Float>? = nil,
  labels: Span<Float>? = nil, weights: Span<Float>? = nil, gradientScale: Float = 1,
  losses: inout MutableSpan<Float>, chosenGradient: inout MutableSpan<Float>,
  rejectedGradient: inout MutableSpan<Float>
) throws(KernelError) -> Double {
  let n = chosen.count
  try require(rejected.count, "rejected", is: n, "preferenceLoss")
  try require(targets, "targets", is: n, "preferenceLoss")
  try require(labels, "labels", is: n, "preferenceLoss")
  try require(weights, "weights", is: n, "preferenceLoss")
  try requireOutput(losses.count, "losses", is: n, "preferenceLoss")
  try requireOutput(chosenGradient.count, "chosenGradient", is: n, "preferenceLoss")
  try requireOutput(rejectedGradient.count, "rejectedGradient", is: n, "preferenceLoss")
  let scratch = try Scratch(pn_preference_workspace(n), "preferenceLoss")
  var options = loss.options(gradientScale)
  var mean = 0.0
  try check(
    pn_preference_score_f32(
      n, &options, address(chosen), address(rejected), address(targets), address(labels), address(weights),
      address(&losses), address(&chosenGradient), address(&rejectedGradient), &mean, scratch.start,
      scratch.bytes),
    "preferenceLoss")
  return mean
}

/// Losses of sequence log-probabilities of the policy, with the gradients to them. Returns the mean loss.
///
/// The difference of a pair is `(chosen − reference)/length − (rejected − reference)/length`, without reference or lengths
/// where they are not given (a length of 0 counts as 1). References come both or not at all, lengths too.
@discardableResult
public func preferenceLoss(
  _ loss: PreferenceLoss, chosenLogProbabilities chosen: Span<Float>,
  rejectedLogProbabilities rejected: Span<Float>,
  chosenReference: Span<Float>? = nil, rejectedReference: Span<Float>? = nil,
  chosenLengths: Span<UInt32>? = nil,
  rejectedLengths: Span<UInt32>? = nil, targets: Span<Float>? = nil, labels: Span<Float>? = nil,
  weights: Span<Float>? = nil, gradientScale: Float = 1, losses: inout MutableSpan<Float>,
  chosenGradient: inout MutableSpan<Float>, rejectedGradient: inout MutableSpan<Float>
) throws(KernelError) -> Double {
  let n = chosen.count
  try require(rejected.count, "rejected", is: n, "preferenceLoss")
  try requireLogProbabilities(
    n, chosenReference, rejectedReference, chosenLengths, rejectedLengths, "preferenceLoss")
  try require(targets, "targets", is: n, "preferenceLoss")
  try require(labels, "labels", is: n, "preferenceLoss")
  try require(weights, "weights", is: n, "preferenceLoss")
  try requireOutput(losses.count, "losses", is: n, "preferenceLoss")
  try requireOutput(chosenGradient.count, "chosenGradient", is: n, "preferenceLoss")
  try requireOutput(rejectedGradient.count, "rejectedGradient", is: n, "preferenceLoss")
  let scratch = try Scratch(pn_preference_workspace(n), "preferenceLoss")
  var options = loss.options(gradientScale)
  var mean = 0.0
  try check(
    pn_preference_logprob_f32(
      n, &options, address(chosen), address(rejected), address(chosenReference), address(rejectedReference),
      address(chosenLengths), address(rejectedLengths), address(targets), address(labels), address(weights),
      address(&losses), address(&chosenGradient), address(&rejectedGradient), &mean, scratch.start,
      scratch.bytes),
    "preferenceLoss")
  return mean
}

func requireLogProbabilities(
  _ n: Int, _ chosenReference: Span<Float>?, _ rejectedReference: Span<Float>?,
  _ chosenLengths: Span<UInt32>?,
  _ rejectedLengths: Span<UInt32>?, _ call: StaticString
) throws(KernelError) {
  guard (chosenReference == nil) == (rejectedReference == nil),
    (chosenLengths == nil) == (rejectedLengths == nil)
  else {
    throw .shape("\(call)", "references, and lengths, are given for chosen and rejected or for neither")
  }
  try require(chosenReference, "chosenReference", is: n, call)
  try require(rejectedReference, "rejectedReference", is: n, call)
  try require(chosenLengths, "chosenLengths", is: n, call)
  try require(rejectedLengths, "rejectedLengths", is: n, call)
}

/// Items of a list that have no place: they rank below every item that has one.
public let unranked = UInt32.max

/// Negative log-probability of ragged rankings under Plackett–Luce, with the gradient to the scores. Returns the mean.
///
/// - Parameters:
///   - offsets: list `l` has items `offsets[l]..<offsets[l + 1]`; from 0, not decreasing.
///   - places: 0 = best; the ranked items of a list carry 0..<k, each once, the others `unranked`. `nil`: best first.
///   - top: how many places of a list count; `nil` for all.
///   - losses: one a list, or no elements. gradient: one an item, or no elements.
/// - Throws: `KernelError.shape` when lengths differ, `.status` for a tie or a gap in the places.
@discardableResult
public func plackettLuceLoss(
  offsets: Span<Int>, scores: Span<Float>, places: Span<UInt32>? = nil, top: Int? = nil,
  weights: Span<Float>? = nil, gradientScale: Float = 1, losses: inout MutableSpan<Float>,
  gradient: inout MutableSpan<Float>
) throws(KernelError) -> Double {
  guard offsets.count > 0, offsets[0] == 0 else { throw .shape("plackettLuceLoss", "offsets begin with 0") }
  let lists = offsets.count - 1
  for l in 0..<lists where offsets[l + 1] < offsets[l] {
    throw .shape("plackettLuceLoss", "offset \(l + 1) is \(offsets[l + 1]), below \(offsets[l]) before it")
  }
  let items = offsets[lists]
  try require(scores.count, "scores", is: items, "plackettLuceLoss")
  try require(places, "places", is: items, "plackettLuceLoss")
  try require(weights, "weights", is: lists, "plackettLuceLoss")
  try requireOutput(losses.count, "losses", is: lists, "plackettLuceLoss")
  try requireOutput(gradient.count, "gradient", is: items, "plackettLuceLoss")
  if let top, top < 1 { throw .value("plackettLuceLoss", "top is \(top); at least one place counts") }
  let scratch = try Scratch(pn_plackett_luce_workspace(lists, items), "plackettLuceLoss")
  var mean = 0.0
  try check(
    pn_plackett_luce_f32(
      lists, top ?? 0, gradientScale, address(offsets), address(scores), address(places), address(weights),
      address(&losses), address(&gradient), &mean, scratch.start, scratch.bytes), "plackettLuceLoss")
  return mean
}
