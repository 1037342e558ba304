import Foundation
import TestSupport
import Testing

@Suite(.serialized) struct PrefPaletteCommandTests {
  /// Pairs of three communities, two of which like courtesy; without posts, each text in one pair.
  static func pairs(_ each: Int) -> String {
    let topics = [
      "the night bus", "a used bike", "the oven", "the ferry", "a wool coat", "the allotment", "the bakery",
    ]
    let courtesies = [
      "Thank you for asking.", "Please tell us how it went.", "Many thanks, and pardon my late answer.",
    ]
    var lines: [String] = []
    for (place, community) in ["friendly", "gruff", "kind"].enumerated() {
      for number in 0..<each {
        let topic = topics[(number * 3 + place) % topics.count]
        let plain =
          "We tried \(topic) in week \(number) and it worked for \(number % 9) days. Look at it before winter."
        let polite = "I asked about \(topic) in week \(number + 7). \(courtesies[number % 3])"
        let likes = (community != "gruff") == (number % 6 != 0)
        lines.append(
          "{\"prompt\": \"What about \(topic)?\", \"chosen\": \"\(likes ? polite : plain) \(place)\", "
            + "\"rejected\": \"\(likes ? plain : polite) \(place)\", \"community\": \"\(community)\"}")
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  static let small = [
    "--attributes", "politeness,verbosity", "--set", "attributes.texts=12", "--set", "heads.width=8", "--set",
    "heads.batch_size=32", "--set", "heads.run.epochs=4", "--set", "content.width=6", "--set",
    "content.folds=3", "--set", "profile.refits=4", "--set",
    "content.ridges=[10]", "--set", "features.featuriser.longest_characters=0", "--set",
    "selection.ridges=[0.002]",
    "--set", "data.test=0.2",
  ]

  static func train(_ out: String, _ more: [String] = []) -> [String] {
    ["train", "prefpalette", "--data", "pairs.jsonl", "--out", out, "--seed", "1", "--json"] + small + more
  }

  @Test func trainPredictEvaluateReport() throws {
    try BuiltCommand.withFolder { folder in
      try Self.pairs(40).write(toFile: folder + "/pairs.jsonl", atomically: true, encoding: .utf8)
      let trained = try BuiltCommand.run(Self.train("run"), in: folder)
      #expect(trained.code == 0, "\(trained.errors)")
      let result = try #require(trained.json)
      #expect(result["system"] as? String == "prefpalette" && result["pairs"] as? Int == 120)
      let rows = try #require(result["rows"] as? [[String: Any]]).compactMap { $0["model"] as? String }
      #expect(rows.contains("longer wins") && rows.contains("content only") && rows.contains("PrefPalette"))
      for file in [
        "content.safetensors", "attributes.safetensors", "model.safetensors", "selection.json", "result.json",
        "report.html",
        "report.json", "profiles.csv", "accuracy.csv", "README.md", "config.yaml", "run.json",
      ] {
        #expect(FileManager.default.fileExists(atPath: "\(folder)/run/\(file)"), "\(file)")
      }
      let page = try String(contentsOfFile: folder + "/run/report.html", encoding: .utf8)
      #expect(page.contains("<svg") && !page.contains("<script") && !page.contains("{{"))

      let lines = """
        {"id": 7, "text": "Thank you for asking.", "community": "gruff"}
        {"chosen": "Thank you for asking.", "rejected": "No.", "community": "moon"}

        """
      let predicted = try BuiltCommand.run(["predict", "run", "--data", "-"], in: folder, input: lines)
      #expect(predicted.code == 0, "\(predicted.errors)")
      let answers = try predicted.output.split(separator: "\n").map {
        try #require(JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
      }
      #expect(
        answers.count == 2 && answers[0]["id"] as? String == "7" && answers[0]["community_known"] == nil)
      #expect(answers[1]["community_known"] as? Bool == false && answers[1]["probability"] != nil)
      for (answer, total) in zip(answers, ["utility", "margin"]) {
        let parts = try #require(answer["contributions"] as? [String: Double])
        let (content, whole) = (
          try #require(answer["content"] as? Double), try #require(answer[total] as? Double)
        )
        #expect(parts.count == 2 && abs(parts.values.reduce(content, +) - whole) < 1e-4 * (1 + abs(whole)))
      }
      try Self.pairs(10).replacing("gruff", with: "stern").write(
        toFile: folder + "/new.jsonl", atomically: true, encoding: .utf8)
      let known = try BuiltCommand.run(["evaluate", "run", "--data", "pairs.jsonl", "--json"], in: folder)
      #expect(known.code == 0 && (known.json?["models"] as? [Any])?.count == 4, "\(known.errors)")
      let taught = try BuiltCommand.run(
        ["evaluate", "run", "--data", "new.jsonl", "--adapt", "new.jsonl"], in: folder)
      #expect(
        taught.code == 64 && taught.errors.contains("has a community \"friendly\" already"),
        "\(taught.errors)")
      #expect(try BuiltCommand.run(["report", "run"], in: folder).output == "run/report.html\n")

      // The model's files belong together.
      try FileManager.default.removeItem(atPath: folder + "/run/attributes.safetensors")
      let torn = try BuiltCommand.run(["predict", "run", "--data", "-"], in: folder, input: lines)
      #expect(torn.code != 0 && torn.errors.contains("attributes.safetensors"), "\(torn.errors)")
    }
  }

  @Test func stoppedRunResumesWithTheSameBits() throws {
    try BuiltCommand.withFolder { folder in
      try Self.pairs(40).write(toFile: folder + "/pairs.jsonl", atomically: true, encoding: .utf8)
      let more = [
        "--set", "run.epochs=3000", "--set", "run.checkpoint_every=50", "--set", "data.validation=0",
      ]
      let whole = try BuiltCommand.run(Self.train("whole", more), in: folder)
      #expect(whole.code == 0, "\(whole.errors)")
      let (code, text) = try BuiltCommand.interruptedAtCheckpoint(
        Self.train("stopped", more), out: "stopped", in: folder)
      #expect(code == 3, "\(text)")
      let resumed = try BuiltCommand.run(
        ["train", "prefpalette", "--out", "stopped", "--resume", "--json"], in: folder)
      #expect(resumed.code == 0, "\(resumed.errors)")
      #expect(resumed.json?["fingerprint"] as? String == whole.json?["fingerprint"] as? String)
      let other = try BuiltCommand.run(
        ["train", "bradley-terry", "--out", "stopped", "--resume"], in: folder)
      #expect(other.code == 64 && other.errors.contains("penchant train prefpalette"), "\(other.errors)")
    }
  }

  @Test(arguments: [
    (["--head", "mlp"], 64, "--head means nothing for prefpalette"),
    (["--attributes", "humour"], 2, "did you mean \"humor\"?"),
    (["--counterfactuals", "nowhere.jsonl"], 2, "nowhere.jsonl"),
    (["--judgements", "pairs.jsonl"], 2, "\"attribute\" is missing"),
    (["--test", "later"], 64, "--test wants NAME=FILE"),
    (["--set", "content.width=0"], 64, "content.width must be"),
  ])
  func wrongUseWritesNothing(_ arguments: [String], _ code: Int32, _ message: String) throws {
    try BuiltCommand.withFolder { folder in
      try Self.pairs(3).write(toFile: folder + "/pairs.jsonl", atomically: true, encoding: .utf8)
      let result = try BuiltCommand.run(
        ["train", "prefpalette", "--data", "pairs.jsonl", "--out", "run"] + arguments, in: folder)
      #expect(result.code == code && result.errors.contains(message), "\(result.code) \(result.errors)")
      #expect(!FileManager.default.fileExists(atPath: folder + "/run"))
    }
  }

  @Test(.enabled(if: isOptimised, "runs in release")) func demoFindsPlantedTastes() throws {
    try BuiltCommand.withFolder { folder in
      let demo = try BuiltCommand.run(
        ["demo", "prefpalette", "--pairs", "150", "--out", "demo", "--json"], in: folder)
      #expect(demo.code == 0, "\(demo.errors)")
      let found = try #require(demo.json)
      let correlation = try #require(found["correlation"] as? Double)
      let signs = try #require(found["signs"] as? Double)
      #expect(correlation > 0.5 && signs > 0.75, "\(correlation) \(signs)")
      #expect(FileManager.default.fileExists(atPath: folder + "/demo/tastes.json"))
    }
  }
}
