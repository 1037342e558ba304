import Foundation
import Testing

@Suite(.serialized) struct LCPOCommandTests {
  /// Log-probabilities of twelve hundred labels by three annotators, the last one contrary.
  private static func labels(_ count: Int = 1200, with extra: String = "") -> String {
    var state: UInt64 = 99
    func unit() -> Double {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return (Double(state >> 11) + 0.5) * 0x1p-53
    }
    let reliability = [0.95, 0.7, 0.1]
    return (0..<count).map { place in
      let s = 3 * (-2 * log(unit())).squareRoot() * cos(2 * .pi * unit())
      let clean = unit() < 1 / (1 + exp(-s))
      let right = unit() < reliability[place % 3]
      let u = clean == right ? s : -s
      return "{\"id\": \"p\(place)\", \"user\": \"u\(place % 3)\", \"policy_chosen_logps\": \(-50 + 5 * u), "
        + "\"policy_rejected_logps\": \(-60 - 5 * u), \"ref_chosen_logps\": -50, \"ref_rejected_logps\": -60, "
        + "\"gold\": \(right)\(extra)}\n"
    }.joined()
  }

  @Test func trainEvaluatePredictInspectReport() throws {
    try BuiltCommand.withFolder { folder in
      try Self.labels().write(toFile: folder + "/labels.jsonl", atomically: true, encoding: .utf8)
      let trained = try BuiltCommand.run(
        ["train", "lcpo", "--data", "labels.jsonl", "--out", "run", "--json"], in: folder)
      #expect(trained.code == 0, "\(trained.errors)")
      let result = try #require(trained.json)
      let metrics = try #require(result["metrics"] as? [String: Double])
      #expect(result["system"] as? String == "lcpo" && result["pairs"] as? Int == 1200)
      #expect(abs((metrics["noise_rate"] ?? 0) - 0.417) < 0.06, "\(metrics)")
      #expect((metrics["gold_auc"] ?? 0) > 0.85)
      #expect((result["annotators"] as? [Any])?.count == 3)

      func lines(_ name: String) throws -> [String] {
        try String(contentsOfFile: "\(folder)/run/\(name)", encoding: .utf8).split(separator: "\n").map(
          String.init)
      }
      let weighted = try lines("pairs.jsonl")
      #expect(weighted.count == 1200)
      for line in weighted.prefix(20) {
        let row = try #require(
          try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        let (w, flip) = (row["weight"] as? Double ?? -1, row["flip_probability"] as? Double ?? -1)
        #expect(w >= 0 && w <= 1 && abs(w + flip - 1) < 1e-12 && row["ref_chosen_logps"] != nil)
      }
      let cleaned = try lines("cleaned.jsonl").count
      #expect(cleaned > 500 && cleaned < 1000, "\(cleaned)")
      let table = try lines("annotators.tsv")
      #expect(table[0] == "annotator\tpairs\treliability\tstandard_error\tlow\thigh" && table.count == 4)
      #expect(table[1].hasPrefix("u2\t400\t0.") && table[3].hasPrefix("u0\t"))
      let page = try String(contentsOfFile: folder + "/run/report.html", encoding: .utf8)
      #expect(page.contains("<svg") && page.contains("Reliability by annotator") && !page.contains("{{"))

      let evaluated = try BuiltCommand.run(
        ["evaluate", "run", "--data", "labels.jsonl", "--json"], in: folder)
      #expect(evaluated.code == 0, "\(evaluated.errors)")
      #expect(evaluated.json?["fingerprint"] as? String == result["fingerprint"] as? String)

      let predicted = try BuiltCommand.run(
        ["predict", "run", "--data", "-"], in: folder,
        input: weighted[0] + "\n" + weighted[1].replacingOccurrences(of: "u1", with: "stranger") + "\n")
      #expect(predicted.code == 0, "\(predicted.errors)")
      let answers = predicted.output.split(separator: "\n")
      #expect(
        answers.count == 2 && answers[0].contains("\"flip_probability\"")
          && answers[0].contains("\"id\":\"p0\""))
      #expect(answers[1].contains("\"annotator_known\":false"))

      let inspected = try BuiltCommand.run(["inspect", "labels.jsonl"], in: folder)
      #expect(inspected.code == 0 && inspected.output.contains("with a known truth"))
      #expect(try BuiltCommand.run(["report", "run"], in: folder).output == "run/report.html\n")
      let again = try BuiltCommand.run(
        ["train", "lcpo", "--data", "labels.jsonl", "--out", "run"], in: folder)
      #expect(again.code == 64 && again.errors.contains("--resume"))
    }
  }

  @Test func stoppedRunsResumeWithTheSameBits() throws {
    try BuiltCommand.withFolder { folder in
      try Self.labels().write(toFile: folder + "/labels.jsonl", atomically: true, encoding: .utf8)
      func arguments(_ out: String) -> [String] {
        [
          "train", "lcpo", "--data", "labels.jsonl", "--out", out, "--json", "--set",
          "run.checkpoint_every=1",
          "--set", "run.patience=0", "--set", "run.steps=400", "--set", "run.validate_every=100",
        ]
      }
      let whole = try BuiltCommand.run(arguments("whole") + ["--threads", "1"], in: folder)
      #expect(whole.code == 0, "\(whole.errors)")
      let (code, text) = try BuiltCommand.interruptedAtCheckpoint(
        arguments("stopped"), out: "stopped", in: folder)
      if code != 0 {
        #expect(code == 3 && text.contains("penchant train lcpo --out stopped --resume"), "\(text)")
      }
      let resumed = try BuiltCommand.run(
        ["train", "lcpo", "--out", "stopped", "--resume", "--json", "--threads", "3"], in: folder)
      #expect(resumed.code == 0, "\(resumed.errors)")
      #expect(resumed.json?["fingerprint"] as? String == whole.json?["fingerprint"] as? String)
    }
  }

  @Test(arguments: [
    (
      "NaN", "{\"policy_chosen_logps\": NaN, \"policy_rejected_logps\": -1}\n",
      "bad.jsonl:1: NaN is not a number"
    ),
    ("one side", "{\"policy_chosen_logps\": -1}\n", "\"policy_rejected_logps\" is missing"),
    ("nothing", "{\"a\": 1}\n", "nothing to learn from"), ("empty", "", "empty"),
    (
      "mixed", "{\"margin\": 1}\n{\"chosen\": \"a\", \"rejected\": \"b\"}\n",
      "bad.jsonl:2: \"margin\" is missing"
    ),
  ])
  func badRecordsEndWith2(_ name: String, _ content: String, _ message: String) throws {
    try BuiltCommand.withFolder { folder in
      try content.write(toFile: folder + "/bad.jsonl", atomically: true, encoding: .utf8)
      let result = try BuiltCommand.run(["train", "lcpo", "--data", "bad.jsonl", "--out", "run"], in: folder)
      #expect(result.code == 2 && result.errors.contains(message), "\(result.errors)")
      #expect(!FileManager.default.fileExists(atPath: folder + "/run"))
    }
  }

  @Test(arguments: [
    (["--set", "noise.reliability=1"], "noise.reliability must be"),
    (["--set", "objective.loss=dop"], "loss"), (["--head", "mlp"], "--head means nothing"),
    (["--robust", "lcpo"], "--robust means nothing"),
    (["--set", "objective.loss=cpo", "--set", "objective.beta=1"], "guards.saturation=warn"),
  ])
  func wrongUseEndsWith64(_ more: [String], _ message: String) throws {
    try BuiltCommand.withFolder { folder in
      try Self.labels(60).write(toFile: folder + "/labels.jsonl", atomically: true, encoding: .utf8)
      let result = try BuiltCommand.run(
        ["train", "lcpo", "--data", "labels.jsonl", "--out", "run"] + more, in: folder)
      #expect(result.code == 64 && result.errors.contains(message), "\(result.errors)")
      #expect(!FileManager.default.fileExists(atPath: folder + "/run"))
    }
  }

  @Test func robustIsAnOptionOfOtherSystems() throws {
    try BuiltCommand.withFolder { folder in
      try BuiltCommand.pairs(160).write(toFile: folder + "/pairs.jsonl", atomically: true, encoding: .utf8)
      let trained = try BuiltCommand.run(
        ["train", "bradley-terry", "--data", "pairs.jsonl", "--out", "run", "--robust", "lcpo", "--json"],
        in: folder)
      #expect(trained.code == 0, "\(trained.errors)")
      let table = try String(contentsOfFile: folder + "/run/confidence.tsv", encoding: .utf8)
      #expect(table.hasPrefix("pair\tweight\tflip_probability\n") && table.split(separator: "\n").count > 100)
      #expect(FileManager.default.fileExists(atPath: folder + "/run/annotators.tsv"))
      let wrong = try BuiltCommand.run(
        ["train", "bradley-terry", "--data", "pairs.jsonl", "--out", "x", "--robust", "lcop"], in: folder)
      #expect(wrong.code == 64 && wrong.errors.contains("--robust must be none, lcpo"), "\(wrong.errors)")
      let steps = try BuiltCommand.run(
        ["train", "bradley-terry", "--data", "pairs.jsonl", "--out", "x", "--robust", "ropo"], in: folder)
      #expect(steps.code == 64 && steps.errors.contains("model.head"), "\(steps.errors)")
    }
  }

  @Test func helpAndDemoTeach() throws {
    try BuiltCommand.withFolder { folder in
      #expect(try BuiltCommand.run(["help", "labels"], in: folder).output.contains("policy_chosen_logps"))
      #expect(
        try BuiltCommand.run(["train", "--help"], in: folder).output.contains("penchant train lcpo --data"))
      let demo = try BuiltCommand.run(["demo", "lcpo", "--pairs", "100", "--json"], in: folder)
      #expect(demo.code == 0, "\(demo.errors)")
      let rows = try #require(demo.json?["annotators"] as? [[String: Any]])
      let contrary = try #require(rows.first { $0["annotator"] as? String == "contrary" })
      #expect((contrary["found"] as? Double ?? 1) < 0.4)
      #expect(FileManager.default.fileExists(atPath: folder + "/penchant-demo/annotators.tsv"))
    }
  }
}
