import Foundation
import Testing

/// Recommenders on the command line: from a log to lists, and what happens to logs that are not as they should be.
@Suite(.serialized) struct RecommenderCommandTests {
  /// Histories that walk round a ring of items, `user item time` in the order of time.
  static func events(_ users: Int, items: Int = 20) -> [(user: String, item: String, time: Int)] {
    (0..<users).flatMap { user in
      (0..<(5 + user % 6)).map { step in
        ("u\(user)", "i\((user * 7 + step * 3) % items)", 1000 + user + step * 100)
      }
    }
  }

  static func atomic(_ events: [(user: String, item: String, time: Int)]) -> String {
    "user_id:token\titem_id:token\ttimestamp:float\n"
      + events.map { "\($0.user)\t\($0.item)\t\($0.time)\n" }.joined()
  }

  static func write(_ text: String, _ name: String, _ folder: String) throws {
    try text.write(toFile: "\(folder)/\(name)", atomically: true, encoding: .utf8)
  }

  static let small = [
    "--set", "model.width=16", "--set", "model.inner=16", "--set", "model.longest=6", "--set",
    "optimizer.rows=64", "--set", "optimizer.learning_rate=0.01", "--set", "run.epochs=4",
  ]

  static func fingerprint(_ result: BuiltCommand.Result) -> String? { result.json?["fingerprint"] as? String }

  @Test func trainRecommendPredictEvaluateReport() throws {
    try BuiltCommand.withFolder { folder in
      try Self.write(Self.atomic(Self.events(80)), "log.inter", folder)
      let titles = (0..<21).map { "{\"item\": \"i\($0)\", \"title\": \"Film <\($0)>\"}\n" }.joined()
      try Self.write(titles, "items.jsonl", folder)
      let trained = try BuiltCommand.run(
        ["train", "sasrec", "log.inter", "--items", "items.jsonl", "--output", "run", "--json"] + Self.small,
        in: folder)
      #expect(trained.code == 0, "\(trained.errors)")
      let result = try #require(trained.json)
      #expect(result["system"] as? String == "sasrec" && result["testCases"] as? Int == 80)
      let metrics = try #require(result["metrics"] as? [String: Any])
      #expect(metrics["ndcg@10"] is Double && metrics["masked/ndcg@10"] is Double)
      let rows = try #require(result["models"] as? [[String: Any]]).compactMap { $0["name"] as? String }
      #expect(rows == ["sasrec", "popularity", "markov", "itemknn"])
      #expect((result["comparison"] as? [String: Any])?["difference"] != nil)
      for file in [
        "config.yaml", "run.json", "environment.json", "metrics.jsonl", "model.safetensors",
        "histories.safetensors", "result.json", "report.html", "report.json", "README.md",
      ] {
        #expect(FileManager.default.fileExists(atPath: "\(folder)/run/\(file)"), "\(file)")
      }
      let page = try String(contentsOfFile: folder + "/run/report.html", encoding: .utf8)
      #expect(
        page.contains("<svg") && page.contains("Film &lt;") && page.contains("Validation while training"))
      #expect(!page.contains("<script") && !page.contains("{{") && !page.contains("Film <1"))

      // For a user of the log without what the user has, and for anybody.
      let known = try BuiltCommand.run(["recommend", "run", "u3", "--top", "4", "--json"], in: folder)
      #expect(known.code == 0, "\(known.errors)")
      let items = try #require(known.json?["items"] as? [[String: Any]])
      let had = Set(Self.events(80).filter { $0.user == "u3" }.map(\.item))
      #expect(items.count == 4 && items.allSatisfy { !had.contains($0["item"] as? String ?? "") })
      let text = try BuiltCommand.run(
        ["recommend", "run", "--history", "i1, i4,nothing ", "--exclude", "i7 , none"], in: folder)
      #expect(text.code == 0 && text.output.contains("Film <") && !text.output.contains("i7 "))
      #expect(text.errors.contains("does not know \"nothing\""))
      #expect(text.errors.contains("--exclude: the model does not know \"none\""))

      let evaluated = try BuiltCommand.run(["evaluate", "run", "--data", "log.inter", "--json"], in: folder)
      #expect(evaluated.code == 0, "\(evaluated.errors)")
      #expect(evaluated.json?["testChecksum"] as? String == result["testChecksum"] as? String)
      #expect(Self.fingerprint(evaluated) == Self.fingerprint(trained))

      #expect(try BuiltCommand.run(["report", "run"], in: folder).output == "run/report.html\n")
    }
  }

  /// Items from their titles; a session that grows; and what is refused.
  @Test func itemsFromTitlesAndSessionsThatGrow() throws {
    try BuiltCommand.withFolder { folder in
      try Self.write(Self.atomic(Self.events(60)), "log.inter", folder)
      let titles = (0..<20).map { "{\"item\": \"i\($0)\", \"title\": \"film \($0) of \($0 % 3)\"}\n" }
        .joined()
      try Self.write(titles, "items.jsonl", folder)
      let train =
        ["train", "sasrec", "log.inter", "--output", "run", "--set", "text.form=unisrec"] + Self.small
      let bare = try BuiltCommand.run(train, in: folder)
      #expect(bare.code == 64 && bare.errors.contains("--items FILE"), "\(bare.errors)")
      let idle = try BuiltCommand.run(
        ["train", "sasrec", "log.inter", "--output", "run", "--embeddings", "v.npy"] + Self.small, in: folder)
      #expect(idle.code == 64 && idle.errors.contains("text.form"), "\(idle.errors)")
      #expect(!FileManager.default.fileExists(atPath: folder + "/run"))
      let trained = try BuiltCommand.run(train + ["--items", "items.jsonl", "--json"], in: folder)
      #expect(trained.code == 0, "\(trained.errors)")

      let lines = """
        {"session": "s", "history": ["i1"]}
        {"session": "s", "append": "i4", "top": 3}
        {"session": "s", "append": ["i7", "nothing"], "top": 3}
        {"history": ["i1", "i4", "i7"], "top": 3}
        {"session": "t", "user": "u3", "top": 1}

        """
      try Self.write(lines, "questions.jsonl", folder)
      let answers = try BuiltCommand.run(["predict", "run", "--data", "questions.jsonl"], in: folder)
      #expect(answers.code == 0, "\(answers.errors)")
      let found = try answers.output.split(separator: "\n").map { line in
        try #require(JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
      }
      func items(_ answer: [String: Any]) -> [String] {
        (answer["items"] as? [[String: Any]] ?? []).compactMap { $0["item"] as? String }
      }
      #expect(found.count == 5 && items(found[2]) == items(found[3]) && items(found[2]).count == 3)
      #expect(found[2]["unknown"] as? [String] == ["nothing"] && found[2]["session"] as? String == "s")
      #expect(!items(found[1]).contains("i4") && items(found[4]).count == 1)
      try Self.write("{\"history\": [], \"append\": \"i1\"}\n", "lost.jsonl", folder)
      let lost = try BuiltCommand.run(["predict", "run", "--data", "lost.jsonl"], in: folder)
      #expect(lost.code == 2 && lost.errors.contains("lost.jsonl:1") && lost.errors.contains("session"))
    }
  }

  @Test func reasoningIsShownBesideItsBase() throws {
    try BuiltCommand.withFolder { folder in
      try Self.write(Self.atomic(Self.events(60)), "log.inter", folder)
      let trained = try BuiltCommand.run(
        ["train", "rearec", "log.inter", "--output", "run", "--set", "reasoning.bases=3"] + Self.small,
        in: folder)
      #expect(trained.code == 0, "\(trained.errors)")
      for words in ["Gain over the base", "best base a case", "base 3", "How much the steps differ"] {
        #expect(trained.output.contains(words), "\(words)")
      }
      let page = try String(contentsOfFile: folder + "/run/report.html", encoding: .utf8)
      #expect(page.contains("What each step is worth"))
      // Peers have checkpoints of their own, so a stopped study goes on where it was.
      #expect(FileManager.default.fileExists(atPath: folder + "/run/peers/base-2/checkpoints"))
      let again = try BuiltCommand.run(
        ["train", "rearec", "--output", "run", "--resume", "--json"], in: folder)
      #expect(again.code == 0 && Self.fingerprint(again) != nil)
    }
  }

  @Test(arguments: ["bert4rec", "popularity", "markov", "itemknn"])
  func everySystemTrainsAndRecommends(_ system: String) throws {
    try BuiltCommand.withFolder { folder in
      try Self.write(Self.atomic(Self.events(40)), "log.inter", folder)
      let settings = system == "bert4rec" ? Self.small : []
      let trained = try BuiltCommand.run(
        ["train", system, "--data", "log.inter", "--out", "run", "--masked", "--quiet"] + settings, in: folder
      )
      #expect(trained.code == 0, "\(trained.errors)")
      #expect(trained.output.contains("checksum") || trained.output.contains("test items"))
      let found = try BuiltCommand.run(["recommend", "run", "u1", "--json"], in: folder)
      #expect(found.code == 0 && (found.json?["items"] as? [Any])?.isEmpty == false, "\(found.errors)")
    }
  }

  @Test func predictAnswersLinesAndSaysWhatItDoesNotKnow() throws {
    try BuiltCommand.withFolder { folder in
      try Self.write(Self.atomic(Self.events(40)), "log.inter", folder)
      let trained = try BuiltCommand.run(
        ["train", "markov", "--data", "log.inter", "--out", "run", "--quiet"], in: folder)
      #expect(trained.code == 0, "\(trained.errors)")
      let lines = """
        {"id": 7, "history": ["i1", "i4"], "top": 2}
        {"history": ["i1", "nothing", "i4"]}
        {"history": ["nothing"]}
        []
        {"user": "u3", "exclude": ["i0"]}
        ["i2"]

        """
      let found = try BuiltCommand.run(
        ["predict", "run", "--data", "-", "--top", "3"], in: folder, input: lines)
      #expect(found.code == 0, "\(found.errors)")
      let answers = try found.output.split(separator: "\n").map {
        try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
      }
      #expect(answers.count == 6)
      func items(_ place: Int) -> [String] {
        (answers[place]["items"] as? [[String: Any]] ?? []).compactMap { $0["item"] as? String }
      }
      #expect(answers[0]["id"] as? String == "7" && items(0).count == 2)
      #expect(answers[0]["basis"] as? String == "history" && answers[0]["unknown"] == nil)
      #expect(answers[1]["unknown"] as? [String] == ["nothing"] && items(1).starts(with: items(0)))
      #expect(
        answers[2]["basis"] as? String == "popularity" && answers[3]["basis"] as? String == "popularity")
      #expect(items(2) == items(3) && items(4).count == 3 && !items(4).contains("i0"))

      for (line, says) in [
        ("{\"history\": \"i1\"}", "\"history\" is not a list"),
        ("{\"hist\": [\"i1\"]}", "neither \"history\""),
        ("i1 i2", "is not JSON"), ("3", "neither an object nor a list"),
        ("{\"user\": \"u300\"}", "is not in the log"),
        ("{\"history\": [], \"top\": 0}", "\"top\" must be"), ("{\"history\": [1.5]}", "is not a list"),
      ] {
        let refused = try BuiltCommand.run(
          ["predict", "run", "--data", "-"], in: folder, input: "\n\(line)\n")
        #expect(
          refused.code == 2 && refused.errors.contains(":2: ") && refused.errors.contains(says),
          "\(refused.errors)")
      }
      let stranger = try BuiltCommand.run(["recommend", "run", "u33x"], in: folder)
      #expect(stranger.code == 2 && stranger.errors.contains("did you mean"), "\(stranger.errors)")
    }
  }

  /// What a log may have wrong: a message with the place and code 2, nothing written; or a rule that is documented.
  @Test(arguments: [
    ("a.inter", "user_id\titem_id:token\nu\ti\n", [String](), "has no type"),
    ("a.inter", "user_id:token\titem_id:word\nu\ti\n", [], "unknown type"),
    ("a.csv", "person,thing\na,b\n", [], "names no user and item columns"),
    ("a.csv", "user,item,timestamp\na,b,soon\n", [], "\"timestamp\" is not a number"),
    ("a.csv", "user,item\na,\n", [], "\"item\" is empty"),
    ("a.txt", "", [], "empty"),
    ("a.txt", "a 1 2 3\nb 1 2 3\n", ["--core", "5"], "nothing is left"),
    ("a.txt", "a 1 2\nb 1 2\n", [], "leaves nothing to test"),
    ("a.txt", "a 1 2 3\nb 1 2 3\n", ["--split", "time"], "the log has none"),
    ("a.txt", "a 1 2 3\nb 1 2 3\n", ["--split", "file"], "the log has none"),
    ("a.txt", "a 1 2 3\nb 1 2 3\n", ["--rating", "4"], "has no ratings"),
    ("a.txt", "a 1 2 3\nb 1 2 3\n", [], "no history has two items"),
    ("a.txt", "a 1 2 3 4\nb 1 2 3 4\n", ["--items", "absent.jsonl"], "absent.jsonl"),
  ])
  func badLogsEndWith2(_ file: String, _ content: String, _ more: [String], _ message: String) throws {
    try BuiltCommand.withFolder { folder in
      try Self.write(content, file, folder)
      let result = try BuiltCommand.run(
        ["train", "sasrec", "--data", file, "--out", "run"] + more, in: folder)
      #expect(result.code == 2 && result.errors.contains(message), "\(result.errors)")
      #expect(!FileManager.default.fileExists(atPath: folder + "/run"))
    }
  }

  @Test(arguments: [
    (["train", "sasrec", "--out", "y"], "a log of interactions"),
    (["train", "sasrec", "--data", "x", "--out", "y", "--head", "mlp"], "--head means nothing for sasrec"),
    (["train", "bradley-terry", "--data", "x", "--out", "y", "--core", "3"], "--core means nothing"),
    (["train", "sasrec", "--data", "x", "--out", "y", "--split", "moon"], "--split must be"),
    (["train", "sasrec", "--data", "x", "--out", "y", "--set", "model.heads=5"], "model.heads must be"),
    (["train", "sasrec", "--data", "x", "--out", "y", "--core=-1"], "log.core must be"),
    (["train", "sasrek", "--data", "x", "--out", "y"], "did you mean \"sasrec\"?"),
    (["recommend", "run"], "name a user of the log"),
    (["recommend", "run", "u1", "--history", "i1"], "pass one"),
    (["train", "sasrec", "x", "--data", "z", "--out", "y"], "two files"),
  ])
  func wrongUseEndsWith64(_ arguments: [String], _ message: String) throws {
    try BuiltCommand.withFolder { folder in
      let result = try BuiltCommand.run(arguments, in: folder)
      #expect(result.code == 64 && result.errors.contains(message), "\(result.code) \(result.errors)")
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
    }
  }

  /// Times out of order, duplicate events and described items without events are counted, and have a rule.
  @Test func disorderIsCountedAndHasARule() throws {
    try BuiltCommand.withFolder { folder in
      let events = Self.events(30)
      try Self.write(Self.atomic(events), "sorted.inter", folder)
      try Self.write(Self.atomic(events.reversed()), "reversed.inter", folder)
      try Self.write(Self.atomic(events + events.prefix(9)), "double.inter", folder)
      try Self.write((0..<22).map { "{\"item\": \"i\($0)\"}\n" }.joined(), "items.jsonl", folder)
      func inspected(_ file: String) throws -> [String: Any] {
        let result = try BuiltCommand.run(["inspect", file, "--items", "items.jsonl", "--json"], in: folder)
        #expect(result.code == 0, "\(result.errors)")
        return try #require(result.json)
      }
      let (plain, reversed) = (try inspected("sorted.inter"), try inspected("reversed.inter"))
      #expect(plain["outOfOrder"] as? Int == 0 && reversed["outOfOrder"] as? Int ?? 0 > 0)
      #expect(plain["leaveOneOutChecksum"] as? String == reversed["leaveOneOutChecksum"] as? String)
      #expect(plain["itemsWithoutEvents"] as? Int == 2)
      #expect(try inspected("double.inter")["duplicates"] as? Int == 9)
      func trained(_ file: String, _ more: [String]) throws -> [String: Any] {
        let result = try BuiltCommand.run(
          ["train", "popularity", "--data", file, "--out", UUID().uuidString, "--json"] + more, in: folder)
        #expect(result.code == 0, "\(result.errors)")
        return try #require(result.json)
      }
      let whole = try trained("sorted.inter", [])
      let single = try trained("double.inter", ["--set", "log.duplicates=identical"])
      #expect(whole["testChecksum"] as? String == single["testChecksum"] as? String)
      #expect(
        try BuiltCommand.run(["inspect", "sorted.inter"], in: folder).output.contains("leave-one-out test"))
    }
  }

  @Test func threadsDoNotChangeTheModel() throws {
    try BuiltCommand.withFolder { folder in
      try Self.write(Self.atomic(Self.events(50)), "log.inter", folder)
      let models = try [1, 2, 3, 5].map { threads in
        let result = try BuiltCommand.run(
          [
            "train", "sasrec", "--data", "log.inter", "--out", "run\(threads)", "--threads", "\(threads)",
            "--json",
          ]
            + Self.small, in: folder)
        #expect(result.code == 0, "\(result.errors)")
        return [
          Self.fingerprint(result) ?? "",
          try Data(contentsOf: URL(fileURLWithPath: "\(folder)/run\(threads)/model.safetensors"))
            .base64EncodedString(),
        ]
      }
      #expect(Set(models).count == 1 && models[0][0] != "")
    }
  }

  /// Ctrl-C in the middle of an epoch saves; the resumed run ends with the bits of one that was not stopped.
  @Test func aResumedRunHasTheSameBits() throws {
    try BuiltCommand.withFolder { folder in
      try Self.write(Self.atomic(Self.events(120)), "log.inter", folder)
      func arguments(_ out: String) -> [String] {
        ["train", "sasrec", "--data", "log.inter", "--out", out, "--json"] + Self.small
          + ["--set", "run.epochs=60", "--set", "run.patience=0", "--set", "run.checkpoint_every=7"]
      }
      func model(_ out: String) throws -> Data {
        try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(out)/model.safetensors"))
      }
      let whole = try BuiltCommand.run(arguments("whole"), in: folder)
      #expect(whole.code == 0, "\(whole.errors)")
      let (code, text) = try BuiltCommand.interruptedAtCheckpoint(
        arguments("stopped"), out: "stopped", in: folder)
      #expect([0, 3].contains(code), "\(text)")
      if code == 3 {
        #expect(text.contains("penchant train sasrec --out stopped --resume"))
        let early = try BuiltCommand.run(["recommend", "stopped", "u1"], in: folder)
        #expect(early.code == 2 && early.errors.contains("no model yet"))
      }
      let resumed = try BuiltCommand.run(
        ["train", "sasrec", "--out", "stopped", "--resume", "--json"], in: folder)
      #expect(resumed.code == 0, "\(resumed.errors)")
      #expect(Self.fingerprint(resumed) == Self.fingerprint(whole))
      #expect(try model("stopped") == model("whole"))
    }
  }

  @Test func settingsAreReadBack() throws {
    try BuiltCommand.withFolder { folder in
      for system in ["sasrec", "bert4rec", "markov", "popularity", "itemknn"] {
        let printed = try BuiltCommand.run(["train", system, "--print-config", "--masked"], in: folder)
        #expect(printed.code == 0 && printed.output.contains("ranked: masked"), "\(printed.errors)")
        try Self.write(printed.output, "c.yaml", folder)
        let again = try BuiltCommand.run(
          ["train", system, "--print-config", "--config", "c.yaml"], in: folder)
        #expect(again.output == printed.output, "\(again.errors)")
      }
    }
  }
}
