import PenchantData

/// A question to a language model. Equal requests to one model have equal keys, so that an answer can be
/// recorded.
public struct ChatRequest: Sendable, Hashable {
  public var messages: [Message]
  /// 0 is the most likely answer, 1 the model's own spread.
  public var temperature: Double
  /// The longest answer, in tokens.
  public var maximumTokens: Int
  /// Two requests that differ in their seed alone are two draws.
  public var seed: UInt64

  public init(messages: [Message], temperature: Double = 1, maximumTokens: Int = 512, seed: UInt64 = 0) {
    self.messages = messages
    self.temperature = temperature
    self.maximumTokens = maximumTokens
    self.seed = seed
  }

  /// One instruction and one question.
  public init(
    system: String, user: String, temperature: Double = 1, maximumTokens: Int = 512, seed: UInt64 = 0
  ) {
    self.init(
      messages: [Message(role: "system", content: system), Message(role: "user", content: user)],
      temperature: temperature, maximumTokens: maximumTokens, seed: seed)
  }

  /// What is sent. The seed keeps its low 31 bits: some servers read it as a 32-bit number with sign.
  func body(model: String) -> JSONValue {
    [
      "model": .string(model),
      "messages": .array(messages.map { ["role": .string($0.role), "content": .string($0.content)] }),
      "temperature": .number(temperature), "max_tokens": .integer(maximumTokens),
      "seed": .integer(Int(seed & 0x7FFF_FFFF)),
    ]
  }

  /// The name of this request to `model` in a recording: two XXH64 of what is sent, 32 hexadecimal digits.
  public func key(model: String) -> String {
    let bytes = Array(body(model: model).description.utf8)
    return XXHash64.hex(bytes) + XXHash64.hex(bytes, seed: 0x9E37_79B9_7F4A_7C15)
  }
}
