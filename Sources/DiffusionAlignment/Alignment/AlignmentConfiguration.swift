import PenchantTape
import PenchantTrain

/// Settings of `penchant train inpo`.
public struct AlignmentConfiguration: Sendable, Equatable, Codable {
  /// Which network inverts.
  public enum Preset: String, Sendable, Codable, CaseIterable {
    /// The policy itself, as the paper.
    case faithful
    /// The reference: its inversions are stored, the preference cannot turn round, and less of the data is lost.
    case stable
  }

  public struct Objective: Sendable, Equatable, Codable {
    public var method = AlignmentMethod.inpo
    public var preset = Preset.stable
    /// Strength of the pull to the reference; 0 chooses 30 for points and 200 for pictures (D3PO: 0.1).
    public var beta = 0.0
    /// SmPO: what sureness is multiplied by.
    public var gamma = 10.0
    /// How far the ratio of probabilities of a move may be from 1; 0 chooses 0.1 (D3PO) and 0.0001 (DDPO).
    public var ratio = 0.0
    /// Share of pairs whose class is left out.
    public var classDropout = 0.2

    public init() {}
  }

  /// How a run is watched, and what is kept of it.
  public struct Watching: Sendable, Equatable, Codable {
    /// Samples that are drawn at each look.
    public var samples = 1000
    /// What is a good sample: learned (from the training pairs), or a measure that ``SampleReward`` names.
    public var reward = "learned"
    /// Share of samples off the data beyond the starting model's that a kept model may have.
    public var budget = 0.1
    /// A model whose error on held-out winners has risen by more than this share of the reference's is not kept; 0 keeps it.
    public var rise = 0.5

    public init() {}
  }

  /// Of the model's own chains (D3PO, DDPO).
  public struct Rollout: Sendable, Equatable, Codable {
    /// Moves of a chain.
    public var steps = 20
    /// Updates on the chains of a step.
    public var updates = 2

    public init() {}
  }

  public var objective = Objective()
  public var inversion = InversionConfiguration()
  public var rollout = Rollout()
  /// Share of pairs that are held out.
  public var held = 0.1
  public var optimizer = DiffusionOptimizer()
  public var sampling = SamplingConfiguration()
  public var watching = Watching()
  public var run = TrainerConfiguration()

  public init() {
    optimizer.learningRate = 1e-4
    optimizer.warmup = 20
    optimizer.decays = false
    optimizer.weightDecay = 0.01
    optimizer.average = 0
    optimizer.rows = 64
    run.epochs = 1
    run.steps = 400
    run.validateEvery = 50
    run.checkpointEvery = 50
    run.patience = 4
    run.logEvery = 10
    run.watch = AlignmentTask.watched
  }

  /// - Throws: `ConfigurationError` naming the setting.
  public func validate() throws(ConfigurationError) {
    try inversion.validate()
    try optimizer.validate()
    try sampling.validate()
    try run.validate()
    try checkSetting(
      objective.beta >= 0 && objective.beta.isFinite, "objective.beta", "0 (chosen for the samples) or more",
      objective.beta)
    try checkSetting(objective.gamma > 0, "objective.gamma", "above 0", objective.gamma)
    try checkSetting(
      objective.ratio >= 0 && objective.ratio < 1, "objective.ratio", "0 or more and below 1", objective.ratio
    )
    try checkSetting(
      objective.classDropout >= 0 && objective.classDropout <= 1, "objective.class_dropout",
      "between 0 and 1",
      objective.classDropout)
    try checkSetting(held >= 0 && held < 1, "held", "0 or more and below 1", held)
    _ = try Rewards.named(watching.reward)
    try checkSetting(watching.samples >= 2, "watching.samples", "at least 2", watching.samples)
    try checkSetting(watching.budget >= 0, "watching.budget", "0 or more", watching.budget)
    try checkSetting(watching.rise >= 0, "watching.rise", "0 or more", watching.rise)
    try checkSetting(rollout.steps >= 2, "rollout.steps", "at least 2", rollout.steps)
    try checkSetting(rollout.updates >= 1, "rollout.updates", "at least 1", rollout.updates)
  }

  /// β for samples of a shape.
  func beta(for shape: SampleShape) -> Float {
    if objective.beta > 0 { return Float(objective.beta) }
    if objective.method == .d3po { return 0.1 }
    return shape.isPoint ? 30 : 200
  }

  var ratio: Float {
    if objective.ratio > 0 { return Float(objective.ratio) }
    return objective.method == .d3po ? 0.1 : 1e-4
  }

  /// How inversions are made: SmPO looks at each hop twice.
  func inverting() -> InversionConfiguration {
    var configuration = inversion
    if objective.method == .smpo {
      configuration.renoise = max(1, configuration.renoise)
      configuration.averaged = true
    }
    return configuration
  }
}
