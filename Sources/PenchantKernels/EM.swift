import CPenchant

// Rules of the calls below: an output of no elements is left out; sums are in double; same bits for any number of threads.

/// What annotators earned in one E-step: sums of posterior and of weight, one of each an annotator.
public struct AnnotatorSums: Sendable, Equatable {
  public var sum: [Double]
  public var count: [Double]
  /// Mean of the marginal negative log-likelihood over pairs; NaN when it was not measured.
  public var meanLoss: Double

  public init(sum: [Double], count: [Double], meanLoss: Double) {
    self.sum = sum
    self.count = count
    self.meanLoss = meanLoss
  }
}

/// E-step of label noise: the probability that each label is right, and the exact gradient of the marginal loss.
///
/// - Parameters:
///   - logits: log-odds that the model gives to the observed order.
///   - annotators: who gave the label; `nil` for one virtual annotator.
///   - reliability: logit η of each annotator.
///   - measuresLoss: the likelihood costs a logarithm a pair; without it posteriors alone come about four times as fast.
///   - posterior, gradient, losses: one a pair, or no elements. The gradient is to `logits`.
/// - Throws: `KernelError.shape` when lengths differ, `.status` for an annotator without reliability.
public func labelNoise(
  logits: Span<Float>, annotators: Span<UInt32>? = nil, reliability: Span<Float>, weights: Span<Float>? = nil,
  gradientScale: Float = 1, measuresLoss: Bool = true, posterior: inout MutableSpan<Float>,
  gradient: inout MutableSpan<Float>,
  losses: inout MutableSpan<Float>
) throws(KernelError) -> AnnotatorSums {
  let n = logits.count
  let k = reliability.count
  try require(annotators, "annotators", is: n, "labelNoise")
  try require(weights, "weights", is: n, "labelNoise")
  try requireOutput(posterior.count, "posterior", is: n, "labelNoise")
  try requireOutput(gradient.count, "gradient", is: n, "labelNoise")
  try requireOutput(losses.count, "losses", is: n, "labelNoise")
  guard k > 0 else { throw .shape("labelNoise", "reliability has no annotator") }
  let scratch = try Scratch(pn_em_noise_workspace(n, k), "labelNoise")
  var sums = AnnotatorSums(
    sum: [Double](repeating: 0, count: k), count: [Double](repeating: 0, count: k), meanLoss: .nan)
  var mean = Double.nan
  let status = withUnsafeMutablePointer(to: &mean) { mean in
    pn_em_noise_f32(
      n, k, gradientScale, address(logits), address(annotators), address(reliability), address(weights),
      address(&posterior), address(&gradient), address(&losses), &sums.sum, &sums.count,
      measuresLoss ? mean : nil,
      scratch.start, scratch.bytes)
  }
  try check(status, "labelNoise")
  sums.meanLoss = mean
  return sums
}

/// One E-step in double: what estimators iterate to the last digit.
public struct NoiseExpectation: Sendable, Equatable {
  /// The probability that each label is right.
  public var posterior: [Double]
  /// Of the marginal loss with respect to each logit, times the weight.
  public var gradient: [Double]
  /// Sums of weight · posterior, and of weight, an annotator.
  public var sum: [Double]
  public var count: [Double]
  /// What the labels of an annotator say of its η when the logits are given: 1/√ of it is the standard error.
  public var information: [Double]
  /// Sum of weight · marginal loss.
  public var loss: Double
}

/// The E-step of label noise, in double.
///
/// - Parameter reliability: logit η of each annotator; `annotators` are places in it, `nil` for one.
/// - Throws: `KernelError.shape` when lengths differ, `.status` for an annotator without reliability.
public func labelNoise(
  logits: [Double], annotators: [UInt32]? = nil, reliability: [Double], weights: [Double]? = nil
) throws(KernelError) -> NoiseExpectation {
  let (n, k) = (logits.count, reliability.count)
  for (count, name) in [(annotators?.count, "annotators"), (weights?.count, "weights")] {
    if let count { try require(count, name, is: n, "labelNoise") }
  }
  guard k > 0 else { throw .shape("labelNoise", "reliability has no annotator") }
  let scratch = try Scratch(pn_em_noise_f64_workspace(n, k), "labelNoise")
  let each = [Double](repeating: 0, count: n)
  let table = [Double](repeating: 0, count: k)
  var found = NoiseExpectation(
    posterior: each, gradient: each, sum: table, count: table, information: table, loss: 0)
  try check(
    pn_em_noise_f64(
      n, k, address(logits.span), address(annotators?.span), reliability, address(weights?.span),
      &found.posterior, &found.gradient, &found.sum, &found.count, &found.information, &found.loss,
      scratch.start, scratch.bytes), "labelNoise")
  return found
}

/// A preference loss turned into a probability of the clean preference: its logit is the loss of the swapped order minus
/// the loss of the given one.
public struct NoisyObjective: Sendable, Equatable {
  public enum Kind: Sendable, CaseIterable {
    case dpo, ipo, simPO, cpo, hinge

    var c: pn_em_objective {
      switch self {
      case .dpo: PN_EM_DPO
      case .ipo: PN_EM_IPO
      case .simPO: PN_EM_SIMPO
      case .cpo: PN_EM_CPO
      case .hinge: PN_EM_HINGE
      }
    }
  }

  public var kind: Kind
  public var beta: Float
  /// Target margin of SimPO.
  public var gamma: Float
  /// Weight of the log-probability a token in CPO.
  public var likelihood: Float
  public var form: Form

  /// What the gradient of a label that is right with posterior w is that of (LCPO, equation 5).
  public enum Form: Sendable {
    /// The marginal loss of the logit: the paper. IPO has no squares then, and CPO no likelihood of the chosen alone.
    case induced
    /// w L(chosen over rejected) + (1 − w) L(rejected over chosen), w held: the loss itself, under DPO the same.
    case weighted
  }

  public init(
    _ kind: Kind = .dpo, beta: Float, gamma: Float = 0, likelihood: Float = 0, form: Form = .induced
  ) {
    self.kind = kind
    self.beta = beta
    self.gamma = gamma
    self.likelihood = likelihood
    self.form = form
  }

  func options(_ gradientScale: Float) -> pn_em_options {
    pn_em_options(
      objective: kind.c, beta: beta, gamma: gamma, likelihood: likelihood, grad_scale: gradientScale,
      weighted: form == .weighted)
  }

  /// Writes the induced logits of pairs of log-probabilities.
  public func logits(
    chosen: Span<Float>, rejected: Span<Float>, chosenReference: Span<Float>? = nil,
    rejectedReference: Span<Float>? = nil, chosenLengths: Span<UInt32>? = nil,
    rejectedLengths: Span<UInt32>? = nil,
    into logits: inout MutableSpan<Float>
  ) throws(KernelError) {
    let n = chosen.count
    try require(rejected.count, "rejected", is: n, "NoisyObjective.logits")
    try requireLogProbabilities(
      n, chosenReference, rejectedReference, chosenLengths, rejectedLengths, "NoisyObjective.logits")
    try require(logits.count, "logits", is: n, "NoisyObjective.logits")
    var options = options(1)
    try check(
      pn_em_logit_f32(
        n, &options, address(chosen), address(rejected), address(chosenReference), address(rejectedReference),
        address(chosenLengths), address(rejectedLengths), address(&logits)), "NoisyObjective.logits")
  }

  /// One pass from log-probabilities to posterior, gradients of the policy and sums of the annotators.
  public func step(
    chosen: Span<Float>, rejected: Span<Float>, chosenReference: Span<Float>? = nil,
    rejectedReference: Span<Float>? = nil, chosenLengths: Span<UInt32>? = nil,
    rejectedLengths: Span<UInt32>? = nil,
    annotators: Span<UInt32>? = nil, reliability: Span<Float>, weights: Span<Float>? = nil,
    gradientScale: Float = 1,
    posterior: inout MutableSpan<Float>, chosenGradient: inout MutableSpan<Float>,
    rejectedGradient: inout MutableSpan<Float>
  ) throws(KernelError) -> AnnotatorSums {
    let n = chosen.count
    let k = reliability.count
    try require(rejected.count, "rejected", is: n, "NoisyObjective.step")
    try requireLogProbabilities(
      n, chosenReference, rejectedReference, chosenLengths, rejectedLengths, "NoisyObjective.step")
    try require(annotators, "annotators", is: n, "NoisyObjective.step")
    try require(weights, "weights", is: n, "NoisyObjective.step")
    try requireOutput(posterior.count, "posterior", is: n, "NoisyObjective.step")
    try requireOutput(chosenGradient.count, "chosenGradient", is: n, "NoisyObjective.step")
    try requireOutput(rejectedGradient.count, "rejectedGradient", is: n, "NoisyObjective.step")
    guard k > 0 else { throw .shape("NoisyObjective.step", "reliability has no annotator") }
    let scratch = try Scratch(pn_em_noise_workspace(n, k), "NoisyObjective.step")
    var options = options(gradientScale)
    var sums = AnnotatorSums(
      sum: [Double](repeating: 0, count: k), count: [Double](repeating: 0, count: k), meanLoss: 0)
    try check(
      pn_em_logprob_f32(
        n, k, &options, address(chosen), address(rejected), address(chosenReference),
        address(rejectedReference),
        address(chosenLengths), address(rejectedLengths), address(annotators), address(reliability),
        address(weights), address(&posterior), address(&chosenGradient), address(&rejectedGradient),
        &sums.sum,
        &sums.count, &sums.meanLoss, scratch.start, scratch.bytes), "NoisyObjective.step")
    return sums
  }
}

/// How reliabilities follow from the sums of an E-step.
public enum ReliabilityRule: Sendable, Equatable {
  case mean
  case movingAverage(step: Double)
  /// A step that grows with the number of labels: 1 − (1 − step)^count.
  case countedAverage(step: Double)
  /// Pseudo-counts of right and wrong labels.
  case beta(right: Double, wrong: Double)

  /// Updates η of every annotator in place, within `floor ... 1 − floor`, and returns logit η.
  ///
  /// An annotator without labels keeps its η, except under `beta`.
  public func update(
    _ eta: inout [Double], from sums: AnnotatorSums, floor: Double = 1e-3
  ) throws(KernelError) -> [Float] {
    guard eta.count == sums.sum.count, eta.count == sums.count.count else {
      throw .shape(
        "ReliabilityRule.update",
        "\(eta.count) reliabilities, \(sums.sum.count) sums, \(sums.count.count) counts")
    }
    let (rule, step, right, wrong): (pn_em_rule, Double, Double, Double) =
      switch self {
      case .mean: (PN_EM_MEAN, 0, 0, 0)
      case .movingAverage(let step): (PN_EM_EMA, step, 0, 0)
      case .countedAverage(let step): (PN_EM_COUNT_EMA, step, 0, 0)
      case .beta(let right, let wrong): (PN_EM_BETA, 0, right, wrong)
      }
    var reliability = [Float](repeating: 0, count: eta.count)
    try check(
      pn_em_reliability(
        eta.count, rule, step, right, wrong, floor, sums.sum, sums.count, &eta, &reliability),
      "ReliabilityRule.update")
    return reliability
  }
}

/// What the numbers of a mixture are.
public enum MixtureInput: Sendable {
  case logLikelihoods
  /// Margins: the likelihood is σ(margin).
  case margins
}

/// New weights of a mixture and the mean log-likelihood of its rows.
public struct MixtureStep: Sendable, Equatable {
  public var weights: [Double]
  public var meanLogLikelihood: Double
}

/// E-step of a mixture, and the weights that follow from it.
///
/// - Parameters:
///   - x: `[rows, components]`. responsibility: the same, or no elements.
///   - logWeights: one a component, −∞ closes it.
///   - measuresLikelihood: otherwise `meanLogLikelihood` is NaN, and the step is faster.
public func mixtureStep(
  _ input: MixtureInput, _ x: Span<Float>, logWeights: Span<Float>, weights: Span<Float>? = nil,
  measuresLikelihood: Bool = true, responsibility: inout MutableSpan<Float>
) throws(KernelError) -> MixtureStep {
  let k = logWeights.count
  guard k > 0, x.count % k == 0 else {
    throw .shape("mixtureStep", "\(x.count) values in rows of \(k) components")
  }
  let n = x.count / k
  try require(weights, "weights", is: n, "mixtureStep")
  try requireOutput(responsibility.count, "responsibility", is: x.count, "mixtureStep")
  let scratch = try Scratch(pn_em_mixture_workspace(n, k), "mixtureStep")
  var updated = [Double](repeating: 0, count: k)
  var mean = Double.nan
  let status = withUnsafeMutablePointer(to: &mean) { mean in
    pn_em_mixture_f32(
      n, k, input == .margins ? PN_EM_MARGIN : PN_EM_LOG_LIKELIHOOD, address(x), address(logWeights),
      address(weights), address(&responsibility), &updated, measuresLikelihood ? mean : nil, scratch.start,
      scratch.bytes)
  }
  try check(status, "mixtureStep")
  return MixtureStep(weights: updated, meanLogLikelihood: mean)
}

/// A mixture of Gaussians with a variance a column, or one a component.
public struct GaussianMixture: Sendable, Equatable {
  public enum Covariance: Sendable {
    case spherical, diagonal
    var c: pn_em_covariance { self == .spherical ? PN_EM_SPHERICAL : PN_EM_DIAGONAL }
  }

  public let covariance: Covariance
  public let dimension: Int
  public private(set) var weights: [Double]
  /// `[components, dimension]`.
  public private(set) var means: [Float]
  /// `[components, dimension]`, spherical `[components]`.
  public private(set) var variances: [Float]

  public var components: Int { weights.count }

  public init(
    _ covariance: Covariance, dimension: Int, weights: [Double], means: [Float], variances: [Float]
  ) throws(KernelError) {
    let k = weights.count
    guard dimension > 0, k > 0, means.count == k * dimension,
      variances.count == (covariance == .diagonal ? k * dimension : k)
    else {
      throw .shape(
        "GaussianMixture",
        "\(k) weights, \(means.count) means and \(variances.count) variances do not fit dimension \(dimension)"
      )
    }
    self.covariance = covariance
    self.dimension = dimension
    self.weights = weights
    self.means = means
    self.variances = variances
  }

  /// Writes the responsibilities `[rows, components]` of rows `x` `[rows, dimension]`; returns the mean log-density.
  /// `logDensity`: one a row, or no elements.
  @discardableResult
  public func expect(
    _ x: Span<Float>, responsibility: inout MutableSpan<Float>, logDensity: inout MutableSpan<Float>
  ) throws(KernelError) -> Double {
    let n = try rows(x, responsibility.count)
    try requireOutput(logDensity.count, "logDensity", is: n, "GaussianMixture.expect")
    let scratch = try Scratch(pn_em_gaussian_workspace(n, dimension, components), "GaussianMixture.expect")
    var mean = 0.0
    try check(
      pn_em_gaussian_e_f32(
        n, dimension, components, covariance.c, address(x), weights, means, variances,
        address(&responsibility),
        address(&logDensity), &mean, scratch.start, scratch.bytes), "GaussianMixture.expect")
    return mean
  }

  /// Moves weights, means and variances to their best values under the responsibilities.
  public mutating func maximize(
    _ x: Span<Float>, responsibility: Span<Float>, varianceFloor: Float = 1e-6
  ) throws(KernelError) {
    let n = try rows(x, responsibility.count)
    let scratch = try Scratch(pn_em_gaussian_workspace(n, dimension, components), "GaussianMixture.maximize")
    try check(
      pn_em_gaussian_m_f32(
        n, dimension, components, covariance.c, varianceFloor, address(x), address(responsibility), &weights,
        &means,
        &variances, scratch.start, scratch.bytes), "GaussianMixture.maximize")
  }

  private func rows(_ x: Span<Float>, _ responsibilities: Int) throws(KernelError) -> Int {
    let n = x.count / dimension
    guard n * dimension == x.count, n * components == responsibilities else {
      throw .shape(
        "GaussianMixture",
        "\(x.count) values in rows of \(dimension), \(responsibilities) responsibilities in rows of \(components)"
      )
    }
    return n
  }
}

/// Responsibilities of prototypes for users, from the margins of each user's pairs under every prototype.
///
/// - Parameters:
///   - offsets: user `u` has pairs `offsets[u]..<offsets[u + 1]`; from 0, not decreasing.
///   - margins: `[pairs, prototypes]`. gradient: the same, or no elements.
///   - responsibility: `[users, prototypes]`.
/// - Returns: the weights that follow, and the mean over users of their log-likelihood.
public func prototypeStep(
  offsets: Span<Int>, margins: Span<Float>, logWeights: Span<Float>, gradientScale: Float = 1,
  responsibility: inout MutableSpan<Float>, gradient: inout MutableSpan<Float>
) throws(KernelError) -> MixtureStep {
  let k = logWeights.count
  guard offsets.count > 0, k > 0 else {
    throw .shape("prototypeStep", "\(offsets.count) offsets, \(k) prototypes")
  }
  let users = offsets.count - 1
  guard offsets[0] == 0, offsets[users] >= 0, margins.count == offsets[users] * k else {
    throw .shape(
      "prototypeStep", "\(margins.count) margins for \(offsets[users]) pairs under \(k) prototypes")
  }
  try require(responsibility.count, "responsibility", is: users * k, "prototypeStep")
  try requireOutput(gradient.count, "gradient", is: margins.count, "prototypeStep")
  for u in 0..<users where offsets[u + 1] < offsets[u] {
    throw .shape("prototypeStep", "offset \(u + 1) is \(offsets[u + 1]), below \(offsets[u]) before it")
  }
  let scratch = try Scratch(pn_em_prototype_workspace(users, k), "prototypeStep")
  var step = MixtureStep(weights: [Double](repeating: 0, count: k), meanLogLikelihood: 0)
  var loss = 0.0
  try check(
    pn_em_prototype_f32(
      users, k, gradientScale, address(offsets), address(margins), address(logWeights),
      address(&responsibility),
      address(&gradient), &step.weights, &loss, scratch.start, scratch.bytes), "prototypeStep")
  step.meanLogLikelihood = -loss
  return step
}
