/// What language model calls cost. Totals stop at the largest number instead of wrapping.
public struct Usage: Sendable, Hashable, Codable {
  /// Tokens of the questions, as the endpoint counts them; 0 when it does not.
  public var promptTokens: Int
  /// Tokens of the answers.
  public var completionTokens: Int
  /// Requests sent, each retry counted; answers from a recording are none.
  public var requests: Int
  /// Requests that were sent again after a failure.
  public var retries: Int

  public init(promptTokens: Int = 0, completionTokens: Int = 0, requests: Int = 0, retries: Int = 0) {
    self.promptTokens = promptTokens
    self.completionTokens = completionTokens
    self.requests = requests
    self.retries = retries
  }

  public var totalTokens: Int { Usage.sum(promptTokens, completionTokens) }

  public static func + (a: Usage, b: Usage) -> Usage {
    Usage(
      promptTokens: sum(a.promptTokens, b.promptTokens),
      completionTokens: sum(a.completionTokens, b.completionTokens), requests: sum(a.requests, b.requests),
      retries: sum(a.retries, b.retries))
  }

  public static func += (a: inout Usage, b: Usage) { a = a + b }

  /// An endpoint may say anything: sums saturate.
  private static func sum(_ a: Int, _ b: Int) -> Int {
    let (value, overflow) = a.addingReportingOverflow(b)
    return overflow ? .max : value
  }
}
