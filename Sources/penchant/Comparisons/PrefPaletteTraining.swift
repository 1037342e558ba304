import ArgumentParser
import PenchantData
import PenchantTrain
import PreferenceModels

struct PrefPaletteTraining: PairTraining {
  let options: Train
  let defaults = TextPaletteConfiguration()

  var foreign: [String] {
    [options.head.map { _ in "--head" }, options.embeddings.map { _ in "--embeddings" }].compactMap(\.self)
      + options.log.given + options.pictures.given
  }

  func resolved(_ layers: ConfigurationLayers<TextPaletteConfiguration>) throws -> TextPaletteConfiguration {
    var layers = layers
    for (key, value) in [
      ("attributes.list", options.attributes), ("attributes.counterfactuals", options.counterfactuals),
      ("attributes.judgements", options.judgements),
    ] {
      if let value { try layers.set(key, to: quoted(value)) }
    }
    let configuration = try layers.resolve()
    try configuration.validate()
    return configuration
  }

  func table(_ pairs: [PreferencePair], _ configuration: TextPaletteConfiguration) -> PairTable {
    configuration.features.table(pairs)
  }

  func check(_ training: Training<TextPaletteConfiguration, [PreferencePair]>) throws {
    let named = training.configuration.attributes
    _ = try Attribute.listed(named.list)
    if !named.counterfactuals.isEmpty { _ = try CounterfactualRecord.read(named.counterfactuals) }
    if !named.judgements.isEmpty { _ = try AttributeJudgements.read(named.judgements) }
    _ = try tests(training.record)
  }

  func train(_ training: Training<TextPaletteConfiguration, [PreferencePair]>, into run: RunDirectory) throws
    -> Bool
  {
    let (configuration, record) = (training.configuration, training.record)
    let encoder =
      configuration.features.encoder.isEmpty ? nil : try openEncoder(configuration.features.encoder)
    let system = try TextPalette(configuration, seed: record.seed, encoder: encoder)
    let tests = try tests(record)
    let study = try waiting {
      try await system.study(
        training.input, tests: tests, leavingOut: record.leaveOut != nil, data: record.data, run: run,
        resume: training.isResumed, progress: training.progress)
    }
    guard let model = study.model else { return false }
    let writer = PaletteRunWriter(run: run, result: study.result)
    try writer.write(model)
    if options.common.json { try showJSON(study.result) } else { try show(writer.text) }
    return true
  }

  private func tests(_ record: RunRecord) throws -> [TextPalette.TestFile] {
    var files: [TextPalette.TestFile] = []
    for test in record.tests ?? [] {
      let parts = test.split(separator: "=", maxSplits: 1).map(String.init)
      guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else {
        throw ValidationError("--test wants NAME=FILE, found \"\(test)\"")
      }
      guard !files.contains(where: { $0.name == parts[0] }) else {
        throw ValidationError("--test names \"\(parts[0])\" twice")
      }
      files.append(TextPalette.TestFile(name: parts[0], pairs: try readPairs(parts[1])))
    }
    return files
  }
}
