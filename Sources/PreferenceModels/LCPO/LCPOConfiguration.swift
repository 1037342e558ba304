import PenchantKernels
import PenchantTrain

/// What can be set of LCPO over a file, in the sections of `config.yaml`.
public struct LCPOConfiguration: Codable, Sendable, Equatable {
  public enum Kind: String, Codable, Sendable, CaseIterable {
    /// What the first record has: log-probabilities, else a margin, else two texts.
    case auto
    /// `policy_chosen_logps`, `policy_rejected_logps` and mostly those of a reference.
    case logps
    /// `margin`: a difference of rewards.
    case margins
    /// Texts that are compared many times: one worth a text is fitted (Crowd-BT).
    case items
  }
  public struct Data: Codable, Sendable, Equatable {
    public var kind = Kind.auto
    public init() {}
  }
  public enum Loss: String, Codable, Sendable, CaseIterable {
    case dpo, ipo, simpo, cpo, hinge

    var kind: NoisyObjective.Kind {
      switch self {
      case .dpo: .dpo
      case .ipo: .ipo
      case .simpo: .simPO
      case .cpo: .cpo
      case .hinge: .hinge
      }
    }
    /// The loss compares no reference: margins are far from 0 before anything is learnt.
    var isReferenceFree: Bool { self == .simpo || self == .cpo }
  }
  public struct Objective: Codable, Sendable, Equatable {
    /// The loss whose swapped order minus given order is the logit of a pair.
    public var loss = Loss.dpo
    /// Slope of the margin; IPO's τ; what a reward margin is multiplied by.
    public var beta: Float = 0.1
    /// SimPO's target margin, in units of the margin.
    public var gamma: Float = 0
    /// Weight of CPO's log-probability a token.
    public var likelihood: Float = 0
    /// Log-probabilities are divided by the lengths. SimPO always does when there are lengths.
    public var perToken = false
    /// The mean is taken off the margins in the E-step: a remedy where length, not preference, moves them.
    public var centre = false
    /// Penalty ridge/2 · |worth|² of texts that are compared.
    public var ridge = 0.1
    public init() {}
  }
  public enum Slope: String, Codable, Sendable, CaseIterable {
    /// Fitted where margins are given, 1 where worths are fitted.
    case auto
    case fixed, fit
  }
  public struct Noise: Codable, Sendable, Equatable {
    /// η₀, the share of labels that are taken to be right at first. Below ½ preferences turn round.
    public var reliability = 0.9
    /// False: η stays at `reliability`.
    public var learns = true
    /// One η an annotator; false for one of all.
    public var perAnnotator = true
    /// Pseudo-counts of right and wrong labels of every annotator: who gave few labels stays near 0.9.
    public var pseudoRight = 9.0
    public var pseudoWrong = 1.0
    /// Whether the slope κ of the E-step is fitted beside η.
    public var slope = Slope.auto
    /// κ, or where its fit begins.
    public var slopeStart = 1.0
    public init() {}
  }
  public enum Method: String, Codable, Sendable, CaseIterable {
    /// Expectation and maximisation over all pairs.
    case em
    /// The same optimum by a quasi-Newton search; κ stays where it starts.
    case direct
    /// Batches with a moving average of η: the paper's Algorithm 1.
    case batch
  }
  public struct Fit: Codable, Sendable, Equatable {
    public var method = Method.em
    /// EM ends when neither η nor a parameter moves by more.
    public var tolerance = 1e-8
    public var batchSize = 128
    public var learningRate = 0.01
    /// α of the moving average, in batches.
    public var step = 0.01
    public init() {}
  }
  public enum Guard: String, Codable, Sendable, CaseIterable { case refuse, warn, off }
  public struct Guards: Codable, Sendable, Equatable {
    /// When a loss without reference has a mean |margin| above 4 before anything is learnt.
    public var saturation = Guard.refuse
    public init() {}
  }
  public enum Cleaning: String, Codable, Sendable, CaseIterable {
    /// Pairs that are more likely wrong than right are left out of the cleaned copy.
    case drop
    /// They are turned round.
    case swap
  }
  public struct Output: Codable, Sendable, Equatable {
    public var cleaning = Cleaning.drop
    /// A label whose chance to be wrong is above this is cleaned away.
    public var threshold = 0.5
    public init() {}
  }
  public var data = Data()
  public var objective = Objective()
  public var noise = Noise()
  public var fit = Fit()
  public var guards = Guards()
  public var output = Output()
  public var run: TrainerConfiguration

  public init() {
    run = TrainerConfiguration()
    // A step of full EM is an iteration over all pairs.
    run.steps = 2000
    run.validateEvery = 10
    run.patience = 1
    run.watch = "objective"
    run.logEvery = 1
  }

  /// - Throws: `ConfigurationError` that names the setting, what it must be and what was found.
  public func validate() throws(ConfigurationError) {
    let o = objective
    try checkSetting(o.beta > 0 && o.beta.isFinite, "objective.beta", "above 0", o.beta)
    try checkSetting(o.gamma.isFinite, "objective.gamma", "finite", o.gamma)
    try checkSetting(
      o.likelihood >= 0 && o.likelihood.isFinite, "objective.likelihood", "0 or more", o.likelihood)
    try checkSetting(o.ridge >= 0 && o.ridge.isFinite, "objective.ridge", "0 or more", o.ridge)
    try checkSetting(
      noise.reliability > 0 && noise.reliability < 1, "noise.reliability", "between 0 and 1",
      noise.reliability)
    let right = noise.pseudoRight
    try checkSetting(right >= 0 && right.isFinite, "noise.pseudo_right", "0 or more", right)
    let wrong = noise.pseudoWrong
    try checkSetting(wrong >= 0 && wrong.isFinite, "noise.pseudo_wrong", "0 or more", wrong)
    try checkSetting(
      noise.slopeStart > 0 && noise.slopeStart.isFinite, "noise.slope_start", "above 0", noise.slopeStart)
    try checkSetting(
      fit.tolerance > 0 && fit.tolerance.isFinite, "fit.tolerance", "above 0", fit.tolerance)
    try checkSetting(
      (1...1_000_000).contains(fit.batchSize), "fit.batch_size", "1 to 1000000", fit.batchSize)
    try checkSetting(
      fit.learningRate > 0 && fit.learningRate.isFinite, "fit.learning_rate", "above 0", fit.learningRate)
    try checkSetting(fit.step > 0 && fit.step <= 1, "fit.step", "above 0, at most 1", fit.step)
    try checkSetting(
      output.threshold > 0 && output.threshold < 1, "output.threshold", "between 0 and 1", output.threshold)
    try run.validate()
  }
}
