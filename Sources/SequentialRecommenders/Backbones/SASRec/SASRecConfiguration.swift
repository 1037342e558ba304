import PenchantNN
import PenchantTape
import PenchantTrain

/// What can be set of SASRec, in the sections of `config.yaml`.
public struct SASRecConfiguration: SequenceConfiguration {
  public typealias Fitted = FittedSASRec
  public static let system = "sasrec"

  public struct Data: Codable, Sendable, Equatable {
    /// Share of a window that repeats the one before as context, for histories longer than a window.
    public var overlap = 0.5
    public init() {}

    /// Items of a window that repeat the one before; one at least is new.
    func context(items longest: Int) -> Int { min(longest - 1, Int(overlap * Double(longest))) }
  }
  public struct Model: Codable, Sendable, Equatable {
    /// Floats of an item's embedding and of a state.
    public var width = 64
    public var layers = 2
    public var heads = 2
    /// Width inside the feed-forward part.
    public var inner = 256
    public var activation = Activation.gelu
    /// `post`: a norm after every residual, as BERT4Rec and RecBole have it; `pre`: before every part and once at the end.
    public var norm = TransformerBlock.NormPlace.pre
    public var dropout: Float = 0.3
    /// Items of a history that are read; older ones are left out.
    public var longest = 50
    public init() {}
  }
  public struct Optimizer: Codable, Sendable, Equatable {
    public var learningRate = 2e-3
    public var beta2 = 0.999
    /// Decoupled weight decay of embeddings and matrices.
    public var weightDecay = 0.0
    /// Steps over which the learning rate rises.
    public var warmup = 0
    /// Longest gradient; 0 for no limit.
    public var clip = 0.0
    /// Epochs over which parameters are averaged, exponentially; the average is what is validated and kept. 0 for none.
    public var average = 1.0
    /// Items a step, which is nearly as many targets.
    public var rows = 512
    public init() {}
  }

  public var data = Data()
  public var model = Model()
  public var text = ItemText()
  public var objective = NextItemObjective()
  public var optimizer = Optimizer()
  public var run: TrainerConfiguration

  public init() {
    run = TrainerConfiguration()
    run.epochs = 200
    run.patience = 5
    run.watch = "ndcg@10"
  }

  /// - Throws: `ConfigurationError` that names the setting, what it must be and what was found.
  public func validate() throws(ConfigurationError) {
    try checkSetting((0..<1).contains(data.overlap), "data.overlap", "0 to below 1", data.overlap)
    try checkSetting((1...8192).contains(model.width), "model.width", "1 to 8192", model.width)
    try checkSetting((1...64).contains(model.layers), "model.layers", "1 to 64", model.layers)
    try checkSetting(
      model.heads >= 1 && model.width % model.heads == 0, "model.heads",
      "a divisor of model.width (\(model.width))", model.heads)
    try checkSetting((1...65_536).contains(model.inner), "model.inner", "1 to 65536", model.inner)
    try checkSetting((0..<1).contains(model.dropout), "model.dropout", "0 to below 1", model.dropout)
    try checkSetting((1...4096).contains(model.longest), "model.longest", "1 to 4096", model.longest)
    let rate = optimizer.learningRate
    try checkSetting(rate > 0 && rate.isFinite, "optimizer.learning_rate", "above 0", rate)
    try checkSetting((0..<1).contains(optimizer.beta2), "optimizer.beta2", "0 to below 1", optimizer.beta2)
    let decay = optimizer.weightDecay
    try checkSetting(decay >= 0 && decay.isFinite, "optimizer.weight_decay", "0 or more", decay)
    try checkSetting(optimizer.warmup >= 0, "optimizer.warmup", "0 or more", optimizer.warmup)
    try checkSetting(
      optimizer.clip >= 0 && optimizer.clip.isFinite, "optimizer.clip", "0 or more", optimizer.clip)
    try checkSetting(
      (model.longest...1 << 20).contains(optimizer.rows), "optimizer.rows",
      "model.longest (\(model.longest)) to \(1 << 20)", optimizer.rows)
    let average = optimizer.average
    try checkSetting(average >= 0 && average.isFinite, "optimizer.average", "0 or more", average)
    try text.validate()
    try objective.validate()
    try run.validate()
  }

  public func network(itemCount: Int) -> any SequenceNetwork {
    SASRecNetwork(itemCount: itemCount, model, text: text)
  }

  public func follower(of model: FittedSASRec) throws -> SASRecRecommender? { try model.recommender() }

  public var training: SequenceTraining {
    SequenceTraining(
      objective: objective, cloze: nil,
      context: data.context(items: model.longest), rows: optimizer.rows,
      optimizer: optimizer.tape, averagedEpochs: optimizer.average, text: text)
  }
}

extension SASRecConfiguration.Optimizer {
  /// Adam with decoupled decay; after the rise the rate stays.
  var tape: OptimizerConfiguration {
    var settings = OptimizerConfiguration.adamW(learningRate, decay: weightDecay)
    settings.beta2 = beta2
    settings.clip = clip > 0 ? clip : nil
    if warmup > 0 {
      settings.schedule = .linear(peak: learningRate, warmup: warmup, steps: warmup + 1, floor: learningRate)
    }
    return settings
  }
}
