import Foundation
import PenchantData
import Synchronization

/// Asks an endpoint: at most `concurrency` requests at a time, again after what passes (429, 5xx, a timeout,
/// a connection that was refused or lost), not after what stays (400, 401, 403, 404).
///
/// ```swift
/// let client = try ChatClient(ChatEndpoint(url: "http://127.0.0.1:8080", model: "small"))
/// let reply = try await client.ask(ChatRequest(system: "Answer briefly.", user: "Is tea warm?"))
/// ```
/// The key is sent in the Authorization header and stands nowhere else.
public final class ChatClient: LanguageModel {
  public let endpoint: ChatEndpoint
  private let session: HTTPSession
  private let limit: RequestLimit
  private let sum = Mutex(Usage())

  public init(_ endpoint: ChatEndpoint) throws(LanguageError) {
    try endpoint.validate()
    self.endpoint = endpoint
    session = HTTPSession(connections: endpoint.concurrency)
    limit = RequestLimit(endpoint.concurrency)
  }

  public var name: String { endpoint.model }
  /// What all calls cost so far.
  public var usage: Usage { sum.withLock { $0 } }

  public func ask(_ request: ChatRequest) async throws(LanguageError) -> ChatReply {
    await limit.enter()
    do throws(LanguageError) {
      let reply = try await send(request)
      await limit.leave()
      return reply
    } catch {
      await limit.leave()
      throw error
    }
  }

  private func send(_ request: ChatRequest) async throws(LanguageError) -> ChatReply {
    let bytes = Array(request.body(model: endpoint.model).description.utf8)
    let jitter = XXHash64.hash(bytes)
    var last = ""
    for attempt in 1...endpoint.attempts {
      guard !Task.isCancelled else { throw .cancelled }
      record(Usage(requests: 1, retries: attempt > 1 ? 1 : 0))
      let asked: Duration?
      switch await exchange(bytes) {
      case .answer(let body): return try read(body)
      case .final(let error): throw error
      case .again(let reason, let wait): (last, asked) = (reason, wait)
      }
      guard attempt < endpoint.attempts else { break }
      let wait = endpoint.backoff.wait(after: attempt, seed: jitter, asked: asked)
      do { try await Task.sleep(for: wait) } catch { throw .cancelled }
    }
    throw .unanswered(url: endpoint.address, tries: endpoint.attempts, last: last)
  }

  private enum Outcome {
    case answer([UInt8])
    case again(String, Duration?)
    case final(LanguageError)
  }

  private func exchange(_ bytes: [UInt8]) async -> Outcome {
    let reply: HTTPReply
    do throws(HTTPFailure) {
      reply = try await session.post(
        bytes, to: endpoint.url, key: endpoint.key, timeout: endpoint.timeout,
        limit: endpoint.maximumReplyBytes)
    } catch {
      switch error {
      case .timeout: return .again("no answer within \(endpoint.timeout.text)", nil)
      case .connection(let reason): return .again(reason, nil)
      case .cancelled: return .final(.cancelled)
      case .permanent(let reason):
        return .final(.configuration("\(endpoint.address): \(reason)\n  check --llm"))
      case .tooLong:
        return .final(.reply(ReplyProblem(.tooLong, "more than \(endpoint.maximumReplyBytes) bytes")))
      }
    }
    switch reply.status {
    case 200...299: return .answer(reply.body)
    case 408, 429, 500...599: return .again("status \(reply.status)", RetryAfter.wait(reply.retryAfter))
    default:
      let said = String(decoding: reply.body, as: UTF8.self)
      return .final(
        .rejected(
          url: endpoint.address, status: reply.status,
          body: excerpt(redacted(said))))
    }
  }

  private func read(_ body: [UInt8]) throws(LanguageError) -> ChatReply {
    do throws(ReplyProblem) {
      var reply = try ChatReply(parsing: body)
      record(reply.usage)
      // A server that repeats what it was sent must not bring the key into a file.
      reply.content = redacted(reply.content)
      return reply
    } catch {
      throw .reply(ReplyProblem(error.kind, redacted(error.detail)))
    }
  }

  private func redacted(_ text: String) -> String { endpoint.key?.redacted(text) ?? text }

  private func record(_ usage: Usage) {
    sum.withLock { $0 += usage }
    UsageMeter.current?.add(usage)
  }
}

extension Duration {
  /// "0.05 s".
  fileprivate var text: String {
    let (seconds, fraction) = components
    return String(format: "%.3g s", Double(seconds) + Double(fraction) * 1e-18)
  }
}
