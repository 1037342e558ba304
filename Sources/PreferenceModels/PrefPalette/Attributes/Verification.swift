/// One of the questions by which a verifier is asked which of two texts stands nearer to a pole
/// (PrefPalette, Li et al. 2025, verification of counterfactuals).
public enum VerifierQuestion: String, Sendable, Codable, CaseIterable {
  case lessLow, moreHigh, lessHigh, moreLow

  /// Whether the text nearer to the high pole is the right answer.
  public var askedForHigh: Bool { self == .lessLow || self == .moreHigh }
  /// Whether the question names the high pole: "more formal", "less formal".
  public var namesHigh: Bool { self == .moreHigh || self == .lessHigh }
  /// Whether it asks for more of that pole.
  public var asksForMore: Bool { self == .moreHigh || self == .moreLow }
}

/// Says which of two texts answers a question about an attribute.
///
/// Two back-ends: heads that were trained on other texts (`HeadVerifier`, offline) and a chat endpoint.
public protocol Verifier: Sendable {
  /// Stands in reports beside its figures: "heads", or the name of a model.
  var judge: String { get }

  /// - Parameter context: what the texts answer; empty when there is nothing.
  /// - Returns: 0 for the first text, 1 for the second, nil when there is no usable answer, which counts as wrong.
  func answer(
    attribute: Attribute, question: VerifierQuestion, first: String, second: String, context: String
  ) async throws -> Int?
}

/// How many of the eight questions about a pair, four in each order of the texts, were answered rightly.
public struct VerifiedPair: Sendable, Codable, Equatable {
  /// Right answers to the four questions with the lower text first, and with the higher text first.
  public var lowFirst: Int
  public var highFirst: Int
  /// Questions without a usable answer.
  public var unanswered: Int

  public init(lowFirst: Int, highFirst: Int, unanswered: Int) {
    self.lowFirst = lowFirst
    self.highFirst = highFirst
    self.unanswered = unanswered
  }

  /// Share of the eight questions, 0 to 1.
  public var score: Double { Double(lowFirst + highFirst) / 8 }
  /// Share right with the lower text first minus share right with the higher first: AB minus BA.
  public var positionBias: Double { Double(lowFirst - highFirst) / 4 }
}

extension Verifier {
  /// Asks the eight questions about a pair of texts of which `higher` should stand nearer to the high pole.
  public func verify(lower: String, higher: String, attribute: Attribute, context: String) async throws
    -> VerifiedPair
  {
    var result = VerifiedPair(lowFirst: 0, highFirst: 0, unanswered: 0)
    for question in VerifierQuestion.allCases {
      let right = question.askedForHigh ? 1 : 0
      let forward = try await answer(
        attribute: attribute, question: question, first: lower, second: higher, context: context)
      let backward = try await answer(
        attribute: attribute, question: question, first: higher, second: lower, context: context)
      if forward == right { result.lowFirst += 1 }
      if backward == 1 - right { result.highFirst += 1 }
      result.unanswered += (forward == nil ? 1 : 0) + (backward == nil ? 1 : 0)
    }
    return result
  }
}

/// What a verifier found over the pairs of one attribute.
public struct VerificationSummary: Sendable, Codable, Equatable {
  public var attribute: String
  public var judge: String
  public private(set) var pairs = 0
  private var lowFirst = 0
  private var highFirst = 0
  /// Questions without a usable answer.
  public private(set) var unanswered = 0

  public init(attribute: String, judge: String) {
    self.attribute = attribute
    self.judge = judge
  }

  public mutating func add(_ pair: VerifiedPair) {
    pairs += 1
    lowFirst += pair.lowFirst
    highFirst += pair.highFirst
    unanswered += pair.unanswered
  }

  /// Mean share of right answers; 0 without pairs.
  public var score: Double { pairs == 0 ? 0 : Double(lowFirst + highFirst) / Double(8 * pairs) }
  /// Mean of `VerifiedPair.positionBias`.
  public var positionBias: Double { pairs == 0 ? 0 : Double(lowFirst - highFirst) / Double(4 * pairs) }
}
