import Foundation
import LanguageSupport
import PenchantData
import Testing

@testable import PenchantLanguage

@Suite struct ChatClientTests {
  static let request = ChatRequest(system: "Answer.", user: "Is tea warm?", seed: 7)

  /// Short waits; a `timeout` that only a server that hangs exceeds.
  static func endpoint(_ server: StubServer, key: String? = nil, timeout: Duration = .seconds(5)) throws
    -> ChatEndpoint
  {
    var endpoint = try ChatEndpoint(url: server.url, model: "small", key: key.map { try APIKey($0) })
    endpoint.timeout = timeout
    endpoint.attempts = 3
    endpoint.maximumReplyBytes = 1 << 16
    endpoint.backoff.first = .milliseconds(4)
    endpoint.backoff.longestAsked = .milliseconds(120)
    return endpoint
  }

  static func withServer<Result>(
    _ respond: @escaping @Sendable (StubServer.Request) -> StubServer.Behaviour,
    _ body: (StubServer) async throws -> Result
  ) async throws -> Result {
    let server = try StubServer(respond)
    defer { server.stop() }
    return try await body(server)
  }

  /// The error of asking a server that behaves so, and how many requests it took.
  static func failure(
    _ behaviours: [StubServer.Behaviour], timeout: Duration = .seconds(5), key: String? = nil
  ) async throws -> (LanguageError?, Int) {
    try await withServer({ behaviours[min($0.turn, behaviours.count - 1)] }) { server in
      let client = try ChatClient(endpoint(server, key: key, timeout: timeout))
      do throws(LanguageError) {
        _ = try await client.ask(request)
        return (nil, server.requests.count)
      } catch { return (error, server.requests.count) }
    }
  }

  @Test func answersFromTheTableWithUsage() async throws {
    let server = try StubServer(table: [Self.request.key(model: "small"): [.answer("yes")]])
    defer { server.stop() }
    let client = try ChatClient(Self.endpoint(server, key: "sk-secret"))
    let reply = try await client.ask(Self.request)
    #expect(reply.content == "yes")
    #expect(client.usage == Usage(promptTokens: 7, completionTokens: 3, requests: 1))
    let seen = try #require(server.requests.first)
    #expect(seen.path == "/v1/chat/completions")
    #expect(seen.authorization == "Bearer sk-secret")
    let body = try #require(try JSONValue(parsing: seen.body).object)
    #expect(body.keys == ["model", "messages", "temperature", "max_tokens", "seed"])
    #expect(body["seed"]?.integer == 7)
  }

  @Test(arguments: [
    ("http://h", "http://h/v1/chat/completions"), ("http://h/", "http://h/v1/chat/completions"),
    ("http://h/v1", "http://h/v1/chat/completions"), ("http://h/v1/", "http://h/v1/chat/completions"),
    ("https://h:9/api/v1/chat/completions", "https://h:9/api/v1/chat/completions"),
    ("https://h/deploy?version=2", "https://h/deploy/chat/completions?version=2"),
  ])
  func addressIsCompleted(_ given: String, _ full: String) throws {
    #expect(try ChatEndpoint(url: given, model: "m").url.absoluteString == full)
  }

  @Test(arguments: ["", "h/v1", "ftp://h", "http://", "http://me:pw@h/v1", "http://h/v1#x"])
  func whatIsNoAddressIsRefused(_ given: String) {
    #expect(throws: LanguageError.self) { try ChatEndpoint(url: given, model: "m") }
  }

  @Test(arguments: [429, 500, 502, 503, 408])
  func passingTroubleIsAskedAgain(_ status: Int) async throws {
    let (error, count) = try await Self.failure([.status(status), .status(status), .answer("yes")])
    #expect(error == nil)
    #expect(count == 3)
  }

  @Test func lastingTroubleEndsAfterAllTries() async throws {
    let (error, count) = try await Self.failure([.status(500)])
    guard case .unanswered(_, 3, "status 500") = error else {
      return #expect(Bool(false), "\(String(describing: error))")
    }
    #expect(count == 3)
  }

  @Test(arguments: [400, 401, 403, 404])
  func aClearNoIsNotAskedAgain(_ status: Int) async throws {
    let body = "key sk-secret: " + String(repeating: "x", count: 500)
    let (error, count) = try await Self.failure([.status(status, body: body)], key: "sk-secret")
    #expect(count == 1)
    let text = try #require(error).description
    #expect(text.contains("status \(status)") && text.contains("/v1/chat/completions"))
    #expect(!text.contains("sk-secret") && text.contains("[key]"))
    #expect(text.count < 500, "only the start of the body is shown")
  }

  @Test func redirectIsNotFollowedWithTheKey() async throws {
    let (error, count) = try await Self.failure(
      [.status(307, headers: ["Location": "http://127.0.0.1:1/v1/chat/completions"])], key: "sk-secret")
    guard case .rejected(_, 307, _) = error else {
      return #expect(Bool(false), "\(String(describing: error))")
    }
    #expect(count == 1)
  }

  @Test func retryAfterIsHonoured() async throws {
    let clock = ContinuousClock()
    let started = clock.now
    let (error, count) = try await Self.failure([
      .status(429, headers: ["Retry-After": "0.1"]), .answer("yes"),
    ])
    #expect(error == nil && count == 2)
    #expect(clock.now - started >= .milliseconds(100))
  }

  @Test func aServerThatHangsTimesOut() async throws {
    let (error, count) = try await Self.failure([.hang], timeout: .milliseconds(40))
    guard case .unanswered(_, 3, let last) = error else {
      return #expect(Bool(false), "\(String(describing: error))")
    }
    #expect(last == "no answer within 0.04 s")
    #expect(count == 3)
  }

  @Test func hangingOnceIsMended() async throws {
    let (error, count) = try await Self.failure([.hang, .answer("yes")], timeout: .milliseconds(200))
    #expect(error == nil && count == 2)
  }

  @Test(arguments: [StubServer.Behaviour.cut, .close])
  func aBrokenConnectionIsAskedAgain(_ behaviour: StubServer.Behaviour) async throws {
    let (error, count) = try await Self.failure([behaviour, .answer("yes")])
    #expect(error == nil, "\(String(describing: error))")
    #expect(count == 2)
  }

  @Test func aRefusedConnectionIsNamed() async throws {
    let server = try StubServer { _ in .close }
    server.stop()
    let client = try ChatClient(Self.endpoint(server))
    do throws(LanguageError) {
      _ = try await client.ask(Self.request)
      #expect(Bool(false))
    } catch {
      guard case .unanswered(_, 3, _) = error else { return #expect(Bool(false), "\(error)") }
    }
    #expect(client.usage.retries == 2)
  }

  @Test(arguments: [
    (StubServer.Behaviour.body("{\"choices\": ["), ReplyProblem.Kind.malformed),
    (.body("<html>"), .malformed),
    (.body("[]"), .malformed), (.body("{}"), .missing),
    (.body("{\"error\": {\"message\": \"no\"}}"), .missing),
    (.body("{\"choices\": []}"), .empty), (.body("{\"choices\": [{}]}"), .missing),
    (.body("{\"choices\": [{\"message\": {\"content\": null}}]}"), .empty),
    (.body("{\"choices\": [{\"message\": {\"content\": 5}}]}"), .missing),
    (.body("{\"choices\": [{\"message\": {\"content\": \" \"}}]}"), .empty),
    (
      .body("{\"choices\": [{\"finish_reason\": \"content_filter\", \"message\": {\"content\": \"x\"}}]}"),
      .refused
    ),
    (.refusal("I will not."), .refused), (.giant(1 << 22), .tooLong),
  ])
  func aBadReplyIsAnErrorOfItsOwn(_ behaviour: StubServer.Behaviour, _ kind: ReplyProblem.Kind) async throws {
    let (error, count) = try await Self.failure([behaviour])
    guard case .reply(let problem) = error else {
      return #expect(Bool(false), "\(String(describing: error))")
    }
    #expect(problem.kind == kind)
    #expect(count == 1)
  }

  @Test func noMoreRequestsThanAllowedAtATime() async throws {
    try await Self.withServer({ _ in
      usleep(10_000)
      return .answer("yes")
    }) { server in
      var endpoint = try Self.endpoint(server)
      endpoint.concurrency = 3
      let client = try ChatClient(endpoint)
      try await withThrowingTaskGroup(of: Void.self) { group in
        for seed in 0..<12 {
          group.addTask { _ = try await client.ask(ChatRequest(system: "", user: "x", seed: UInt64(seed))) }
        }
        try await group.waitForAll()
      }
      #expect(server.busiest <= 3)
      #expect(client.usage == Usage(promptTokens: 84, completionTokens: 36, requests: 12))
    }
  }

  @Test func aCancelledRequestEnds() async throws {
    try await Self.withServer({ _ in .hang }) { server in
      let client = try ChatClient(Self.endpoint(server, timeout: .seconds(60)))
      let task = Task { try await client.ask(Self.request) }
      while server.requests.isEmpty { try await Task.sleep(for: .milliseconds(1)) }
      task.cancel()
      await #expect(throws: LanguageError.cancelled) { try await task.value }
    }
  }

  @Test func theKeyIsNeverShown() async throws {
    let key = try APIKey(" sk-secret\n")
    #expect(key.secret == "sk-secret")
    let endpoint = try ChatEndpoint(url: "http://h?token=sk-secret", model: "m", key: key)
    var text = "\(key) \(String(reflecting: key)) \(endpoint.address) \(String(reflecting: endpoint.key))"
    dump(key, to: &text)
    #expect(!text.contains("sk-secret"), "\(text)")
    do throws(LanguageError) { _ = try APIKey("sk-secret\r\nX: y") } catch {
      #expect(!error.description.contains("sk-secret"))
    }
    // Nor when the model repeats it.
    try await Self.withServer({ .answer($0.authorization ?? "") }) { server in
      let reply = try await ChatClient(Self.endpoint(server, key: "sk-secret")).ask(Self.request)
      #expect(reply.content == "Bearer [key]")
    }
  }

  @Test func theKeyComesFromTheEnvironment() throws {
    #expect(try APIKey.fromEnvironment([:]) == nil)
    #expect(try APIKey.fromEnvironment(["OPENAI_API_KEY": "b"])?.secret == "b")
    #expect(try APIKey.fromEnvironment(["OPENAI_API_KEY": "b", "PENCHANT_API_KEY": "a"])?.secret == "a")
  }

  @Test func waitsGrowAndAreTheSameForTheSameSeed() {
    let backoff = Backoff()
    for failure in 1...80 {
      let wait = backoff.wait(after: failure, seed: 3)
      #expect(wait == backoff.wait(after: failure, seed: 3))
      let whole = min(Duration.seconds(30), .milliseconds(500) * (1 << min(failure - 1, 20)))
      #expect(wait >= whole * 0.5 && wait <= whole)
    }
    #expect(backoff.wait(after: 1, seed: 3) != backoff.wait(after: 1, seed: 4))
    #expect(backoff.wait(after: 1, seed: 3, asked: .seconds(20)) == .seconds(20))
    #expect(backoff.wait(after: 1, seed: 3, asked: .seconds(1 << 40)) == .seconds(600))
  }

  @Test(
    arguments: [
      ("3", Duration.seconds(3)), ("0", .zero), ("Wed, 21 Oct 2015 07:28:05 GMT", .seconds(5)),
      ("Wed, 21 Oct 2015 07:00:00 GMT", .zero), ("-1", nil), ("soon", nil), ("nan", nil), ("", nil),
    ] as [(String, Duration?)])
  func retryAfterIsSecondsOrADate(_ text: String, _ wait: Duration?) {
    let now = Date(timeIntervalSince1970: 1_445_412_480)  // Wed, 21 Oct 2015 07:28:00 GMT
    #expect(RetryAfter.wait(text, now: now) == wait)
  }
}
