import PenchantData
import PenchantTrain

/// What can be set of a Bradley–Terry reward model, in the sections of `config.yaml`.
public struct BradleyTerryConfiguration: Codable, Sendable, Equatable {
  public struct Data: Codable, Sendable, Equatable {
    /// Share of pairs that are never trained on and are reported; whole communities when `testByCommunity`.
    public var test = 0.1
    public var testByCommunity = false
    /// Share of the training pairs that decide when an MLP stops, and its temperature.
    public var validation = 0.1
    public init() {}
  }
  public struct Features: Codable, Sendable, Equatable {
    /// Hashed n-grams and style features.
    public var builtin = true
    /// A Hugging Face folder of a sentence encoder whose embeddings are added; empty for none.
    public var encoder = ""
    /// Length of an embedding; 0 leaves embeddings out.
    public var encoderWeight: Float = 1
    /// The layer of the encoder, 1 or more, whose mean over tokens is added beside the embedding; 0 for the one half way.
    public var middleLayer = 0
    /// Root-mean-square length of the standardised columns of that layer; 0 leaves them out.
    public var middleWeight: Float = 1
    /// Whether a text is the prompt and the response, or the response alone.
    public var withPrompt = false
    public var featuriser = TextFeaturiser.Configuration()
    public init() {}

    /// Pairs as a table of the texts that get scores.
    public func table(_ pairs: [PreferencePair]) -> PairTable { PairTable(pairs, text: scored) }

    /// What is scored of a text: itself, or what it answers and itself.
    public func scored(_ prompt: String, _ response: String) -> String {
      withPrompt && !prompt.isEmpty ? prompt + "\n\n" + response : response
    }
  }
  public enum Head: String, Codable, Sendable, CaseIterable {
    /// A weight a feature, fitted to the optimum.
    case linear
    /// Layers with ReLU between, trained by AdamW.
    case mlp
  }
  public struct Model: Codable, Sendable, Equatable {
    public var head = Head.linear
    /// Widths of the hidden layers of the MLP.
    public var hidden = [64]
    public var dropout: Float = 0.4
    /// n-grams enter the MLP through so many signed sums (feature hashing).
    public var projection = 256
    public init() {}
  }
  public struct Objective: Codable, Sendable, Equatable {
    /// Strengths of the penalty ridge/2 · |w|² to choose from by held-out folds of the training pairs; one is taken as it is.
    public var ridges: [Double] = [0.3, 1, 3, 10, 30, 100]
    public var folds = 4
    /// Whether margins are divided by a temperature that fits held-out pairs.
    public var calibrate = true
    public init() {}
  }
  public struct Optimizer: Codable, Sendable, Equatable {
    public var learningRate: Float = 5e-4
    public var weightDecay: Float = 0.1
    public var batchSize = 64
    /// Share of all steps over which the learning rate rises.
    public var warmup: Float = 0.05
    /// Longest gradient; 0 for no limit.
    public var clip: Float = 1
    public init() {}
  }
  public var data = Data()
  public var features = Features()
  public var model = Model()
  public var objective = Objective()
  public var optimizer = Optimizer()
  /// How labels that may be wrong are treated.
  public var robust = RobustConfiguration()
  public var run = TrainerConfiguration()

  public init() {}

  /// - Throws: `ConfigurationError` that names the setting, what it must be and what was found.
  public func validate() throws {
    try checkSetting((0..<1).contains(data.test), "data.test", "0 to below 1", data.test)
    try checkSetting((0..<1).contains(data.validation), "data.validation", "0 to below 1", data.validation)
    try checkSetting(
      features.encoderWeight >= 0 && features.encoderWeight.isFinite, "features.encoder_weight", "0 or more",
      features.encoderWeight)
    try checkSetting(features.middleLayer >= 0, "features.middle_layer", "0 or more", features.middleLayer)
    try checkSetting(
      features.middleWeight >= 0 && features.middleWeight.isFinite, "features.middle_weight", "0 or more",
      features.middleWeight)
    try checkSetting(
      !model.hidden.isEmpty && model.hidden.allSatisfy { (1...65_536).contains($0) }, "model.hidden",
      "a list of widths from 1 to 65536", model.hidden)
    try checkSetting((0..<1).contains(model.dropout), "model.dropout", "0 to below 1", model.dropout)
    try checkSetting(
      (0...65_536).contains(model.projection), "model.projection", "0 to 65536", model.projection)
    try checkSetting(
      !objective.ridges.isEmpty && objective.ridges.allSatisfy { $0 > 0 && $0.isFinite }, "objective.ridges",
      "a list of numbers above 0", objective.ridges)
    try checkSetting((2...100).contains(objective.folds), "objective.folds", "2 to 100", objective.folds)
    try checkSetting(
      optimizer.learningRate > 0 && optimizer.learningRate.isFinite, "optimizer.learning_rate", "above 0",
      optimizer.learningRate)
    try checkSetting(
      optimizer.weightDecay >= 0 && optimizer.weightDecay.isFinite, "optimizer.weight_decay", "0 or more",
      optimizer.weightDecay)
    try checkSetting(
      (1...1_000_000).contains(optimizer.batchSize), "optimizer.batch_size", "1 to 1000000",
      optimizer.batchSize)
    try checkSetting((0...1).contains(optimizer.warmup), "optimizer.warmup", "0 to 1", optimizer.warmup)
    try checkSetting(
      optimizer.clip >= 0 && optimizer.clip.isFinite, "optimizer.clip", "0 or more", optimizer.clip)
    if features.builtin {
      do { try features.featuriser.validate() } catch {
        throw ConfigurationError("features.featuriser: \(error)")
      }
    }
    try robust.validate()
    guard model.head == .mlp || [.none, .lcpo, .cdpo].contains(robust.method) else {
      throw ConfigurationError(
        "robust.method \(robust.method.rawValue) trains in steps; set model.head to mlp, or robust.method to lcpo or cdpo"
      )
    }
    try run.validate()
  }
}
