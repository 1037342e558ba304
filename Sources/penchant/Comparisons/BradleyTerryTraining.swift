import PenchantData
import PenchantTrain
import PreferenceModels

struct BradleyTerryTraining: PairTraining {
  let options: Train
  let defaults = BradleyTerryConfiguration()

  var foreign: [String] {
    [
      options.attributes.map { _ in "--attributes" },
      options.counterfactuals.map { _ in "--counterfactuals" },
      options.judgements.map { _ in "--judgements" }, options.tests.first.map { _ in "--test" },
    ].compactMap(\.self) + options.log.given + options.pictures.given
  }

  func resolved(_ layers: ConfigurationLayers<BradleyTerryConfiguration>) throws -> BradleyTerryConfiguration
  {
    var layers = layers
    if let head = options.head {
      guard BradleyTerryConfiguration.Head(rawValue: head) != nil else {
        throw ConfigurationError("--head must be linear or mlp, found \"\(head)\"")
      }
      try layers.set("model.head", to: head)
    }
    let configuration = try layers.resolve()
    try configuration.validate()
    return configuration
  }

  func table(_ pairs: [PreferencePair], _ configuration: BradleyTerryConfiguration) -> PairTable {
    configuration.features.table(pairs)
  }

  func check(_ training: Training<BradleyTerryConfiguration, [PreferencePair]>) throws {
    if let embeddings = training.record.embeddings {
      _ = try embeddingRows(embeddings, for: table(training.input, training.configuration))
    }
  }

  func train(_ training: Training<BradleyTerryConfiguration, [PreferencePair]>, into run: RunDirectory) throws
    -> Bool
  {
    let job = TrainingJob(
      configuration: training.configuration, record: training.record,
      table: table(training.input, training.configuration), run: run, progress: training.progress,
      resume: training.isResumed)
    guard case .finished(let result) = try job.train() else { return false }
    try ReportWriter(run: run, result: result).write()
    if options.common.json { try showJSON(result) } else { try show(job.text(result)) }
    return true
  }
}
