import Foundation
import PenchantData
import PenchantKernels
import PenchantTrain
import PreferenceModels

/// `penchant demo lcpo`: labels of twelve annotators, two of them careless and one contrary, and how well they are found out.
struct LCPODemo {
  let out: String
  let pairs: Int
  let seed: UInt64
  let progress: ProgressLine
  let json: Bool

  /// Planted reliabilities.
  private static let planted: [(name: String, reliability: Double)] =
    (1...9).map { ("careful-\($0)", 0.95) } + [
      ("careless-1", 0.65), ("careless-2", 0.6), ("contrary", 0.15),
    ]

  struct Row: Encodable {
    var annotator: String
    var planted: Double
    var found: Double
    var standardError: Double?
  }
  struct Findings: Encodable {
    var annotators: [Row]
    var result: LCPOResult
  }

  func run() throws {
    for name in ["config.yaml", "metrics.jsonl", "checkpoints"] { try SystemFiles().remove("\(out)/\(name)") }
    let run = try RunDirectory.create(out)
    let records = try lines()
    try run.write("data.jsonl", records.joined())
    let configuration = LCPOConfiguration()
    try run.write("config.yaml", ConfigurationLayers<LCPOConfiguration>.text(configuration))
    try run.write("environment.json", json: RunEnvironment.current())
    let started = ProgressLine.clock()
    let read = try readJudged(run.file("data.jsonl"))
    let data = try LCPOData(read, file: run.file("data.jsonl"))
    let fitted = try LCPO(configuration, seed: seed).fit(data, run: run, progress: progress)
    guard fitted.ending != .interrupted else { throw ExitStatus.interrupted }
    let confidence = try fitted.confidence(data)
    let result = try LCPOResult(
      fitted, on: data, confidence: confidence, file: run.file("data.jsonl"),
      seconds: ProgressLine.clock() - started, doubts: doubts(read, data, confidence, fitted))
    let writer = LCPORunWriter(run: run, result: result)
    try writer.write(fitted, records: read, confidence: confidence)
    let rows = Self.planted.map { planted in
      let found = fitted.annotators.first { $0.name == planted.name }
      return Row(
        annotator: planted.name, planted: planted.reliability, found: found?.reliability ?? .nan,
        standardError: found?.standardError)
    }
    if json { return try showJSON(Findings(annotators: rows, result: result)) }
    try show(
      aligned(
        [["annotator", "planted", "found", "standard error"]]
          + rows.map {
            [$0.annotator, decimal($0.planted), decimal($0.found), decimal($0.standardError)]
          }))
    try show("\n" + writer.text)
    try show("next: penchant predict \(out) --data \(out)/data.jsonl | head -3")
  }

  /// Log-probabilities of a policy that is right about what is better and too shy: β s is half of the true margin.
  private func lines() throws -> [String] {
    let count = Self.planted.count * pairs
    var draws = Philox(seed: seed, stream: 0x1c90)
    var stream = RandomStream(seed: seed, stream: 0x1c91)
    let normals = try stream.normals(3 * count).map(Double.init)
    return (0..<count).map { (place: Int) -> String in
      let who = Self.planted[place % Self.planted.count]
      let margin = 2.5 * normals[3 * place]
      let clean = draws.uniform() < sigmoid(margin)
      let isRight = draws.uniform() < who.reliability
      let observed = clean == isRight ? margin : -margin
      let lengths = [20 + draws.index(below: 200), 20 + draws.index(below: 200)]
      let reference = [0, 1].map { -1.8 * Double(lengths[$0]) + 3 * normals[3 * place + 1 + $0] }
      let half = observed / (2 * 0.1) / 2
      var record = JSONObject()
      record["id"] = .string("p\(place)")
      record["annotator"] = .string(who.name)
      record["policy_chosen_logps"] = .number(rounded(reference[0] + half))
      record["policy_rejected_logps"] = .number(rounded(reference[1] - half))
      record["ref_chosen_logps"] = .number(rounded(reference[0]))
      record["ref_rejected_logps"] = .number(rounded(reference[1]))
      record["chosen_len"] = .integer(lengths[0])
      record["rejected_len"] = .integer(lengths[1])
      record["gold"] = .bool(isRight)
      return "\(JSONValue.object(record))\n"
    }
  }

  private func rounded(_ value: Double) -> Double { (value * 1e4).rounded() / 1e4 }
}
