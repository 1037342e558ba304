import PenchantData
import PenchantTrain
import PreferenceModels

extension Evaluate {
  /// Likelihood and confidence of other labels, and how well it tells right ones where that is known.
  func evaluate(_ model: FittedLCPO) throws {
    let started = ProgressLine.clock()
    let records = try readJudged(data)
    let labels = try LCPOData(records, kind: model.configuration.data.kind, file: data)
    let confidence = try model.confidence(labels)
    let result = try LCPOResult(
      model, on: labels, confidence: confidence, file: data, seconds: ProgressLine.clock() - started,
      doubts: doubts(records, labels, confidence, model), diagnoses: false)
    if common.json { return try showJSON(result) }
    try show(
      aligned(
        [["labels", "\(result.pairs)"]]
          + result.metrics.sorted { $0.key < $1.key }.map {
            [$0.key, decimal($0.value, 4)]
          }))
  }
}

/// The answer of `penchant predict` to a label.
struct LabelAnswer: Encodable {
  var id: String?
  /// P(label is right).
  var weight: Double
  var flipProbability: Double
  /// Log-odds that the model gives to the observed order, κ in it.
  var logit: Double
  var reliability: Double
  /// False for an annotator who gave no label in training: the mean of all stands in.
  var annotatorKnown: Bool?
  enum CodingKeys: String, CodingKey {
    case id, weight, logit, reliability
    case flipProbability = "flip_probability"
    case annotatorKnown = "annotator_known"
  }

  init(_ text: String, file: String, line: Int, _ model: FittedLCPO) throws {
    let record: JudgedRecord
    do {
      let reader = JudgedReader(bytes: Array(text.utf8), name: file)
      record = try reader.records()[0]
    } catch {
      var error = error
      error.line = line
      throw error
    }
    let kind = model.items.isEmpty ? model.configuration.data.kind : .items
    let data = try LCPOData([record], kind: kind, file: file)
    let reliability = model.reliability(data)[0]
    weight = try model.confidence(data)[0]
    flipProbability = 1 - weight
    logit = try model.slope * model.margins(data)[0]
    self.reliability = reliability
    id = record.fields["id"].flatMap { $0.string ?? $0.integer.map { "\($0)" } }
    let known = model.annotators.count == 1 || model.annotators.contains { $0.name == record.annotator ?? "" }
    annotatorKnown = known ? nil : false
  }
}
