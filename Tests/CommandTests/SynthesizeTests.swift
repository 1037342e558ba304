import Foundation
import LanguageSupport
import PenchantData
import Testing

/// `penchant synthesize` as a person runs it, with a server on loopback for the language model.
@Suite(.serialized) struct SynthesizeTests {
  static let wanted = 60

  /// Six texts, two attributes.
  static func arguments(_ server: StubServer, out: String, _ more: [String] = []) -> [String] {
    [
      "synthesize", "--data", "pairs.jsonl", "--out", out, "--attributes", "formality,Tradition",
      "--comments", "2",
      "--llm", server.url, "--model", "stub", "--seed", "3", "--json", "--quiet",
    ] + more
  }

  static func server(delay: UInt32 = 0) throws -> StubServer {
    try StubServer { request in
      usleep(delay)
      // As long as a comment, so that it passes the gate of length, and different for every question.
      return .answer("{\"rewrite\": \"because tea is warm \(XXHash64.hex(Array(request.question.utf8)))\"}")
    }
  }

  static func withPairs(_ body: (String) throws -> Void) throws {
    try BuiltCommand.withFolder { folder in
      try BuiltCommand.pairs(30).write(toFile: folder + "/pairs.jsonl", atomically: true, encoding: .utf8)
      try body(folder)
    }
  }

  static func bytes(_ folder: String, _ name: String) throws -> String {
    try String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8)
  }

  @Test func helpTeaches() throws {
    try BuiltCommand.withFolder { folder in
      let help = try BuiltCommand.run(["synthesize", "--help"], in: folder)
      #expect(help.code == 0)
      for word in [
        "--llm http://127.0.0.1:8080 --model NAME", "PENCHANT_API_KEY", "replay:answers.jsonl",
        "--retry-refused",
      ] {
        #expect(help.output.contains(word), "\(word)")
      }
    }
  }

  @Test(arguments: [
    (["--llm", "nonsense", "--model", "m"], "is not the address of an endpoint", 64),
    (["--llm", "http://127.0.0.1:1"], "--model NAME is needed", 64),
    (["--model", "m"], "--model means nothing without --llm URL", 64),
    (["--verify"], "--verify asks a language model", 64),
    (["--concurrency", "0"], "--concurrency must be 1 to 1024", 64),
    (["--attributes", "formalty"], "did you mean \"formality\"?", 2),
    (["--llm", "replay:nowhere.jsonl"], "there is no such file", 2),
    (
      ["--llm", "http://127.0.0.1:1", "--model", "m", "--attempts", "1", "--attributes", "formality"],
      "gave no answer in 1 try", 1
    ),
  ])
  func wrongUseSaysWhatToDo(_ arguments: [String], _ message: String, _ code: Int32) throws {
    try Self.withPairs { folder in
      let result = try BuiltCommand.run(
        ["synthesize", "--data", "pairs.jsonl", "--out", "out.jsonl"] + arguments, in: folder)
      #expect(result.code == code, "\(result.errors)")
      #expect(result.errors.contains(message), "\(result.errors)")
      #expect(result.output.isEmpty)
    }
  }

  @Test func rulesNeedNobody() throws {
    try Self.withPairs { folder in
      let arguments = [
        "synthesize", "--data", "pairs.jsonl", "--out", "out.jsonl", "--comments", "3", "--json", "--quiet",
      ]
      let first = try BuiltCommand.run(arguments, in: folder)
      #expect(first.code == 0, "\(first.errors)")
      let found = first.json?["synthesis"] as? [String: Any]
      #expect(found?["teacher"] as? String == "rules")
      #expect(found?["wanted"] as? Int == 9 * 19 * 5)
      let bytes = try Self.bytes(folder, "out.jsonl")
      #expect(bytes.split(separator: "\n").count == 9)
      // Once more: nothing is left to do, nothing changes.
      #expect(try BuiltCommand.run(arguments, in: folder).code == 0)
      #expect(try Self.bytes(folder, "out.jsonl") == bytes)
    }
  }

  /// Ctrl-C ends with 3 and the same command goes on: nothing is lost, nothing asked twice, the file has the
  /// same bytes, which a replay without a server gives too. The key is in none of it.
  @Test func interruptedRecordedAndReplayed() throws {
    let (whole, slow) = (try Self.server(), try Self.server(delay: 40_000))
    defer {
      whole.stop()
      slow.stop()
    }
    let secret = ["PENCHANT_API_KEY": "sk-top-secret"]
    try Self.withPairs { folder in
      let first = try BuiltCommand.run(
        Self.arguments(whole, out: "whole.jsonl", ["--verify", "--verify-pairs", "2"]), in: folder,
        environment: secret)
      #expect(first.code == 0, "\(first.errors)")
      #expect(whole.requests.count == Self.wanted + 2 * 2 * 8)
      #expect(whole.requests.allSatisfy { $0.authorization == "Bearer sk-top-secret" })
      #expect((first.json?["verification"] as? [[String: Any]])?.first?["unanswered"] as? Int == 16)

      let more = ["--llm-record", "answers.jsonl"]
      let (process, _, errors) = try BuiltCommand.start(
        Self.arguments(slow, out: "out.jsonl", more), in: folder, environment: secret)
      while slow.requests.count < 10, process.isRunning { usleep(1000) }
      process.interrupt()
      let text = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      process.waitUntilExit()
      #expect(process.terminationStatus == 3, "\(text)")
      #expect(text.contains("The same command continues."))
      let asked = slow.requests.count
      #expect(asked < Self.wanted)
      let second = try BuiltCommand.run(
        Self.arguments(slow, out: "out.jsonl", more), in: folder, environment: secret)
      #expect(second.code == 0, "\(second.errors)")
      #expect((second.json?["synthesis"] as? [String: Any])?["resumed"] as? Int == asked)
      #expect(slow.requests.count == Self.wanted && Set(slow.requests.map(\.key)).count == Self.wanted)
      #expect(try Self.bytes(folder, "out.jsonl") == Self.bytes(folder, "whole.jsonl"))

      var offline = Self.arguments(slow, out: "offline.jsonl")
      offline[offline.firstIndex(of: slow.url) ?? 0] = "replay:answers.jsonl"
      slow.stop()
      let replay = try BuiltCommand.run(offline, in: folder)
      #expect(replay.code == 0, "\(replay.errors)")
      #expect(try Self.bytes(folder, "offline.jsonl") == Self.bytes(folder, "whole.jsonl"))

      for name in try FileManager.default.contentsOfDirectory(atPath: folder) {
        #expect(try !Self.bytes(folder, name).contains("sk-top"), "the key is in \(name)")
      }
      for shown in [first.output, first.errors, second.output, second.errors, text] {
        #expect(!shown.contains("sk-top"))
      }
    }
  }

  /// Killed at several moments: what was answered is not asked again, but for the requests that were under
  /// way.
  @Test func killedRunsGoOn() throws {
    let (whole, slow) = (try Self.server(), try Self.server(delay: 4000))
    defer {
      whole.stop()
      slow.stop()
    }
    try Self.withPairs { folder in
      #expect(try BuiltCommand.run(Self.arguments(whole, out: "whole.jsonl"), in: folder).code == 0)
      for goal in [8, 20, 35] {
        let process = try BuiltCommand.start(Self.arguments(slow, out: "out.jsonl"), in: folder).0
        while slow.requests.count < goal, process.isRunning { usleep(500) }
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
      }
      let last = try BuiltCommand.run(Self.arguments(slow, out: "out.jsonl"), in: folder)
      #expect(last.code == 0, "\(last.errors)")
      #expect(Set(slow.requests.map(\.key)).count == Self.wanted)
      #expect(slow.requests.count <= Self.wanted + 3 * 4)
      #expect(try Self.bytes(folder, "out.jsonl") == Self.bytes(folder, "whole.jsonl"))
    }
  }
}
