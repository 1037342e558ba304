import Foundation
import Testing

@Suite(.serialized) struct CommandTests {
  @Test func versionAndHelpTeach() throws {
    try BuiltCommand.withFolder { folder in
      #expect(try BuiltCommand.run(["--version"], in: folder).output.hasPrefix("0."))
      let help = try BuiltCommand.run(["--help"], in: folder)
      #expect(
        help.code == 0 && help.output.contains("penchant train bradley-terry --data pairs.jsonl --out run"))
      #expect(try BuiltCommand.run(["help", "data"], in: folder).output.contains("\"chosen\""))
    }
  }

  @Test(arguments: [
    (["trian"], "did you mean \"penchant train\"?"),
    (["train", "bradly-terry", "--data", "x", "--out", "y"], "did you mean \"bradley-terry\"?"),
    (["train", "bradley-terry", "--out", "y"], "--data FILE is needed"),
    (
      ["train", "bradley-terry", "--data", "x", "--out", "y", "--threads", "0"], "--threads must be 1 to 256"
    ),
    (
      ["train", "bradley-terry", "--data", "x", "--out", "y", "--head", "tree"],
      "--head must be linear or mlp"
    ),
    (
      ["train", "bradley-terry", "--data", "x", "--out", "y", "--set", "model.hed=mlp"],
      "did you mean \"head\"?"
    ),
    (
      ["train", "bradley-terry", "--data", "x", "--out", "y", "--set", "objective.ridges=[-1]"],
      "objective.ridges must be"
    ),
    (
      ["train", "bradley-terry", "--data", "x", "--out", "y", "--leave-out", "moon"],
      "--leave-out must be community"
    ),
    (["evaluate", "nowhere", "--data", "x"], "no run is there"),
  ])
  func wrongUseEndsWith64(_ arguments: [String], _ message: String) throws {
    try BuiltCommand.withFolder { folder in
      let result = try BuiltCommand.run(arguments, in: folder)
      #expect(result.code == 64)
      #expect(result.errors.contains(message), "\(result.errors)")
      #expect(result.output.isEmpty)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
    }
  }

  /// A message with the place, exit 2, nothing written.
  @Test(arguments: [
    ("broken line", "{\"prompt\": \"q\", \"chosen\": \"a\", \"rejected\": \"b\"}\n{\"prompt\": \n", ":2"),
    ("missing field", "{\"prompt\": \"q\", \"chosen\": \"a\"}\n", "\"rejected\" is missing"),
    ("wrong type", "{\"prompt\": \"q\", \"chosen\": 3, \"rejected\": \"b\"}\n", "chosen"),
    ("empty file", "", "empty"),
    ("blank lines", "\n\n", "no record"),
  ])
  func badDataEndsWith2(_ name: String, _ content: String, _ message: String) throws {
    try BuiltCommand.withFolder { folder in
      try content.write(toFile: folder + "/bad.jsonl", atomically: true, encoding: .utf8)
      try Self.expectRefused("bad.jsonl", message, folder)
    }
  }

  @Test func badBytesEndWith2() throws {
    try BuiltCommand.withFolder { folder in
      func write(_ bytes: [UInt8], _ name: String) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
      }
      let line = Array("{\"prompt\": \"q\", \"chosen\": \"".utf8)
      try write(line + [0xFF, 0xFE] + Array("\", \"rejected\": \"b\"}\n".utf8), "utf8.jsonl")
      try Self.expectRefused("utf8.jsonl", "UTF-8", folder)
      try write(line + [UInt8](repeating: 97, count: 10 << 20), "long.jsonl")
      try Self.expectRefused("long.jsonl", "long.jsonl:1", folder)
      try write([0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3, 0xAB, 0x56, 0x2A], "cut.jsonl.gz")
      try Self.expectRefused("cut.jsonl.gz", "cut.jsonl.gz", folder)
      try FileManager.default.createDirectory(atPath: folder + "/folder", withIntermediateDirectories: false)
      try Self.expectRefused("folder", "folder", folder)
      try Self.expectRefused("absent.jsonl", "absent.jsonl", folder)
    }
  }

  static func expectRefused(_ file: String, _ message: String, _ folder: String) throws {
    for arguments in [["train", "bradley-terry", "--data", file, "--out", "run"], ["inspect", file]] {
      let result = try BuiltCommand.run(arguments, in: folder)
      #expect(result.code == 2, "\(arguments) \(result.errors)")
      #expect(result.errors.contains(message), "\(arguments) \(result.errors)")
    }
    #expect(!FileManager.default.fileExists(atPath: folder + "/run"))
  }

  @Test func trainEvaluatePredictReport() throws {
    try BuiltCommand.withFolder { folder in
      try BuiltCommand.pairs(120).write(toFile: folder + "/pairs.jsonl", atomically: true, encoding: .utf8)
      let trained = try BuiltCommand.run(
        [
          "train", "bradley-terry", "--data", "pairs.jsonl", "--out", "run", "--leave-out", "community",
          "--json",
        ], in: folder)
      #expect(trained.code == 0, "\(trained.errors)")
      let result = try #require(trained.json)
      #expect(result["system"] as? String == "bradley-terry" && result["pairs"] as? Int == 120)
      let accuracy = try #require((result["metrics"] as? [String: Any])?["accuracy"] as? Double)
      #expect(accuracy > 0.6)
      #expect((result["models"] as? [Any])?.count == 3)
      for file in [
        "config.yaml", "environment.json", "model.safetensors", "report.html", "report.json", "result.json",
        "README.md",
      ] {
        #expect(FileManager.default.fileExists(atPath: "\(folder)/run/\(file)"), "\(file)")
      }
      let page = try String(contentsOfFile: folder + "/run/report.html", encoding: .utf8)
      #expect(
        page.contains("<svg") && !page.contains("<script") && !page.contains("{{")
          && !page.contains("http://www.w3.org/1999"))

      let evaluated = try BuiltCommand.run(
        ["evaluate", "run", "--data", "pairs.jsonl", "--json"], in: folder)
      #expect(evaluated.code == 0 && evaluated.json?["metrics"] != nil)

      let lines = """
        {"id": "x", "text": "because study reason"}
        {"chosen": "because study reason however people", "rejected": "tea"}

        """
      let predicted = try BuiltCommand.run(["predict", "run", "--data", "-"], in: folder, input: lines)
      #expect(predicted.code == 0, "\(predicted.errors)")
      let answers = predicted.output.split(separator: "\n")
      #expect(answers.count == 2 && answers[0].contains("\"id\":\"x\"") && answers[0].contains("\"score\""))
      #expect(answers[1].contains("\"probability\""))
      let refused = try BuiltCommand.run(
        ["predict", "run", "--data", "-"], in: folder, input: "{\"txt\": \"a\"}\n")
      #expect(refused.code == 2 && refused.errors.contains(":1"))

      #expect(try BuiltCommand.run(["report", "run"], in: folder).output == "run/report.html\n")
      let again = try BuiltCommand.run(
        ["train", "bradley-terry", "--data", "pairs.jsonl", "--out", "run"], in: folder)
      #expect(again.code == 64 && again.errors.contains("--resume"))
    }
  }

  @Test func printedConfigurationIsReadBack() throws {
    try BuiltCommand.withFolder { folder in
      let printed = try BuiltCommand.run(
        ["train", "bradley-terry", "--print-config", "--head", "mlp"], in: folder)
      #expect(
        printed.code == 0 && printed.output.contains("learning_rate: ")
          && printed.output.contains("head: mlp"))
      try printed.output.write(toFile: folder + "/c.yaml", atomically: true, encoding: .utf8)
      let again = try BuiltCommand.run(
        ["train", "bradley-terry", "--print-config", "--config", "c.yaml"], in: folder)
      #expect(again.output == printed.output)
    }
  }

  @Test func threadsDoNotChangeTheFingerprint() throws {
    try BuiltCommand.withFolder { folder in
      try BuiltCommand.pairs(90).write(toFile: folder + "/pairs.jsonl", atomically: true, encoding: .utf8)
      let prints = try [1, 2, 3, 5].map { threads in
        try BuiltCommand.run(
          [
            "train", "bradley-terry", "--data", "pairs.jsonl", "--out", "run\(threads)", "--leave-out",
            "community", "--threads",
            "\(threads)", "--json",
          ], in: folder
        ).json?["fingerprint"] as? String
      }
      #expect(prints[0] != nil && Set(prints).count == 1)
    }
  }

  /// Ctrl-C saves and says how to go on (3); the resumed run ends as one that was not stopped. `kill -9` loses no finished
  /// checkpoint; with PENCHANT_LONG=1 at 50 moments.
  @Test func interruptedAndKilledRunsResumeWithTheSameBits() throws {
    try BuiltCommand.withFolder { folder in
      try BuiltCommand.pairs(150).write(toFile: folder + "/pairs.jsonl", atomically: true, encoding: .utf8)
      func arguments(_ out: String) -> [String] {
        [
          "train", "bradley-terry", "--data", "pairs.jsonl", "--out", out, "--head", "mlp", "--json", "--set",
          "run.epochs=400",
          "--set", "run.patience=0", "--set", "run.checkpoint_every=10", "--set", "run.validate_every=50",
          "--set",
          "model.hidden=[8]", "--set", "model.projection=16",
        ]
      }
      let whole = try BuiltCommand.run(arguments("whole"), in: folder)
      #expect(whole.code == 0, "\(whole.errors)")
      let expected = whole.json?["fingerprint"] as? String

      let (code, text) = try BuiltCommand.interruptedAtCheckpoint(
        arguments("stopped"), out: "stopped", in: folder)
      if code != 0 {
        #expect(code == 3, "\(text)")
        #expect(text.contains("penchant train bradley-terry --out stopped --resume"))
      }
      let resumed = try BuiltCommand.run(
        ["train", "bradley-terry", "--out", "stopped", "--resume", "--json"], in: folder)
      #expect(resumed.code == 0, "\(resumed.errors)")
      #expect(resumed.json?["fingerprint"] as? String == expected)

      let long = ProcessInfo.processInfo.environment["PENCHANT_LONG"] == "1"
      let first = try BuiltCommand.start(arguments("killed"), in: folder).0
      BuiltCommand.waitForCheckpoint(of: folder + "/killed", by: first)
      kill(first.processIdentifier, SIGKILL)
      first.waitUntilExit()
      var seen = 0
      for turn in 0..<(long ? 50 : 3) {
        let steps = try FileManager.default.contentsOfDirectory(atPath: folder + "/killed/checkpoints")
          .filter { !$0.contains(".") }.compactMap { Int($0.replacing("step-", with: "")) }
        let newest = steps.max() ?? 0
        #expect(newest >= seen, "turn \(turn): a finished checkpoint is gone")
        seen = newest
        let process = try BuiltCommand.start(
          ["train", "bradley-terry", "--out", "killed", "--resume", "--json"], in: folder
        ).0
        usleep(UInt32(150_000 + turn * 7919 % 300_000))
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
      }
      let ended = try BuiltCommand.run(
        ["train", "bradley-terry", "--out", "killed", "--resume", "--json"], in: folder)
      #expect(ended.code == 0, "\(ended.errors)")
      #expect(ended.json?["fingerprint"] as? String == expected)
      #expect(!ended.errors.contains("passed over"))
    }
  }

  @Test func doctorFindsSameBits() throws {
    try BuiltCommand.withFolder { folder in
      let result = try BuiltCommand.run(["doctor", "--json"], in: folder)
      #expect(result.code == 0 && result.json?["sameBits"] as? Bool == true)
    }
  }
}
