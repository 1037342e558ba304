import ArgumentParser
import PenchantData
import PenchantTrain
import PreferenceModels

/// `penchant train lcpo`: which labels of a file are wrong, and who gives them.
struct LCPOTraining: SystemTraining {
  let options: Train
  let defaults = LCPOConfiguration()
  let wants = "pairs with log-probabilities, margins or texts, JSON lines (penchant help labels)"

  var foreign: [String] {
    [
      options.head.map { _ in "--head" }, options.encoder.map { _ in "--encoder" },
      options.embeddings.map { _ in "--embeddings" }, options.leaveOut.map { _ in "--leave-out" },
      options.attributes.map { _ in "--attributes" }, options.robust.map { _ in "--robust" },
      options.counterfactuals.map { _ in "--counterfactuals" },
      options.judgements.map { _ in "--judgements" }, options.tests.first.map { _ in "--test" },
    ].compactMap(\.self) + options.log.given + options.pictures.given
  }

  func resolved(_ layers: ConfigurationLayers<LCPOConfiguration>) throws -> LCPOConfiguration {
    let configuration = try layers.resolve()
    try configuration.validate()
    return configuration
  }

  func read(_ path: String) throws -> [JudgedRecord] { try readJudged(path) }

  func checksum(_ records: [JudgedRecord], _ configuration: LCPOConfiguration) -> String {
    XXHash64.hex(records.flatMap { Array("\(JSONValue.object($0.fields))\n".utf8) })
  }

  func check(_ training: Training<LCPOConfiguration, [JudgedRecord]>) throws {
    let data = try data(training)
    // What would refuse the data later is said before anything is written.
    try LCPO(training.configuration, seed: training.record.seed).check(data)
  }

  private func data(_ training: Training<LCPOConfiguration, [JudgedRecord]>) throws -> LCPOData {
    try LCPOData(training.input, kind: training.configuration.data.kind, file: training.record.data)
  }

  func train(_ training: Training<LCPOConfiguration, [JudgedRecord]>, into run: RunDirectory) throws -> Bool {
    let started = ProgressLine.clock()
    let data = try data(training)
    let fitted = try LCPO(training.configuration, seed: training.record.seed).fit(
      data, run: run, resume: training.isResumed, progress: training.progress)
    guard fitted.ending != .interrupted else { return false }
    for warning in fitted.diagnostics.warnings { training.progress.warn(warning) }
    let confidence = try fitted.confidence(data)
    let result = try LCPOResult(
      fitted, on: data, confidence: confidence, file: training.record.data,
      seconds: ProgressLine.clock() - started, doubts: doubts(training.input, data, confidence, fitted))
    let writer = LCPORunWriter(run: run, result: result)
    try writer.write(fitted, records: training.input, confidence: confidence)
    if options.common.json { try showJSON(result) } else { try show(writer.text) }
    return true
  }
}

/// All records of a file.
func readJudged(_ path: String) throws -> [JudgedRecord] {
  let reader = try JudgedReader(path)
  return try reader.records()
}

/// The labels that are trusted least, at most fifty.
func doubts(
  _ records: [JudgedRecord], _ data: LCPOData, _ confidence: [Double], _ model: FittedLCPO
) throws -> [LCPOResult.Doubt] {
  let margins = try model.margins(data)
  let order = confidence.indices.sorted { (confidence[$0], $0) < (confidence[$1], $1) }
  return order.prefix(50).filter { confidence[$0] < 0.5 }.map { place in
    let record = records[place]
    let texts = [record.chosen, record.rejected].map { clipped($0, 60) }
    return LCPOResult.Doubt(
      line: record.line, annotator: record.annotator ?? "", confidence: confidence[place],
      logit: model.slope * margins[place],
      excerpt: texts[0].isEmpty ? "" : "\(texts[0]) ▸ \(texts[1])")
  }
}
