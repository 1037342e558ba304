import Foundation

#if canImport(FoundationNetworking)
  import FoundationNetworking
#endif

/// What came back from a POST.
struct HTTPReply: Sendable {
  var status: Int
  var retryAfter: String?
  var body: [UInt8]
}

/// Why nothing came back.
enum HTTPFailure: Error, Sendable, Equatable {
  case timeout
  /// More bytes than allowed.
  case tooLong
  case cancelled
  /// Refused, dropped or cut: may work the next time.
  case connection(String)
  /// A wrong address or certificate: will not.
  case permanent(String)
}

/// POSTs with a bounded body and a deadline. No cookies, no cache, no redirects (they would carry the key to
/// another host).
final class HTTPSession: Sendable {
  private let exchanges = ExchangeTable()
  private let session: URLSession

  init(connections: Int) {
    let configuration = URLSessionConfiguration.ephemeral
    configuration.httpMaximumConnectionsPerHost = connections
    configuration.httpShouldSetCookies = false
    configuration.httpCookieAcceptPolicy = .never
    configuration.urlCache = nil
    configuration.requestCachePolicy = .reloadIgnoringLocalCacheData
    // Deadlines are ours: Foundation's counts whole seconds.
    configuration.timeoutIntervalForRequest = 86_400
    session = URLSession(configuration: configuration, delegate: exchanges, delegateQueue: nil)
  }

  deinit { session.invalidateAndCancel() }

  func post(
    _ body: [UInt8], to url: URL, key: APIKey?, timeout: Duration, limit: Int
  ) async throws(HTTPFailure) -> HTTPReply {
    var request = URLRequest(url: url)
    request.httpMethod = "POST"
    request.httpBody = Data(body)
    request.setValue("application/json", forHTTPHeaderField: "Content-Type")
    request.setValue("application/json", forHTTPHeaderField: "Accept")
    if let key { request.setValue("Bearer \(key.secret)", forHTTPHeaderField: "Authorization") }
    let task = session.dataTask(with: request)
    let exchanges = exchanges
    let outcome = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        exchanges.open(task, limit: limit, timeout: timeout, continuation)
        if Task.isCancelled { exchanges.close(task, .failure(.cancelled)) }
      }
    } onCancel: {
      exchanges.close(task, .failure(.cancelled))
    }
    return try outcome.get()
  }
}
