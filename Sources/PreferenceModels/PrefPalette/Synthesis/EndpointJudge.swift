import PenchantKernels
import PenchantLanguage

/// A language model as a baseline: which of two comments was upvoted more (PrefPalette, Li et al. 2025: LLM
/// judge).
///
/// Each pair is asked in both orders, `repeats` times: a judge that always takes the first gets one half, not
/// a lucky share.
public struct EndpointJudge: Sendable {
  private let model: any LanguageModel
  /// Draws an order.
  public let repeats: Int
  /// Requests until the answer ends with a letter.
  public let tries: Int

  public init(_ model: any LanguageModel, repeats: Int = 2, tries: Int = 3) {
    self.model = model
    self.repeats = max(1, repeats)
    self.tries = max(1, tries)
  }

  public var name: String { model.name }

  /// - Parameter community: named in the question when given (the paper's script leaves it out).
  /// - Throws: `LanguageError` when no answer came.
  public func judge(
    chosen: String, rejected: String, context: String, community: String? = nil, seed: UInt64 = 0
  ) async throws(LanguageError) -> JudgedPair {
    var result = JudgedPair()
    var random = Philox(seed: seed)
    for _ in 0..<repeats {
      for chosenFirst in [true, false] {
        let (first, second) = chosenFirst ? (chosen, rejected) : (rejected, chosen)
        var place: Int?
        for _ in 0..<tries where place == nil {
          let request = Prompts.judge(
            first: first, second: second, context: context, community: community, seed: random.next())
          do throws(LanguageError) { place = RewriteReply.choice(try await model.ask(request).content) } catch
          {
            guard case .reply = error else { throw error }
          }
        }
        result.add(place, chosenFirst: chosenFirst)
      }
    }
    return result
  }
}

/// The calls about one pair.
public struct JudgedPair: Sendable, Codable, Equatable {
  public private(set) var calls = 0
  /// Calls that took the chosen text.
  public private(set) var right = 0
  /// Calls that took whichever text stood first.
  public private(set) var first = 0
  /// Calls without a letter after all tries.
  public private(set) var unanswered = 0

  public init() {}

  /// - Parameter place: 0 for the first text, 1 for the second, nil for no answer.
  public mutating func add(_ place: Int?, chosenFirst: Bool) {
    calls += 1
    guard let place else { return unanswered += 1 }
    if place == 0 { first += 1 }
    if (place == 0) == chosenFirst { right += 1 }
  }

  /// Share of calls that took the chosen text; a call without an answer counts one half.
  public var score: Double { calls == 0 ? 0.5 : (Double(right) + 0.5 * Double(unanswered)) / Double(calls) }
  /// 1 when most calls took the chosen text, 0 when most took the other, 1/2 at a tie.
  public var majority: Double { score > 0.5 ? 1 : score < 0.5 ? 0 : 0.5 }
}

/// What a judge achieved over many pairs.
public struct JudgeSummary: Sendable, Codable, Equatable {
  public var judge: String
  public private(set) var pairs = 0
  public private(set) var unanswered = 0
  private var scores = 0.0
  private var majorities = 0.0
  private var answered = 0
  private var first = 0

  public init(judge: String) { self.judge = judge }

  public mutating func add(_ pair: JudgedPair) {
    pairs += 1
    unanswered += pair.unanswered
    scores += pair.score
    majorities += pair.majority
    answered += pair.calls - pair.unanswered
    first += pair.first
  }

  /// Mean share of calls that took the chosen text: the paper's accuracy. NaN without pairs.
  public var fractionalAccuracy: Double { scores / Double(pairs) }
  /// Accuracy of the majority of each pair's calls.
  public var majorityAccuracy: Double { majorities / Double(pairs) }
  /// Share of answers that took the text that stood first, less one half: 0 is no bias.
  public var positionBias: Double { answered == 0 ? 0 : Double(first) / Double(answered) - 0.5 }
}
