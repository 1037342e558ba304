import PenchantData

/// The answer of a language model.
public struct ChatReply: Sendable, Hashable {
  public var content: String
  /// Whether the answer was cut at `ChatRequest.maximumTokens`.
  public var isCut: Bool
  /// Tokens of this answer.
  public var usage: Usage

  public init(content: String, isCut: Bool = false, usage: Usage = Usage()) {
    self.content = content
    self.isCut = isCut
    self.usage = usage
  }

  /// Reads the body of a chat completion: `choices[0].message.content`, as text or text parts, and `usage`.
  ///
  /// Time and memory are linear in the bytes. Token counts that are missing or absurd are taken as 0.
  public init(parsing bytes: [UInt8]) throws(ReplyProblem) {
    let document: JSONValue
    do { document = try JSONValue(parsing: bytes.span) } catch {
      throw ReplyProblem(.malformed, "\(error.problem) (byte \(error.byte) of \(bytes.count))")
    }
    guard let object = document.object else {
      throw ReplyProblem(.malformed, "it is \(document.kind), not an object")
    }
    guard let choices = object["choices"]?.array else {
      let message = object["error"]?.object?["message"]?.string ?? object["error"]?.string
      throw ReplyProblem(
        .missing, message.map { "it is an error: \(excerpt($0))" } ?? "\"choices\" is not a list")
    }
    guard let choice = choices.first else { throw ReplyProblem(.empty, "\"choices\" has no entry") }
    guard let message = choice.object?["message"]?.object else {
      throw ReplyProblem(.missing, "\"choices[0].message\" is not an object")
    }
    if let refusal = message["refusal"]?.string, !refusal.isEmpty {
      throw ReplyProblem(.refused, excerpt(refusal))
    }
    let reason = choice.object?["finish_reason"]?.string
    if reason == "content_filter" { throw ReplyProblem(.refused, "a content filter stopped it") }
    guard let value = message["content"], value != .null else {
      throw ReplyProblem(.empty, "\"choices[0].message.content\" is missing or null")
    }
    guard let text = ChatReply.text(value) else {
      throw ReplyProblem(.missing, "\"choices[0].message.content\" is \(value.kind), not text")
    }
    guard text.contains(where: { !$0.isWhitespace }) else {
      throw ReplyProblem(.empty, "\"choices[0].message.content\" is blank")
    }
    let counts = object["usage"]?.object
    self.init(
      content: text, isCut: reason == "length",
      usage: Usage(
        promptTokens: ChatReply.count(counts?["prompt_tokens"]),
        completionTokens: ChatReply.count(counts?["completion_tokens"])))
  }

  /// A string, or a list of `{"type": "text", "text": …}`.
  private static func text(_ value: JSONValue) -> String? {
    if let text = value.string { return text }
    guard let parts = value.array else { return nil }
    var text = ""
    for part in parts {
      guard let piece = part.object?["text"]?.string else { return nil }
      text += piece
    }
    return text
  }

  private static func count(_ value: JSONValue?) -> Int {
    guard let count = value?.integer, (0...1_000_000_000).contains(count) else { return 0 }
    return count
  }
}

/// The start of a text on one line, for messages.
func excerpt(_ text: String, _ limit: Int = 200) -> String {
  let line = String(
    String.UnicodeScalarView(
      text.unicodeScalars.prefix(limit).map { scalar in
        scalar.value < 0x20 || scalar.value == 0x7F ? " " : scalar
      }))
  return text.unicodeScalars.count > limit ? line + "…" : line
}
