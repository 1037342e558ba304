import Foundation
import Synchronization

#if canImport(FoundationNetworking)
  import FoundationNetworking
#endif

/// The requests under way. Whoever takes an exchange out of the table, an answer, a deadline, a limit or a
/// cancellation, ends it, once.
final class ExchangeTable: NSObject, URLSessionDataDelegate, Sendable {
  typealias Outcome = Result<HTTPReply, HTTPFailure>

  private struct Exchange {
    var body: [UInt8] = []
    let limit: Int
    let deadline: Task<Void, Never>
    let continuation: CheckedContinuation<Outcome, Never>
  }
  private let exchanges = Mutex<[Int: Exchange]>([:])

  func open(
    _ task: URLSessionDataTask, limit: Int, timeout: Duration,
    _ continuation: CheckedContinuation<Outcome, Never>
  ) {
    // Inside the lock: a deadline that passes at once waits for its exchange to be there.
    exchanges.withLock { table in
      let deadline = Task.detached { [weak self] in
        do { try await Task.sleep(for: timeout) } catch { return }
        self?.close(task, .failure(.timeout))
      }
      table[task.taskIdentifier] = Exchange(limit: limit, deadline: deadline, continuation: continuation)
    }
    task.resume()
  }

  /// Ends an exchange if it is still open.
  func close(_ task: URLSessionTask, _ outcome: Outcome) {
    guard let exchange = exchanges.withLock({ $0.removeValue(forKey: task.taskIdentifier) }) else { return }
    exchange.deadline.cancel()
    if case .failure = outcome { task.cancel() }
    exchange.continuation.resume(returning: outcome)
  }

  func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
    let fits = exchanges.withLock { table in
      guard let exchange = table[dataTask.taskIdentifier] else { return true }
      guard exchange.body.count + data.count <= exchange.limit else { return false }
      table[dataTask.taskIdentifier]?.body.append(contentsOf: data)
      return true
    }
    if !fits { close(dataTask, .failure(.tooLong)) }
  }

  func urlSession(
    _ session: URLSession, task: URLSessionTask, willPerformHTTPRedirection response: HTTPURLResponse,
    newRequest request: URLRequest, completionHandler: @escaping @Sendable (URLRequest?) -> Void
  ) {
    completionHandler(nil)
  }

  func urlSession(_ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?) {
    if let error { return close(task, .failure(ExchangeTable.failure(error))) }
    guard let response = task.response as? HTTPURLResponse else {
      return close(task, .failure(.connection("the connection was closed before an answer")))
    }
    let body = exchanges.withLock { $0[task.taskIdentifier]?.body ?? [] }
    close(
      task,
      .success(
        HTTPReply(
          status: response.statusCode, retryAfter: response.value(forHTTPHeaderField: "Retry-After"),
          body: body)))
  }

  private static func failure(_ error: any Error) -> HTTPFailure {
    guard let error = error as? URLError else { return .connection("\(error.localizedDescription)") }
    switch error.code {
    case .timedOut: return .timeout
    case .cancelled: return .cancelled
    case .cannotConnectToHost: return .connection("the connection was refused")
    case .cannotFindHost, .dnsLookupFailed: return .connection("the name of the host is not known")
    case .networkConnectionLost: return .connection("the connection was lost")
    case .badURL, .unsupportedURL: return .permanent("this is not an address that can be asked")
    case .serverCertificateUntrusted, .serverCertificateHasBadDate, .serverCertificateHasUnknownRoot,
      .serverCertificateNotYetValid, .clientCertificateRejected, .clientCertificateRequired,
      .secureConnectionFailed:
      return .permanent("the certificate or the secure connection was not accepted")
    default: return .connection("the connection failed (code \(error.code.rawValue))")
    }
  }
}
