/// One turn of a conversation.
public struct Message: Sendable, Hashable, Codable {
  /// Who speaks: `system`, `user`, `assistant`, …
  public var role: String
  public var content: String

  public init(role: String, content: String) {
    self.role = role
    self.content = content
  }
}

extension Sequence<Message> {
  /// The conversation as text: the content of a single message, else one `role: content` paragraph a message.
  public var transcript: String {
    let messages = Array(self)
    if messages.count == 1 { return messages[0].content }
    return messages.map { "\($0.role): \($0.content)" }.joined(separator: "\n\n")
  }
}
