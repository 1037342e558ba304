/// Why a text was not rewritten at a level: found after all tries, and not mended by asking again.
///
/// A rewriter throws it for one text; every other error ends a synthesis.
public struct RewriteFailure: Error, Sendable, Hashable, Codable {
  /// One word for tables: `refused`, `malformed`, `empty`, `cut`, or the name of a quality gate.
  public var reason: String
  /// One clause.
  public var detail: String

  public init(_ reason: String, _ detail: String) {
    self.reason = reason
    self.detail = detail
  }
}

extension RewriteFailure: CustomStringConvertible {
  public var description: String { "\(reason): \(detail)" }
}
