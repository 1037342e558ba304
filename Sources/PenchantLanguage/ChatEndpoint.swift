import Foundation

/// Where a chat model answers, and how patiently it is asked: any server that speaks OpenAI's chat
/// completions.
///
/// ```swift
/// let endpoint = try ChatEndpoint(url: "http://127.0.0.1:8080", model: "small", key: .fromEnvironment())
/// ```
public struct ChatEndpoint: Sendable {
  /// The full address of the chat completions.
  public let url: URL
  public var model: String
  public var key: APIKey?
  /// For one try, from the request to the last byte of the answer.
  public var timeout: Duration = .seconds(120)
  /// Tries for one answer, the first counted.
  public var attempts = 5
  /// Requests at a time.
  public var concurrency = 4
  /// A longer reply is refused while it arrives.
  public var maximumReplyBytes = 1 << 20
  public var backoff = Backoff()

  /// - Parameter url: with or without `/v1`, with or without `/chat/completions`: `https://host`,
  ///   `https://host/v1` and `https://host/v1/chat/completions` mean the same; another path gets
  ///   `/chat/completions` behind it.
  /// - Throws: `LanguageError.configuration` for what is no http address, or a model without a name.
  public init(url text: String, model: String, key: APIKey? = nil) throws(LanguageError) {
    guard !model.isEmpty else {
      throw .configuration("--model NAME is needed: the name of the model at \(text)")
    }
    guard var parts = URLComponents(string: text), let scheme = parts.scheme?.lowercased(),
      scheme == "http" || scheme == "https", let host = parts.host, !host.isEmpty, parts.fragment == nil
    else {
      throw .configuration(
        "\"\(excerpt(text, 80))\" is not the address of an endpoint\n  give --llm as http://127.0.0.1:8080 or https://host/v1"
      )
    }
    guard parts.user == nil, parts.password == nil else {
      throw .configuration(
        "the address of --llm holds a user or a password\n  leave them out; the key goes into PENCHANT_API_KEY"
      )
    }
    var path = parts.path
    while path.hasSuffix("/") { path.removeLast() }
    if !path.hasSuffix("/chat/completions") { path += (path.isEmpty ? "/v1" : "") + "/chat/completions" }
    parts.path = path
    guard let url = parts.url else { throw .configuration("\"\(excerpt(text, 80))\" is not an address") }
    self.url = url
    self.model = model
    self.key = key
  }

  /// The address for messages: without its query, where some servers want a key.
  public var address: String {
    var parts = URLComponents(url: url, resolvingAgainstBaseURL: false)
    parts?.query = nil
    return parts?.string ?? ""
  }

  /// Whether the key would travel readable to another machine.
  public var exposesKey: Bool {
    key != nil && url.scheme?.lowercased() == "http"
      && !["127.0.0.1", "localhost", "::1", "[::1]"].contains(url.host ?? "")
  }

  /// - Throws: `LanguageError.configuration` with the setting, its value and the range.
  public func validate() throws(LanguageError) {
    guard timeout > .zero else { throw .configuration("--timeout must be above 0 seconds") }
    guard (1...100).contains(attempts) else {
      throw .configuration("attempts must be 1 to 100, found \(attempts)")
    }
    guard (1...1024).contains(concurrency) else {
      throw .configuration("--concurrency must be 1 to 1024, found \(concurrency)")
    }
    guard maximumReplyBytes > 0 else {
      throw .configuration("the largest reply must be above 0 bytes, found \(maximumReplyBytes)")
    }
  }
}
