import PenchantTrain

/// What can be set of BERT4Rec, in the sections of `config.yaml`. Its layers are SASRec's, read from both sides.
public struct BERT4RecConfiguration: SequenceConfiguration {
  public typealias Fitted = FittedBERT4Rec
  public static let system = "bert4rec"

  public var data = SASRecConfiguration.Data()
  /// `longest` counts the hidden row that asks for the next item too.
  public var model = SASRecConfiguration.Model()
  public var cloze = Cloze()
  public var optimizer = SASRecConfiguration.Optimizer()
  public var run: TrainerConfiguration

  public init() {
    let shared = SASRecConfiguration()
    run = shared.run
    (model.norm, model.dropout) = (.post, 0.2)
    optimizer.learningRate = 1e-3
    // One item in five has a target: more epochs to see as many.
    run.epochs = 400
    run.patience = 20
  }

  /// - Throws: `ConfigurationError` that names the setting, what it must be and what was found.
  public func validate() throws(ConfigurationError) {
    var shared = SASRecConfiguration()
    (shared.data, shared.model, shared.optimizer, shared.run) = (data, model, optimizer, run)
    try shared.validate()
    guard model.longest >= 2 else {
      throw ConfigurationError("model.longest must be 2 or more, found \(model.longest)")
    }
    guard cloze.share > 0, cloze.share < 1 else {
      throw ConfigurationError("cloze.share must be above 0 and below 1, found \(cloze.share)")
    }
    guard (0...1).contains(cloze.last) else {
      throw ConfigurationError("cloze.last must be 0 to 1, found \(cloze.last)")
    }
  }

  public func network(itemCount: Int) -> any SequenceNetwork { BERT4RecNetwork(itemCount: itemCount, model) }

  public var training: SequenceTraining {
    SequenceTraining(
      objective: NextItemObjective(.full), cloze: cloze,
      context: min(model.longest - 2, Int(data.overlap * Double(model.longest))), rows: optimizer.rows,
      optimizer: optimizer.tape, averagedEpochs: optimizer.average)
  }
}
