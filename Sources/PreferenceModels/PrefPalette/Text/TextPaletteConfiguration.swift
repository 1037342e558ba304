import PenchantData
import PenchantTrain

/// What can be set of PrefPalette on texts, in the sections of `config.yaml`: from the split of the pairs to the
/// preference model.
public struct TextPaletteConfiguration: Codable, Sendable, Equatable {
  public struct Data: Codable, Sendable, Equatable {
    /// What no test pair shares with a training pair.
    public var split = PaletteSplit.Unit.auto
    /// Share of the pairs that are never trained on and are reported; 0 when test files are given.
    public var test = 0.1
    /// Share of the training pairs that choose penalty and epochs; then all training pairs are fitted.
    public var validation = 0.15
    public init() {}
  }
  public struct Content: Codable, Sendable, Equatable {
    /// d: the content-only score of a text, and d - 1 principal components of its features.
    public var width = 64
    /// Whether attributes have first claim: what they explain of the content is taken out of it. Then a weight is all that
    /// goes with an attribute; else it is what is left when the content has explained what it can.
    public var residual = true
    /// Parts into which training texts are cut so that none is scored by a content model that has seen it.
    public var folds = 5
    /// Strengths of the content model's penalty, of which held-out pairs choose one.
    public var ridges = BradleyTerryConfiguration.Objective().ridges
    public init() {}
  }
  public struct Selection: Codable, Sendable, Equatable {
    /// Values of `objective.ridge` to choose from by held-out pairs; one is taken as it is.
    public var ridges: [Float] = [2e-4, 2e-3, 2e-2, 2e-1]
    /// `objective.shared_ridge` as a share of it.
    public var shared: Float = 0.1
    public init() {}
  }
  public struct Attributes: Codable, Sendable, Equatable {
    public typealias Reading = PaletteTextInputs.Reading
    /// Names with commas between them, `norms`, `values`, `all`, or a YAML file; empty for the names of the judgements.
    public var list = ""
    /// Rewrites to learn the attributes from (`penchant synthesize`); empty: rules rewrite `texts` of the texts.
    public var counterfactuals = ""
    /// Judgements of people to learn the attributes from instead: pairs with an `attribute`, `chosen` showing more of it.
    public var judgements = ""
    /// Texts that rules rewrite, drawn evenly from the communities.
    public var texts = 160
    /// Share of the rewritten texts of a community that test the heads and draw the response curves.
    public var held = 0.1
    /// What heads see of a text.
    public var reading = Reading.auto
    /// Whether they see what it answers too.
    public var withContext = false
    public init() {}
  }

  public struct Profile: Codable, Sendable, Equatable {
    /// Refits to other draws of the training pairs, from which the intervals of weights come; 0 for none.
    public var refits = 50
    /// Share of wrong flags among the flags of a profile.
    public var discoveryRate = 0.05
    public init() {}
  }

  public var data = Data()
  public var features = BradleyTerryConfiguration.Features()
  public var content = Content()
  public var attributes = Attributes()
  public var heads = AttributeHeadConfiguration()
  public var selection = Selection()
  public var model = PrefPaletteConfiguration.Model()
  public var objective: PrefPaletteConfiguration.Objective
  public var optimizer = PrefPaletteConfiguration.Optimizer()
  /// How labels that may be wrong are treated by the preference model.
  public var robust = RobustConfiguration()
  public var profile = Profile()
  public var run: TrainerConfiguration

  public init() {
    objective = PrefPaletteConfiguration.Objective()
    // Attribute heads are part of the model, so no prediction lacks attributes.
    objective.reduction = 0
    run = PrefPaletteConfiguration().run
  }

  /// The part that the preference model reads.
  public var palette: PrefPaletteConfiguration {
    var palette = PrefPaletteConfiguration()
    palette.model = model
    palette.objective = objective
    palette.optimizer = optimizer
    palette.robust = robust
    palette.run = run
    return palette
  }

  /// Smaller batches for fewer pairs, 50 at least: an epoch is to have 40 steps.
  func batchSize(pairs: Int) -> Int { max(1, min(optimizer.batchSize, max(50, pairs / 40), pairs)) }

  /// The same with a penalty of `selection`, for so many epochs.
  func palette(_ chosen: PaletteSelection, pairs: Int) -> PrefPaletteConfiguration {
    var palette = palette
    palette.optimizer.batchSize = batchSize(pairs: pairs)
    palette.objective.ridge = chosen.ridge
    palette.objective.sharedRidge = chosen.ridge * selection.shared
    palette.run.epochs = chosen.epochs
    palette.run.steps = 0
    palette.run.watch = "log_loss"
    return palette
  }

  /// The content-only reward model.
  public var contentModel: BradleyTerryConfiguration {
    var configuration = BradleyTerryConfiguration()
    configuration.features = features
    configuration.objective.ridges = content.ridges
    return configuration
  }

  /// - Throws: `ConfigurationError` that names the setting, what it must be and what was found.
  public func validate() throws {
    try checkSetting((0..<1).contains(data.test), "data.test", "0 to below 1", data.test)
    try checkSetting((0..<1).contains(data.validation), "data.validation", "0 to below 1", data.validation)
    try checkSetting((1...4096).contains(content.width), "content.width", "1 to 4096", content.width)
    try checkSetting((2...100).contains(content.folds), "content.folds", "2 to 100", content.folds)
    try checkSetting(
      !selection.ridges.isEmpty && selection.ridges.allSatisfy { $0 >= 0 && $0.isFinite }, "selection.ridges",
      "a list of numbers, 0 or more", selection.ridges)
    try checkSetting(
      selection.shared >= 0 && selection.shared.isFinite, "selection.shared", "0 or more", selection.shared)
    try checkSetting(
      profile.refits == 0 || (2...100_000).contains(profile.refits), "profile.refits", "0, or 2 to 100000",
      profile.refits)
    try checkSetting(
      profile.discoveryRate > 0 && profile.discoveryRate < 1, "profile.discovery_rate", "between 0 and 1",
      profile.discoveryRate)
    try checkSetting(
      (1...1_000_000).contains(attributes.texts), "attributes.texts", "1 to 1000000", attributes.texts)
    try checkSetting((0..<1).contains(attributes.held), "attributes.held", "0 to below 1", attributes.held)
    guard attributes.counterfactuals.isEmpty || attributes.judgements.isEmpty else {
      throw ConfigurationError(
        "attributes.counterfactuals and attributes.judgements are both given\n  attributes are learnt from one of them"
      )
    }
    if model.form == .paper, content.width != heads.width {
      throw ConfigurationError(
        "model.form paper adds attributes to the content: content.width must be heads.width, \(heads.width), found "
          + "\(content.width)")
    }
    try contentModel.validate()
    try heads.validate()
    try palette.validate()
  }
}
