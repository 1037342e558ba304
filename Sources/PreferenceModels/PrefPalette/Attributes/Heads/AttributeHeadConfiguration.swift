import PenchantTrain

/// What can be set of attribute heads; the defaults are those of the specification's small network on frozen features.
public struct AttributeHeadConfiguration: Codable, Sendable, Equatable {
  /// Width m of an attribute's vector.
  public var width = 64
  /// n-grams enter through so many signed sums (feature hashing).
  public var projection = 256
  public var learningRate: Float = 1e-3
  /// Weight decay of AdamW; 1e-4 is the L2 of the specification.
  public var decay: Float = 1e-4
  /// For every pair of rewrites, so many other attributes learn that it is a tie for them (`CounterfactualTable.addTies`).
  public var ties = 3
  /// Pairs of each attribute in a step.
  public var batchSize = 256
  /// Ten epochs; the best validation is kept when there are pairs to validate on.
  public var run = TrainerConfiguration()

  public init() {
    run.epochs = 10
    run.patience = 0
  }

  /// - Throws: `ConfigurationError` that names the setting, what it must be and what was found.
  public func validate() throws {
    func check(_ holds: Bool, _ name: String, _ rule: String, _ found: Any) throws(ConfigurationError) {
      if !holds { throw ConfigurationError("heads.\(name) must be \(rule), found \(found)") }
    }
    try check((1...4096).contains(width), "width", "1 to 4096", width)
    try check((1...65_536).contains(projection), "projection", "1 to 65536", projection)
    try check(learningRate > 0 && learningRate.isFinite, "learning_rate", "above 0", learningRate)
    try check(decay >= 0 && decay.isFinite, "decay", "0 or more", decay)
    try check((0...64).contains(ties), "ties", "0 to 64", ties)
    try check((1...1_000_000).contains(batchSize), "batch_size", "1 to 1000000", batchSize)
    try run.validate()
  }
}
