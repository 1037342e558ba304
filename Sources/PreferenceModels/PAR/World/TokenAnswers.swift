/// Answers to prompts, their tokens packed one behind the other; an answer that was not cut ends with
/// `TokenWorld.end`.
public struct TokenAnswers: Sendable, Equatable {
  /// Which prompt each answer is to.
  public private(set) var prompts: [UInt32] = []
  public private(set) var offsets: [UInt32] = [0]
  public private(set) var ids: [UInt32] = []

  public init() {}

  public var count: Int { prompts.count }
  public var tokens: Int { ids.count }

  public mutating func append(_ tokens: some Sequence<UInt32>, to prompt: UInt32) {
    prompts.append(prompt)
    ids.append(contentsOf: tokens)
    offsets.append(UInt32(ids.count))
  }

  /// The tokens of an answer before its end.
  func content(_ s: Int) -> ArraySlice<UInt32> {
    let tokens = ids[Int(offsets[s])..<Int(offsets[s + 1])]
    return tokens.last == TokenWorld.end ? tokens.dropLast() : tokens
  }

  /// Mean number of tokens before the end.
  var meanLength: Double {
    guard count > 0 else { return 0 }
    return Double((0..<count).reduce(0) { $0 + content($1).count }) / Double(count)
  }
}
