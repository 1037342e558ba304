import PenchantKernels
import PenchantTrain

/// What can be set of PrefPalette's preference model, in the sections of `config.yaml`.
public struct PrefPaletteConfiguration: Codable, Sendable, Equatable {
  public struct Model: Codable, Sendable, Equatable {
    /// `paper`: section 5; `signed`: section 6.2.
    public var form = PaletteShape.Form.signed
    /// Whether a community has a query, a reward and directions of its own beside the shared ones.
    public var pooled = true
    /// Width of the attention; 0 for a quarter of the content's.
    public var rank = 0
    /// First value of the mixing strength β.
    public var mix: Float = 0.5
    public init() {}
  }
  public enum Margin: String, Codable, Sendable, CaseIterable {
    case none
    /// `marginScale` times the difference of votes.
    case votes
    /// `marginScale` times log2(1 + difference of votes).
    case log
  }
  public struct Objective: Codable, Sendable, Equatable {
    /// Penalty ridge/2 · |w|² on what belongs to a community (all of reward and direction when not pooled).
    public var ridge: Float = 2e-4
    /// The same on how far the reward and the direction that all communities share are from where they started.
    public var sharedRidge: Float = 0
    /// Largest chance that a step leaves the attributes out: 0.1 when deployment has attributes, 0.5 when not.
    public var reduction = 0.1
    public var margin = Margin.none
    public var marginScale: Float = 0.1
    public init() {}
  }
  public struct Optimizer: Codable, Sendable, Equatable {
    public var learningRate = 5e-3
    /// Share of all steps over which the learning rate rises.
    public var warmup = 0.03
    /// Where the cosine ends, as a share of the learning rate.
    public var floor = 0.1
    public var beta1 = 0.9
    public var beta2 = 0.95
    public var weightDecay = 0.0
    public var batchSize = 200
    /// Longest gradient; 0 for no limit.
    public var clip = 1.0
    public init() {}
  }

  public var model = Model()
  public var objective = Objective()
  public var optimizer = Optimizer()
  /// How labels that may be wrong are treated.
  public var robust = RobustConfiguration()
  public var run: TrainerConfiguration

  public init() {
    run = TrainerConfiguration()
    run.epochs = 8
    run.patience = 0
    run.watch = "accuracy"
  }

  /// - Throws: `ConfigurationError` that names the setting, what it must be and what was found.
  public func validate() throws(ConfigurationError) {
    try checkSetting((0...4096).contains(model.rank), "model.rank", "0 to 4096", model.rank)
    try checkSetting(model.mix.isFinite, "model.mix", "finite", model.mix)
    try checkSetting(
      objective.ridge >= 0 && objective.ridge.isFinite, "objective.ridge", "0 or more", objective.ridge)
    let shared = objective.sharedRidge
    try checkSetting(shared >= 0 && shared.isFinite, "objective.shared_ridge", "0 or more", shared)
    try checkSetting(
      (0...1).contains(objective.reduction), "objective.reduction", "0 to 1", objective.reduction)
    try checkSetting(
      objective.marginScale.isFinite, "objective.margin_scale", "finite", objective.marginScale)
    let rate = optimizer.learningRate
    try checkSetting(rate > 0 && rate.isFinite, "optimizer.learning_rate", "above 0", rate)
    try checkSetting((0...1).contains(optimizer.warmup), "optimizer.warmup", "0 to 1", optimizer.warmup)
    try checkSetting((0...1).contains(optimizer.floor), "optimizer.floor", "0 to 1", optimizer.floor)
    try checkSetting((0..<1).contains(optimizer.beta1), "optimizer.beta1", "0 to below 1", optimizer.beta1)
    try checkSetting((0..<1).contains(optimizer.beta2), "optimizer.beta2", "0 to below 1", optimizer.beta2)
    let decay = optimizer.weightDecay
    try checkSetting(decay >= 0 && decay.isFinite, "optimizer.weight_decay", "0 or more", decay)
    let batch = optimizer.batchSize
    try checkSetting((1...1_000_000).contains(batch), "optimizer.batch_size", "1 to 1000000", batch)
    try checkSetting(
      optimizer.clip >= 0 && optimizer.clip.isFinite, "optimizer.clip", "0 or more", optimizer.clip)
    try robust.validate()
    guard robust.method == .none || objective.margin == .none else {
      throw ConfigurationError(
        "objective.margin moves the loss away from the probability that robust.method \(robust.method.rawValue) reads: "
          + "set one of them to none")
    }
    try run.validate()
  }

  /// The model's sizes for some data.
  public func shape(_ data: PaletteData) -> PaletteShape {
    let d = data.texts.contentWidth
    return PaletteShape(
      form: model.form, content: d, attributes: data.texts.attributes, width: data.texts.width,
      rank: model.rank > 0 ? model.rank : max(1, d / 4),
      communities: model.pooled ? data.communities.count : 0)
  }
}
