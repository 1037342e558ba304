/// Why an answer that arrived cannot be used.
public struct ReplyProblem: Error, Sendable, Hashable, Codable {
  public enum Kind: String, Sendable, Codable {
    /// Not the JSON of a chat completion, or cut on its way.
    case malformed
    /// A field is missing or of the wrong kind.
    case missing
    /// No choice in it, or a choice without text.
    case empty
    /// The model or a filter before it declines.
    case refused
    /// More bytes than are read.
    case tooLong
  }
  public var kind: Kind
  /// One clause.
  public var detail: String

  public init(_ kind: Kind, _ detail: String) {
    self.kind = kind
    self.detail = detail
  }
}

extension ReplyProblem: CustomStringConvertible {
  public var description: String {
    switch kind {
    case .malformed: "the reply is not a chat completion: \(detail)"
    case .missing: "the reply lacks what it needs: \(detail)"
    case .empty: "the reply is empty: \(detail)"
    case .refused: "the model declined: \(detail)"
    case .tooLong: "the reply is too long: \(detail)"
    }
  }
}
