import PenchantTape
import PenchantTrain

/// What can be set of GRU4Rec, in the sections of `config.yaml`.
public struct GRU4RecConfiguration: SequenceConfiguration {
  public typealias Fitted = FittedGRU4Rec
  public static let system = "gru4rec"

  public struct Model: Codable, Sendable, Equatable {
    /// Floats of an item's embedding and of what scores the catalogue.
    public var width = 64
    /// Floats of the recurrent state.
    public var hidden = 128
    public var layers = 1
    /// Of the embeddings.
    public var dropout: Float = 0.3
    /// Items of a history that are read; older ones are left out.
    public var longest = 50
    public init() {}
  }

  public var data = SASRecConfiguration.Data()
  public var model = Model()
  public var objective = NextItemObjective()
  public var optimizer = SASRecConfiguration.Optimizer()
  public var run: TrainerConfiguration

  public init() {
    run = SASRecConfiguration().run
    optimizer.learningRate = 1e-3
  }

  /// - Throws: `ConfigurationError` that names the setting, what it must be and what was found.
  public func validate() throws(ConfigurationError) {
    try checkSetting((1...4096).contains(model.hidden), "model.hidden", "1 to 4096", model.hidden)
    // The sections that both have follow SASRec's rules.
    var shared = SASRecConfiguration()
    (shared.data, shared.objective, shared.optimizer, shared.run) = (data, objective, optimizer, run)
    (shared.model.width, shared.model.heads) = (model.width, 1)
    (shared.model.layers, shared.model.dropout, shared.model.longest) = (
      model.layers, model.dropout, model.longest
    )
    try shared.validate()
  }

  public func network(itemCount: Int) -> any SequenceNetwork { GRU4RecNetwork(itemCount: itemCount, model) }

  public var training: SequenceTraining {
    SequenceTraining(
      objective: objective, cloze: nil,
      context: data.context(items: model.longest), rows: optimizer.rows,
      optimizer: optimizer.tape, averagedEpochs: optimizer.average)
  }
}
