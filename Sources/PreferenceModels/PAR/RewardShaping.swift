import PenchantKernels
import PenchantTrain

/// Which function of a reward a policy is trained on (Fu et al., arXiv 2502.18770, table of section 3).
public struct RewardShaping: Codable, Sendable, Equatable {
  public enum Kind: String, Codable, Sendable, CaseIterable {
    /// The chance that an answer beats those of the reference policy: mean of σ(k (r − r_ref)).
    case par
    /// The reward as it is.
    case vanilla
    /// Mean of r − r_ref.
    case centred
    /// (r − mean) / deviation of all rewards so far.
    case meanstd
    /// Held within a deviation of the mean of all rewards so far: the bounds move with the policy.
    case clip
    /// Between the smallest and the largest of all rewards so far.
    case minmax
    /// log σ(r − q), q a high quantile of the references of the prompt.
    case lsc
    /// At most `ceiling`.
    case ceil
    /// σ(k r) and tanh(k r): the zero is that of the reward model.
    case sigmoid, tanh
    /// Mean of tanh(k (r − r_ref)).
    case tanhCentred = "tanh_centred"
    /// A polynomial of degree 5 instead of σ.
    case polynomial
    case polynomialCentred = "polynomial_centred"
    /// Slow growth, fast convergence: mean of σ(k (r − shift − r_ref)), wrong on purpose.
    case sgfc

    /// Needs the rewards of answers of the reference policy.
    public var readsReferences: Bool {
      switch self {
      case .par, .centred, .lsc, .tanhCentred, .polynomialCentred, .sgfc: true
      case .vanilla, .meanstd, .clip, .minmax, .ceil, .sigmoid, .tanh, .polynomial: false
      }
    }
    /// Depends on the rewards that came before.
    public var readsHistory: Bool { self == .meanstd || self == .clip || self == .minmax }
  }

  public var kind = Kind.par
  /// k of the bounded functions.
  public var slope = 1.0
  /// What SgFc takes off before σ.
  public var shift = 3.0
  /// Of `ceil`.
  public var ceiling = 3.0
  /// Of `lsc`: the share of references below the zero, were they normal.
  public var quantile = 0.85
  /// Tokens from which length costs reward; 0: it never does. Applied before everything else, to references
  /// too.
  public var lengthLimit = 0
  /// Reward a token beyond the limit.
  public var lengthRate = 0.01

  public init(_ kind: Kind = .par) { self.kind = kind }

  /// - Throws: `ConfigurationError` that names the setting below `section`.
  public func validate(_ section: String) throws(ConfigurationError) {
    try checkSetting(slope > 0 && slope.isFinite, "\(section).slope", "above 0", slope)
    try checkSetting(shift.isFinite, "\(section).shift", "finite", shift)
    try checkSetting(ceiling.isFinite, "\(section).ceiling", "finite", ceiling)
    try checkSetting(quantile > 0 && quantile < 1, "\(section).quantile", "between 0 and 1", quantile)
    try checkSetting(
      (0...Int(UInt32.max)).contains(lengthLimit), "\(section).length_limit", "0 or more", lengthLimit)
    try checkSetting(
      lengthRate >= 0 && lengthRate.isFinite, "\(section).length_rate", "0 or more", lengthRate)
  }

  /// The function for a state of the statistics. Equal rewards have no deviation: they are centred, not
  /// scaled.
  func function(_ moments: RewardMoments) -> ShapingFunction {
    switch kind {
    case .par, .sigmoid: return ShapingFunction(.sigmoid, slope: slope)
    case .vanilla, .centred: return ShapingFunction(.linear)
    case .meanstd:
      let deviation = moments.deviation
      return ShapingFunction(.linear, slope: deviation > 0 ? 1 / deviation : 1, shift: moments.mean)
    case .clip:
      return ShapingFunction(
        .clip, bounds: moments.mean - moments.deviation...moments.mean + moments.deviation)
    case .minmax:
      let range = moments.high - moments.low
      return ShapingFunction(.linear, slope: range > 0 ? 1 / range : 1, shift: moments.low)
    case .lsc: return ShapingFunction(.logSigmoid)
    case .ceil: return ShapingFunction(.clip, bounds: -Double.infinity...ceiling)
    case .tanh, .tanhCentred: return ShapingFunction(.tanh, slope: slope)
    case .polynomial, .polynomialCentred: return ShapingFunction(.polynomial, slope: slope)
    case .sgfc: return ShapingFunction(.sigmoid, slope: slope, shift: shift)
    }
  }
}
