import Foundation
import LanguageSupport
import PenchantData
import PenchantLanguage
import PenchantTrain
import Synchronization
import Testing

@testable import PreferenceModels

/// Synthesis by a chat endpoint, against a server on loopback that behaves and misbehaves.
@Suite struct SynthesisTests {
  static let attributes = [
    Attribute(
      name: "formality", family: .norm, low: "casual", high: "formal", definition: "How strictly it is put.",
      levels: ["slang", "loose", "plain", "careful", "strict"]),
    Attribute(
      name: "Tradition", family: .value, low: "opposes custom", high: "keeps custom",
      definition: "Respect for what was handed down.", levels: ["a", "b", "c", "d", "e"]),
  ]
  static let texts = (0..<3).map {
    SourceText(
      id: "t\($0)", community: "tea", context: "Which tea?\nI like green \($0).",
      text: "green tea \($0) of course")
  }

  /// The rewrite that the stub gives for a prompt: a function of the prompt alone.
  static func rewrite(_ question: String) -> String { "rewrite \(XXHash64.hex(Array(question.utf8)))" }
  static func answer(_ request: StubServer.Request) -> StubServer.Behaviour {
    .answer("{\"rewrite\": \"\(rewrite(request.question))\"}")
  }

  static func model(_ server: StubServer, timeout: Duration = .seconds(10)) throws -> ChatClient {
    var endpoint = try ChatEndpoint(url: server.url, model: "stub")
    endpoint.timeout = timeout
    endpoint.attempts = 3
    endpoint.backoff.first = .milliseconds(2)
    endpoint.backoff.longestAsked = .milliseconds(20)
    return try ChatClient(endpoint)
  }

  static func job(_ model: any LanguageModel) -> SynthesisJob {
    var job = SynthesisJob(
      EndpointRewriter(model) { rewrite, original, _, level in
        rewrite == original && level != 3 ? RewriteFailure("unchanged", "it is the original") : nil
      }, attributes: attributes)
    job.callsPerRewrite = 3
    job.seed = 5
    return job
  }

  static func bytes(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

  /// The file that a server gives that answers at once.
  static func wholeFile() async throws -> String {
    let server = try StubServer(answer)
    defer { server.stop() }
    return try await withScratchFolder { folder in
      let path = folder + "/out.jsonl"
      _ = try await job(model(server)).run(texts, to: path)
      return try bytes(path)
    }
  }

  @Test func aFullSynthesisIsInTheFormOfTheRelease() async throws {
    let server = try StubServer(Self.answer)
    defer { server.stop() }
    try await withScratchFolder { folder in
      let path = folder + "/out.jsonl"
      let summary = try await Self.job(Self.model(server)).run(Self.texts, to: path)
      #expect(summary.wanted == 30 && summary.written == 30 && summary.left == 0 && !summary.interrupted)
      #expect(summary.usage.requests == 30 && summary.usage.totalTokens == 300)
      #expect(server.requests.count == 30 && Set(server.requests.map(\.key)).count == 30)
      let lines = try Self.bytes(path).split(separator: "\n")
      #expect(lines.count == 3)
      let first = try #require(try JSONValue(parsing: String(lines[0])).object)
      #expect(first["id"] == "t0" && first["community"] == "tea" && first["teacher"] == "stub")
      #expect(first["post_title"] == "Which tea?" && first["post_body"] == "I like green 0.")
      #expect(first["original"] == "green tea 0 of course")
      #expect(first["usage"]?.object?["total_tokens"] == 100)
      let levels = try #require(first["rewrite"]?.object?["Tradition"]?.object)
      #expect(levels.keys == ["1", "2", "3", "4", "5"])
      #expect(levels["4"]?.string?.hasPrefix("rewrite ") == true)
    }
  }

  @Test func promptsTeachTheLevelAndKeepThePost() {
    let request = Prompts.rewrite("tea!", context: "Which?", attribute: Self.attributes[0], level: 4, seed: 1)
    let (system, user) = (request.messages[0].content, request.messages[1].content)
    #expect(user.contains("somewhat formal") && user.contains("4. careful") && user.contains("Which?"))
    #expect(user.hasSuffix("tea!"))
    #expect(system.contains("{\"rewrite\"") && !system.contains("hedge"))
    var assertive = Self.attributes[0]
    for name in ["assertiveness", "directness"] {
      assertive.name = name
      let request = Prompts.rewrite("tea!", context: "", attribute: assertive, level: 2, seed: 1)
      #expect(request.messages[0].content.contains("Vary how you hedge"))
    }
    let value = Prompts.rewrite("tea!", context: "", attribute: Self.attributes[1], level: 1, seed: 1)
    #expect(value.messages[1].content.contains("someone who strongly opposes Tradition"))
  }

  @Test(
    arguments: [
      ("{\"rewrite\": \"hi\"}", "hi"), ("```json\n{\"rewrite\": \"hi\"}\n```", "hi"),
      ("Sure: {\"rewrite\": \"hi\"} ok", "hi"),
      ("hi there", "hi there"), ("POST: x COMMENT: y COMMENT:  hi ", "hi"),
      ("{\"rewrite\": \"COMMENT: hi\"}", "hi"),
      ("```\nhi\n```", "hi"), ("a {smile} b", "a {smile} b"), ("{\"rewrite\": 5}", nil),
      ("{\"rewrite\": \"hi", nil),
      ("{\"other\": \"hi\"}", nil), ("COMMENT:", nil), (" \n", nil), ("{\"rewrite\": \"\"}", nil),
    ] as [(String, String?)])
  func rewritesAreRead(_ content: String, _ rewrite: String?) {
    #expect(RewriteReply.rewrite(content) == rewrite)
  }

  @Test(
    arguments: [
      ("{\"reason\": \"x\", \"winner\": \"B\"}", 1), ("{\"winner\": \" a \"}", 0), ("Because. [[A]]", 0),
      ("[[B]]", 1),
      ("[[A]] or [[B]]", nil), ("A", nil), ("{\"winner\": \"C\"}", nil), ("{\"winner\": 1}", nil), ("", nil),
    ] as [(String, Int?)])
  func verdictsAreRead(_ content: String, _ winner: Int?) { #expect(RewriteReply.winner(content) == winner) }

  /// Stopped at several places and under several concurrencies: nothing is lost, nothing asked twice, the
  /// same bytes.
  @Test(arguments: [1, 4]) func aResumedSynthesisAsksOnlyWhatIsMissing(_ concurrency: Int) async throws {
    let expected = try await Self.wholeFile()
    let server = try StubServer(Self.answer)
    defer { server.stop() }
    try await withScratchFolder { folder in
      let path = folder + "/out.jsonl"
      var written = 0
      var runs = 0
      while runs < 20 {
        var job = Self.job(try Self.model(server))
        job.concurrency = concurrency
        let goal = server.requests.count + 7
        let summary = try await job.run(Self.texts, to: path, isStopped: { server.requests.count >= goal })
        #expect(summary.resumed == written)
        written += summary.written
        runs += 1
        // What is on file is what was answered.
        let kept = try Self.bytes(path).split(separator: "\n").reduce(0) { count, line in
          try count
            + (JSONValue(parsing: String(line)).object?["rewrite"]?.object?.values ?? []).reduce(0) {
              $0 + ($1.object?.count ?? 0)
            }
        }
        #expect(kept == written && server.requests.count == written)
        if !summary.interrupted { break }
      }
      #expect(runs > 2 && written == 30)
      #expect(Set(server.requests.map(\.key)).count == 30, "a request was asked twice")
      #expect(try Self.bytes(path) == expected)
    }
  }

  /// The file as a killed process leaves it: a line a rewrite, the last one torn.
  @Test func aKilledSynthesisContinues() async throws {
    let expected = try await Self.wholeFile()
    let server = try StubServer(Self.answer)
    defer { server.stop() }
    try await withScratchFolder { folder in
      let path = folder + "/out.jsonl"
      let store = try SynthesisStore(path, teacher: "stub", durable: false) { _ in }
      let whole = try JSONValue(parsing: String(expected.split(separator: "\n")[0])).object
      for level in 1...4 {
        let rewrite = whole?["rewrite"]?.object?["formality"]?.object?[String(level)]?.string ?? ""
        try store.keep(
          .success(rewrite), of: Self.texts[0], "formality", level,
          usage: Usage(promptTokens: 7, completionTokens: 3))
      }
      let torn = try Data(contentsOf: URL(fileURLWithPath: path)).dropLast(25)
      let copy = folder + "/killed.jsonl"
      try torn.write(to: URL(fileURLWithPath: copy))
      let summary = try await Self.job(Self.model(server)).run(Self.texts, to: copy)
      #expect(summary.resumed == 3 && summary.written == 27 && server.requests.count == 27)
      #expect(try Self.bytes(copy) == expected)
    }
  }

  @Test func malformedAndRefusedAnswersAreTriedThreeTimesRecordedAndNotAskedAgain() async throws {
    let isMended = Atomic<Bool>(false)
    let server = try StubServer { request in
      if isMended.load(ordering: .relaxed) { return Self.answer(request) }
      if request.question.contains("green tea 0") { return .body("{\"choices\": [") }
      if request.question.contains("green tea 1") { return .refusal("I would rather not.") }
      // The original word for word, which the gate refuses but at level 3.
      return .answer("green tea 2 of course")
    }
    defer { server.stop() }
    try await withScratchFolder { folder in
      let path = folder + "/out.jsonl"
      let first = try await Self.job(Self.model(server)).run(Self.texts, to: path)
      #expect(first.refused == ["malformed": 10, "refused": 10, "unchanged": 8])
      #expect(first.written == 2 && first.left == 0)
      let tries = 3 * 28 + 2
      #expect(server.requests.count == tries)
      #expect(
        Set(server.requests.map(\.key)).count == server.requests.count, "every try is a draw of its own")
      #expect(try Self.bytes(path).contains("I would rather not."))
      #expect(try Self.bytes(path).split(separator: "\n").count == 3)

      let second = try await Self.job(Self.model(server)).run(Self.texts, to: path)
      #expect(second.refused == first.refused)
      #expect(second.resumed == 2)
      #expect(second.usage.requests == 0)

      isMended.store(true, ordering: .relaxed)
      var job = Self.job(try Self.model(server))
      job.retryRefused = true
      let third = try await job.run(Self.texts, to: path)
      #expect(third.written == 28 && third.refused.isEmpty)
      #expect(try !Self.bytes(path).contains("\"refused\""))
    }
  }

  @Test func passingTroubleLeavesNoTrace() async throws {
    let expected = try await Self.wholeFile()
    let server = try StubServer { request in
      guard request.turn == 0 else { return Self.answer(request) }
      switch XXHash64.hash(Array(request.key.utf8)) % 5 {
      case 0: return .status(429, headers: ["Retry-After": "0.01"])
      case 1: return .status(500)
      case 2: return .cut
      case 3: return .hang
      default: return Self.answer(request)
      }
    }
    defer { server.stop() }
    try await withScratchFolder { folder in
      let path = folder + "/out.jsonl"
      let model = try Self.model(server, timeout: .milliseconds(300))
      let summary = try await Self.job(model).run(Self.texts, to: path)
      #expect(summary.written == 30 && summary.unanswered == 0)
      #expect(summary.usage.retries > 5 && summary.usage.requests == 30 + summary.usage.retries)
      #expect(try Self.bytes(path) == expected)
    }
  }

  @Test func aServerThatHangsEndsTheJobAndLosesNothing() async throws {
    let expected = try await Self.wholeFile()
    let isMended = Atomic<Bool>(false)
    let server = try StubServer { request in
      isMended.load(ordering: .relaxed) || request.question.contains("green tea 0")
        ? Self.answer(request) : .hang
    }
    defer { server.stop() }
    try await withScratchFolder { folder in
      let path = folder + "/out.jsonl"
      await #expect(throws: LanguageError.self) {
        try await Self.job(Self.model(server, timeout: .milliseconds(250))).run(Self.texts, to: path)
      }
      isMended.store(true, ordering: .relaxed)
      let summary = try await Self.job(Self.model(server)).run(Self.texts, to: path)
      #expect(summary.resumed == 10 && summary.written == 20)
      #expect(try Self.bytes(path) == expected)
    }
  }

  @Test func aWrongKeyEndsTheJobAtOnce() async throws {
    let server = try StubServer { _ in .status(401, body: "no") }
    defer { server.stop() }
    try await withScratchFolder { folder in
      await #expect(throws: LanguageError.self) {
        try await Self.job(Self.model(server)).run(Self.texts, to: folder + "/out.jsonl")
      }
      #expect(server.requests.count <= 4)
      let written = try Self.bytes(folder + "/out.jsonl")
      #expect(written.isEmpty)
    }
  }

  /// Recorded with refusals and malformed answers on the way; repeated without a network, the same file.
  @Test func offlineReplayGivesTheSameFile() async throws {
    let server = try StubServer { request in
      switch XXHash64.hash(Array(request.key.utf8)) % 4 {
      case 0: .body("oops")
      case 1: .refusal("no")
      default: Self.answer(request)
      }
    }
    try await withScratchFolder { folder in
      let (tape, online) = (folder + "/tape.jsonl", folder + "/online.jsonl")
      let recorded = RecordedModel(try Self.model(server), recording: try Recording(recording: tape))
      _ = try await Self.job(recorded).run(Self.texts, to: online)
      let asked = server.requests.count
      // With the answers on file the endpoint is not asked, whatever became of the output.
      let again = RecordedModel(try Self.model(server), recording: try Recording(replaying: tape))
      _ = try await Self.job(again).run(Self.texts, to: folder + "/again.jsonl")
      #expect(server.requests.count == asked)
      server.stop()
      let replay = try RecordedModel(replaying: Recording(replaying: tape))
      let summary = try await Self.job(replay).run(Self.texts, to: folder + "/offline.jsonl")
      #expect(summary.usage.requests == 0)
      #expect(try Self.bytes(folder + "/offline.jsonl") == Self.bytes(online))
      #expect(try Self.bytes(folder + "/again.jsonl") == Self.bytes(online))

      var job = Self.job(replay)
      job.seed = 6
      do {
        _ = try await job.run(Self.texts, to: folder + "/other.jsonl")
        #expect(Bool(false))
      } catch { #expect("\(error)".contains("there is no answer to request")) }
    }
  }

  @Test func filesOfOthersAreNotWrittenTo() async throws {
    try await withScratchFolder { folder in
      let path = folder + "/out.jsonl"
      let model = Fixed { _ in "x" }
      for text in [
        "{\"prompt\": \"x\"}\n", "{\"id\": \"t0\", \"rewrite\": {}, \"teacher\": \"rules\"}\n",
        "{\"id\": \"t0\", \"original\": \"another\", \"rewrite\": {}}\n",
        "{\"id\": \"t0\", \"rewrite\": {\"a\": {\"9\": \"x\"}}}\n",
        "{\"id\": \"t0\", \"rewrite\": {\"a\": 1}}\n",
      ] {
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        await #expect(throws: DataError.self) { try await Self.job(model).run(Self.texts, to: path) }
        #expect(try Self.bytes(path) == text)
      }
    }
  }

  @Test func textsAndAttributesOfBeforeAreKept() async throws {
    try await withScratchFolder { folder in
      let path = folder + "/out.jsonl"
      let model = Fixed { "rewrite of \($0.seed)" }
      _ = try await Self.job(model).run([Self.texts[2]], to: path)
      var job = Self.job(model)
      job.attributes = [Self.attributes[1]]
      _ = try await job.run(Array(Self.texts.prefix(2)), to: path)
      let records = try Self.bytes(path).split(separator: "\n").map {
        try JSONValue(parsing: String($0)).object
      }
      #expect(records.map { $0?["id"] } == ["t0", "t1", "t2"])
      #expect(records[2]?["rewrite"]?.object?.keys == ["Tradition", "formality"])
      #expect(records[2]?["original"]?.string == Self.texts[2].text)
    }
  }

  // MARK: - Verifying and judging

  /// A model that is a function.
  struct Fixed: LanguageModel {
    let name = "fixed"
    let answer: @Sendable (ChatRequest) -> String?
    init(_ answer: @escaping @Sendable (ChatRequest) -> String?) { self.answer = answer }
    func ask(_ request: ChatRequest) async throws(LanguageError) -> ChatReply {
      guard let text = answer(request) else { throw .reply(ReplyProblem(.refused, "no")) }
      return ChatReply(content: text)
    }
  }

  /// Which of the two comments of a prompt holds `word`: "A" or "B".
  static func holder(_ word: String, _ request: ChatRequest) -> String {
    let text = request.messages[1].content
    let (a, b) = (text.range(of: "Comment A:"), text.range(of: "Comment B:"))
    guard let place = text.range(of: word), let a, let b, a.lowerBound < b.lowerBound else { return "?" }
    return place.lowerBound < b.lowerBound ? "A" : "B"
  }

  @Test func aVerifierThatKnowsIsRightEightTimes() async throws {
    let asked = Mutex<Set<String>>([])
    let verifier = EndpointVerifier(
      Fixed { request in
        asked.withLock { _ = $0.insert(request.messages[1].content) }
        let text = request.messages[1].content
        let forHigh = text.contains("more formal, A") || text.contains("less casual, A")
        return "{\"reason\": \"so\", \"winner\": \"\(Self.holder(forHigh ? "HIGH" : "LOW", request))\"}"
      })
    let pair = try await verifier.verify(
      lower: "LOW", higher: "HIGH", attribute: Self.attributes[0], context: "post")
    #expect(pair.score == 1 && pair.positionBias == 0 && pair.unanswered == 0)
    #expect(asked.withLock { $0.count } == 8)
  }

  @Test func aVerifierThatTakesTheFirstIsHalfRightAndBiased() async throws {
    let biased = try await EndpointVerifier(Fixed { _ in "[[A]]" }).verify(
      lower: "LOW", higher: "HIGH", attribute: Self.attributes[1], context: "")
    #expect(biased.score == 0.5)
    let silent = try await EndpointVerifier(Fixed { _ in nil }).verify(
      lower: "LOW", higher: "HIGH", attribute: Self.attributes[1], context: "")
    #expect(silent.score == 0 && silent.unanswered == 8)
  }

  @Test func aJudgeIsMeasuredInBothOrders() async throws {
    func summary(_ answer: @escaping @Sendable (ChatRequest) -> String?) async throws -> JudgeSummary {
      let judge = EndpointJudge(Fixed(answer))
      var summary = JudgeSummary(judge: judge.name)
      for seed in 0..<4 {
        summary.add(
          try await judge.judge(
            chosen: "GOOD", rejected: "bad", context: "post", community: "tea", seed: UInt64(seed)))
      }
      return summary
    }
    let knowing = try await summary { "Answer: \(Self.holder("GOOD", $0))\n" }
    #expect(knowing.fractionalAccuracy == 1 && knowing.majorityAccuracy == 1 && knowing.positionBias == 0)
    let first = try await summary { _ in "A" }
    #expect(first.fractionalAccuracy == 0.5 && first.majorityAccuracy == 0.5 && first.positionBias == 0.5)
    let wordy = try await summary { _ in "A is better." }
    #expect(wordy.unanswered == 16 && wordy.fractionalAccuracy == 0.5)
    let wrong = try await summary { Self.holder("bad", $0) }
    #expect(wrong.fractionalAccuracy == 0 && wrong.majorityAccuracy == 0)
  }

  @Test func aCommentIsWrittenWhereThereIsNone() async throws {
    let writer = CommentWriter(Fixed { " \($0.messages[1].content.contains("tea") ? "green" : "?")\n" })
    #expect(try await writer.comment(on: "Which tea?", community: "tea", seed: 1) == "green")
  }

  // MARK: - Texts

  @Test func textsOfPairsAreDistinctAndDrawnByCommunity() throws {
    let pairs = (0..<40).map {
      PreferencePair(
        prompt: "q\($0 % 3)", chosen: "text \($0 % 10)", rejected: "other \($0)", community: "c\($0 % 2)")
    }
    let all = try SourceText.texts(of: pairs)
    #expect(Set(all.map(\.id)).count == all.count)
    #expect(Set(all.map { [$0.community, $0.context, $0.text] }).count == all.count)
    let some = try SourceText.texts(of: pairs, perCommunity: 5, seed: 3)
    #expect(some.count == 10 && some.filter { $0.community == "c0" }.count == 5)
    #expect(try some == SourceText.texts(of: pairs, perCommunity: 5, seed: 3))
    #expect(try some != SourceText.texts(of: pairs, perCommunity: 5, seed: 4))
  }
}
