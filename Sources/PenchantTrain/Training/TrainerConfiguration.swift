/// How long to train, when to look, when to save.
public struct TrainerConfiguration: Codable, Sendable, Equatable {
  /// Passes over the data; `steps` wins when it is not 0.
  public var epochs = 20
  public var steps = 0
  /// Steps between validations; 0 means once an epoch.
  public var validateEvery = 0
  /// Validations without a better `watch` after which training stops; 0 means never.
  public var patience = 5
  /// The metric that decides what "best" is.
  public var watch = "log_loss"
  /// Steps between checkpoints.
  public var checkpointEvery = 200
  /// Newest checkpoints that stay.
  public var keepCheckpoints = 2
  /// Steps between lines of `metrics.jsonl`.
  public var logEvery = 20
  public var onNonfinite = NonFinitePolicy.stop

  public init() {}

  /// - Throws: `ConfigurationError` naming the setting.
  public func validate() throws(ConfigurationError) {
    func check(_ holds: Bool, _ name: String, _ rule: String, _ found: Any) throws(ConfigurationError) {
      if !holds { throw ConfigurationError("run.\(name) must be \(rule), found \(found)") }
    }
    try check(epochs >= 1, "epochs", "at least 1", epochs)
    try check(steps >= 0, "steps", "0 or more", steps)
    try check(validateEvery >= 0, "validate_every", "0 or more", validateEvery)
    try check(patience >= 0, "patience", "0 or more", patience)
    try check(checkpointEvery >= 1, "checkpoint_every", "at least 1", checkpointEvery)
    try check(keepCheckpoints >= 1, "keep_checkpoints", "at least 1", keepCheckpoints)
    try check(logEvery >= 1, "log_every", "at least 1", logEvery)
  }

  /// Steps of the whole training.
  public func total(stepsPerEpoch: Int) -> Int { steps > 0 ? steps : epochs * max(1, stepsPerEpoch) }

  /// Whether a larger value of the watched metric is better.
  var higherIsBetter: Bool { Self.rising.contains(watch) }
  private static let rising: Set = [
    "accuracy", "auc", "rewards/accuracies", "rewards/margins", "ndcg@10", "recall@10", "recall@20", "mrr",
    "reward_kept",
  ]
}
