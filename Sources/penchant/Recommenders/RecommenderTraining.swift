import PenchantData
import PenchantTrain
import SequentialRecommenders

/// `penchant train` for every system of `Recommenders`.
struct RecommenderTraining<Recommender: RecommenderConfiguration>: SystemTraining {
  let options: Train
  let defaults = RecommenderSettings<Recommender>()
  let wants = "a log of interactions (penchant help data)"
  let encoderSetting = "text.encoder"

  var foreign: [String] {
    [
      options.head.map { _ in "--head" }, options.robust.map { _ in "--robust" },
      options.leaveOut.map { _ in "--leave-out" },
      options.attributes.map { _ in "--attributes" },
      options.counterfactuals.map { _ in "--counterfactuals" },
      options.judgements.map { _ in "--judgements" }, options.tests.first.map { _ in "--test" },
    ].compactMap(\.self) + options.pictures.given
  }

  func resolved(
    _ layers: ConfigurationLayers<RecommenderSettings<Recommender>>
  ) throws -> RecommenderSettings<Recommender> {
    var layers = layers
    let splits = LogProtocol.Split.allCases.map(\.rawValue)
    if let split = options.log.split, !splits.contains(split) {
      throw ConfigurationError("--split must be \(splits.joined(separator: ", ")), found \"\(split)\"")
    }
    for (key, value) in options.log.settings { try layers.set(key, to: value) }
    let settings = try layers.resolve()
    try settings.log.validate()
    try settings.system.validate()
    return settings
  }

  func read(_ path: String) throws -> InteractionLog { try InteractionReader(path).log() }

  func checksum(_ log: InteractionLog, _ settings: RecommenderSettings<Recommender>) -> String {
    log.checksum()
  }

  func check(_ training: Training<RecommenderSettings<Recommender>, InteractionLog>) throws {
    let log = try training.configuration.log.prepare(training.input, file: training.record.data)
    let encoder = training.configuration.system.text.encoder
    if encoder.isEmpty {
      _ = try vectors(of: log.split.itemNames, training, descriptions(training.record))
    } else {
      // Encoding takes a while and is done once, when training begins.
      _ = try descriptions(training.record)
      _ = try openEncoder(encoder)
    }
  }

  func train(
    _ training: Training<RecommenderSettings<Recommender>, InteractionLog>, into run: RunDirectory
  ) throws -> Bool {
    let (settings, record) = (training.configuration, training.record)
    let log = try settings.log.prepare(training.input, file: record.data)
    let descriptions = try descriptions(record)
    let study = try RecommenderStudy(
      settings.system, seed: record.seed, descriptions: descriptions,
      vectors: vectors(of: log.split.itemNames, training, descriptions))
    let trainer = Trainer(TrainerConfiguration(), run: run, progress: training.progress)
    guard let outcome = try study.run(on: log, with: trainer, resume: training.isResumed) else {
      return false
    }
    let writer = RecommenderRunWriter(run: run, result: outcome.result)
    try writer.write(outcome.model, histories: log.histories)
    if options.common.json { try showJSON(outcome.result) } else { try show(writer.text) }
    return true
  }

  /// What a system with `text.form` reads of the items.
  private func vectors(
    of items: [String], _ training: Training<RecommenderSettings<Recommender>, InteractionLog>,
    _ descriptions: ItemDescriptions
  ) throws -> ItemVectors? {
    let text = training.configuration.system.text
    let embeddings = training.record.embeddings
    guard text.form != .none else {
      if embeddings != nil {
        throw ConfigurationError(
          "--embeddings means something only where items are made from them: --set text.form=morec or unisrec"
        )
      }
      return nil
    }
    guard training.record.items != nil else {
      throw ConfigurationError(
        "text.form is \(text.form.rawValue), which needs --items FILE: what is written of each item")
    }
    if let embeddings { return try ItemVectors(embeddings: embeddings, of: descriptions, items: items) }
    return try ItemVectors(
      descriptions, items: items, encoder: text.encoder.isEmpty ? nil : openEncoder(text.encoder),
      width: text.width)
  }

  private func descriptions(_ record: RunRecord) throws -> ItemDescriptions {
    try record.items.map { try ItemDescriptions($0) } ?? ItemDescriptions()
  }
}
