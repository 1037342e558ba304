import Foundation
import LanguageSupport
import PenchantData
import Synchronization
import Testing

@testable import PenchantLanguage

/// Answers with the question in capitals, and refuses what starts with "bad".
private final class Echo: LanguageModel {
  let name = "echo"
  let asked = Atomic<Int>(0)

  func ask(_ request: ChatRequest) async throws(LanguageError) -> ChatReply {
    asked.add(1, ordering: .relaxed)
    let text = request.messages.last?.content ?? ""
    if text.hasPrefix("bad") { throw .reply(ReplyProblem(.refused, "no")) }
    return ChatReply(content: text.uppercased(), usage: Usage(promptTokens: 2, completionTokens: 1))
  }
}

@Suite struct RecordingTests {
  static func request(_ text: String, seed: UInt64 = 0) -> ChatRequest {
    ChatRequest(system: "s", user: text, seed: seed)
  }

  @Test func whatWasAnsweredIsNotAskedAgain() async throws {
    try await withScratchFolder { folder in
      let path = folder + "/answers.jsonl"
      let echo = Echo()
      for _ in 0..<2 {
        let model = RecordedModel(echo, recording: try Recording(recording: path))
        #expect(try await model.ask(Self.request("tea\n\u{1F375}")).content == "TEA\n\u{1F375}")
        await #expect(throws: LanguageError.reply(ReplyProblem(.refused, "no"))) {
          try await model.ask(Self.request("bad tea"))
        }
      }
      #expect(echo.asked.load(ordering: .relaxed) == 2)

      let replay = try RecordedModel(replaying: Recording(replaying: path))
      #expect(replay.name == "echo")
      let meter = UsageMeter()
      let reply = try await UsageMeter.$current.withValue(meter) {
        try await replay.ask(Self.request("tea\n\u{1F375}"))
      }
      #expect(reply.content == "TEA\n\u{1F375}")
      #expect(meter.total == Usage(promptTokens: 2, completionTokens: 1))
      do throws(LanguageError) {
        _ = try await replay.ask(Self.request("coffee"))
        #expect(Bool(false))
      } catch {
        let text = error.description
        #expect(
          text.contains(path) && text.contains("coffee")
            && text.contains(Self.request("coffee").key(model: "echo")))
      }
    }
  }

  @Test func everyPartOfARequestIsInItsKey() {
    let base = Self.request("a")
    var others = [Self.request("b"), Self.request("a", seed: 1)]
    others.append(ChatRequest(system: "t", user: "a"))
    others.append(ChatRequest(system: "s", user: "a", temperature: 0))
    others.append(ChatRequest(system: "s", user: "a", maximumTokens: 1))
    let keys = Set(others.map { $0.key(model: "m") } + [base.key(model: "m"), base.key(model: "n")])
    #expect(keys.count == others.count + 2)
    #expect(base.key(model: "m").count == 32)
  }

  /// Cut at every byte of the last line, the file is read, mended and added to.
  @Test func aTornLastLineIsDropped() async throws {
    try await withScratchFolder { folder in
      let path = folder + "/answers.jsonl"
      do {
        let model = RecordedModel(Echo(), recording: try Recording(recording: path))
        for text in ["one", "two ü"] { _ = try await model.ask(Self.request(text)) }
      }
      let whole = try Data(contentsOf: URL(fileURLWithPath: path))
      let first = try #require(whole.firstIndex(of: 10)) + 1
      for end in first...whole.count {
        try whole.prefix(end).write(to: URL(fileURLWithPath: path))
        // Only the line end may be missing, then nothing is lost.
        let kept = end >= whole.count - 1 ? 2 : 1
        var warnings: [String] = []
        #expect(try Recording(replaying: path).count == kept)
        let recording = try Recording(recording: path) { warnings.append($0) }
        #expect(recording.count == kept)
        #expect(warnings.count == (end > first && kept == 1 ? 1 : 0))
        try recording.keep(
          .success(ChatReply(content: "TWO Ü", usage: Usage(promptTokens: 2, completionTokens: 1))),
          to: Self.request("two ü"), model: "echo")
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == whole)
      }
    }
  }

  @Test(arguments: [
    "not json\n{}\n", "{\"prompt\": \"x\"}\n", "{\"key\": \"k\", \"model\": \"m\"}\n", "{}\n",
  ])
  func anotherFileIsRefusedAndKept(_ text: String) async throws {
    try await withScratchFolder { folder in
      let path = folder + "/pairs.jsonl"
      try text.write(toFile: path, atomically: true, encoding: .utf8)
      #expect(throws: DataError.self) { try Recording(recording: path) }
      #expect(try String(contentsOfFile: path, encoding: .utf8) == text)
    }
  }

  @Test func twoWritersAreRefused() async throws {
    try await withScratchFolder { folder in
      let first = try Recording(recording: folder + "/a")
      #expect(throws: DataError.self) { try Recording(recording: folder + "/a") }
      #expect(first.count == 0)
    }
  }

  @Test func aMissingFileIsNamed() {
    #expect(throws: DataError.self) { try Recording(replaying: "nowhere/answers.jsonl") }
    #expect(throws: DataError.self) { try Recording(recording: "nowhere/answers.jsonl") }
  }

  @Test func repliesOfAnyBytesAreReadOrRefused() {
    let good = Array(
      "{\"choices\": [{\"message\": {\"content\": \"hé\"}}], \"usage\": {\"prompt_tokens\": 99999999999999999999}}"
        .utf8)
    for end in 0..<good.count {
      #expect(throws: ReplyProblem.self) { try ChatReply(parsing: Array(good[..<end])) }
    }
    for place in good.indices {
      for bit in 0..<8 {
        var bytes = good
        bytes[place] ^= 1 << UInt8(bit)
        if let reply = try? ChatReply(parsing: bytes) { #expect(!reply.content.isEmpty) }
      }
    }
  }
}
