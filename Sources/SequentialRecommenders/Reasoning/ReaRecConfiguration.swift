import PenchantTape
import PenchantTrain

/// What can be set of ReaRec (arXiv 2503.22675), in the sections of `config.yaml`.
public struct ReaRecConfiguration: SequenceConfiguration {
  public typealias Fitted = FittedReaRec
  public static let system = "rearec"

  /// Which layers read the history.
  public enum Backbone: String, Codable, Sendable, CaseIterable {
    case sasrec
    /// The same layers, whose items see each other from both sides and never a thought.
    case bert4rec
  }
  /// How thoughts are made and trained.
  public enum Method: String, Codable, Sendable, CaseIterable {
    /// Thoughts without a position of their own; the last one alone is trained.
    case naive
    /// With reasoning positions (eq. 4).
    case rpe
    /// Ensemble reasoning: the mean of all states is trained, their distributions are pushed apart (eq. 7, 8).
    case erl
    /// Progressive reasoning: every state is trained, with a temperature that falls, and a noisy view is contrasted
    /// (eq. 9 to 13).
    case prl
  }
  /// How the terms of several steps are added.
  public enum Reduction: String, Codable, Sendable, CaseIterable {
    /// Means over steps and ordered pairs of them, as the released code.
    case mean
    /// Sums over steps and unordered pairs, as the equations.
    case sum
  }
  public enum Form: String, Codable, Sendable, CaseIterable {
    /// `shared` where items see only what is before them, else `prefix`.
    case automatic
    /// One encode of a history serves all of its prefixes.
    case shared
    /// Every prefix is encoded on its own.
    case prefix
  }

  public struct Reasoning: Codable, Sendable, Equatable {
    public var backbone = Backbone.sasrec
    public var method = Method.prl
    /// K, thoughts before the catalogue is scored; 0 is the backbone alone.
    public var steps = 2
    /// τ, which logits are divided by in training.
    public var temperature = 1.0
    /// α: state k of PRL has the temperature τ α^(K − k).
    public var decay = 1.5
    /// λ of ERL's divergence.
    public var divergence = 0.01
    /// Standard deviation of what is added to the thoughts of PRL's noisy view; 0 leaves the view out.
    public var noise = 0.01
    /// Weight of PRL's loss of the states before the last.
    public var progressive = 1.0
    /// Weight of PRL's contrast of the two views.
    public var contrast = 1.0
    public var reduction = Reduction.mean
    public var form = Form.automatic
    /// Dropout of what enters the first block, items and thoughts.
    public var dropout: Float = 0.2
    /// Base models, without thoughts and the same in everything else, that a study trains beside; the first has the seed of
    /// the model. With steps + 1 of them the best step a case is shown beside the best base a case.
    public var bases = 1
    public init() {}
  }

  public var data = SASRecConfiguration.Data()
  public var model = SASRecConfiguration.Model()
  public var text = ItemText()
  public var reasoning = Reasoning()
  public var optimizer = SASRecConfiguration.Optimizer()
  public var run: TrainerConfiguration

  public init() {
    run = SASRecConfiguration().run
    // Thoughts enter through the norm of the input, which blocks with norms behind have.
    model.norm = .post
    optimizer.learningRate = 1e-3
  }

  /// - Throws: `ConfigurationError` that names the setting, what it must be and what was found.
  public func validate() throws(ConfigurationError) {
    var shared = SASRecConfiguration()
    (shared.data, shared.model, shared.text) = (data, model, text)
    (shared.optimizer, shared.run) = (optimizer, run)
    try shared.validate()
    try checkSetting(
      model.norm == .post, "model.norm", "post: thoughts enter through the norm of the input",
      model.norm.rawValue)
    let r = reasoning
    try checkSetting((0...5).contains(r.steps), "reasoning.steps", "0 to 5", r.steps)
    try checkSetting(
      r.temperature >= 1e-3 && r.temperature <= 1e3, "reasoning.temperature", "0.001 to 1000", r.temperature)
    try checkSetting((1...100).contains(r.decay), "reasoning.decay", "1 to 100", r.decay)
    for (name, value) in [
      ("divergence", r.divergence), ("noise", r.noise), ("progressive", r.progressive),
      ("contrast", r.contrast),
    ] {
      try checkSetting((0...1000).contains(value), "reasoning.\(name)", "0 to 1000", value)
    }
    try checkSetting((0..<1).contains(r.dropout), "reasoning.dropout", "0 to below 1", r.dropout)
    try checkSetting(
      (0...r.steps + 1).contains(r.bases), "reasoning.bases", "0 to reasoning.steps + 1 (\(r.steps + 1))",
      r.bases)
    try checkSetting(
      r.backbone == .sasrec || r.form != .shared, "reasoning.form",
      "prefix or automatic where items see both sides (bert4rec)", r.form.rawValue)
  }

  public func peers(seed: UInt64) -> [RecommenderPeer<Self>] {
    guard reasoning.steps > 0 else { return [] }
    return (0..<reasoning.bases).map { number in
      RecommenderPeer(
        name: number == 0 ? "base" : "base \(number + 1)", configuration: base, seed: seed &+ UInt64(number))
    }
  }

  /// The same model without thoughts. What only thoughts read has its default, so all methods have one base.
  private var base: Self {
    var base = self
    base.reasoning = Reasoning()
    (base.reasoning.steps, base.reasoning.bases) = (0, 0)
    base.reasoning.backbone = reasoning.backbone
    base.reasoning.temperature = reasoning.temperature
    base.reasoning.form = reasoning.form
    base.reasoning.dropout = reasoning.dropout
    return base
  }

  public func network(itemCount: Int) -> any SequenceNetwork {
    ReaRecNetwork(itemCount: itemCount, model, reasoning, text: text)
  }

  public func follower(of model: FittedReaRec) throws -> SASRecRecommender? {
    reasoning.isCausal ? try model.recommender() : nil
  }

  public var training: SequenceTraining {
    SequenceTraining(
      objective: NextItemObjective(.full), cloze: nil,
      context: data.context(items: model.longest), rows: optimizer.rows,
      optimizer: optimizer.tape, averagedEpochs: optimizer.average, text: text,
      everyPrefix: !reasoning.sharesPrefixes)
  }
}

extension ReaRecConfiguration.Reasoning {
  var isCausal: Bool { backbone == .sasrec }
  /// Whether one encode serves all prefixes of a history.
  var sharesPrefixes: Bool { isCausal && form != .prefix }
  /// What scores the catalogue after so many steps.
  func readout(_ steps: Int) -> ReaRecNetwork.Readout { method == .erl ? .mean(steps) : .state(steps) }
}
