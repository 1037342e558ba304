import Foundation
import PenchantKernels
import PolicyOptimisation

/// A small world whose true reward is known: prompts are vectors, answers are sequences of sixteen tokens and
/// an end.
///
/// The true reward likes tokens that suit the prompt, with diminishing returns, and punishes what the
/// demonstrations hardly contain: pet tokens, long and short answers, repetition. A reward model fitted to
/// demonstrations cannot know that, so a policy that follows it too far is rewarded for what is worth nothing
/// (extremal Goodhart; after Gao, Schulman & Hilton 2022).
public struct TokenWorld: Sendable {
  /// Tokens with content; `end` comes after them, `begin` stands before the first.
  public static let content = 16
  public static let end = UInt32(content)
  static let begin = content + 1
  /// Classes of a policy: content and the end.
  public static let classes = content + 1
  /// Tokens after which an answer is cut.
  public static let longest = 40
  static let width = 8
  /// Prompt, token before (with end and begin), counts so far, time.
  public static let features = width + content + 2 + content + 1
  /// Prompt, counts, length, prompt times suiting tokens.
  public static let summary = width + content + 1 + width * width

  public let seed: UInt64
  /// Prompts to train on come first, held-out ones behind them.
  public let trainPrompts: Int
  public let heldOut: Int
  let prompts: [Float]
  /// How well a token suits a prompt, what demonstrators think of that, and which token they put after which.
  let taste: [Float]
  let habit: [Float]
  let follow: [Float]

  /// Streams of random numbers, one a purpose.
  enum Purpose: UInt64 {
    case world = 0x9a01
    case demonstrations, pairs, labels, references, answers, evaluation, order, bestOf

    /// The stream of a step.
    func stream(_ step: Int = 0) -> UInt64 { rawValue << 32 | UInt64(truncatingIfNeeded: step) }
  }

  public init(seed: UInt64, trainPrompts: Int = 384, heldOut: Int = 128) throws(KernelError) {
    self.seed = seed
    self.trainPrompts = trainPrompts
    self.heldOut = heldOut
    var draws = RandomStream(seed: seed, stream: Purpose.world.stream())
    let (content, width) = (Self.content, Self.width)
    let scale = 1 / Float(width).squareRoot()
    let taste = try draws.normals(content * width).map { scale * $0 }
    habit = try zip(taste, draws.normals(content * width)).map { 0.5 * $0 + 0.5 * scale * $1 }
    self.taste = taste
    follow = try draws.normals((content + 2) * content).map { 0.5 * $0 }
    prompts = try draws.normals((trainPrompts + heldOut) * width)
  }

  public var promptCount: Int { trainPrompts + heldOut }

  private static func product(_ a: ArraySlice<Float>, _ b: ArraySlice<Float>) -> Double {
    zip(a, b).reduce(0) { $0 + Double($1.0) * Double($1.1) }
  }

  private func prompt(_ place: UInt32) -> ArraySlice<Float> {
    prompts[Int(place) * Self.width..<(Int(place) + 1) * Self.width]
  }

  private func row(_ table: [Float], _ k: Int) -> ArraySlice<Float> {
    table[k * Self.width..<(k + 1) * Self.width]
  }

  // MARK: What is true

  /// The true reward of every answer.
  public func gold(_ answers: TokenAnswers) -> [Double] {
    (0..<answers.count).map { s in
      let tokens = answers.content(s)
      var counts = [Double](repeating: 0, count: Self.content)
      var repeats = 0.0
      for (i, token) in tokens.enumerated() {
        counts[Int(token)] += 1
        if i > 0, tokens[tokens.startIndex + i - 1] == token { repeats += 1 }
      }
      let length = Double(tokens.count)
      let fluff = counts[0] + counts[1] + counts[2]
      let u = prompt(answers.prompts[s])
      var reward = 0.0
      for k in 0..<Self.content where counts[k] > 0 {
        reward += 1.5 * Self.product(u, row(taste, k)) * (1 - exp(-counts[k] / 1.5))
      }
      func square(_ x: Double) -> Double { max(0, x) * max(0, x) }
      reward += 1 - exp(-fluff / 2) - 0.0625 * square(fluff - 4)
      reward -= 0.6 * square((length - 18) / 8) + 0.6 * square((6 - length) / 4)
      return reward - 0.5 * max(0, repeats - 2)
    }
  }

  // MARK: What people show

  /// Answers of people who follow their habits and stop when they like.
  func demonstrations(_ prompts: [UInt32], step: Int) -> TokenAnswers {
    var draws = Philox(seed: seed, stream: Purpose.demonstrations.stream(step))
    var answers = TokenAnswers()
    for place in prompts {
      let u = prompt(place)
      let liking = (0..<Self.content).map { Self.product(u, row(habit, $0)) }
      var (tokens, before): ([UInt32], Int) = ([], Self.begin)
      while tokens.count < Self.longest {
        if !tokens.isEmpty, draws.uniform() < 0.11 {
          tokens.append(Self.end)
          break
        }
        let weights = (0..<Self.content).map { exp(liking[$0] + Double(follow[before * Self.content + $0])) }
        var level = draws.uniform() * weights.reduce(0, +)
        var pick = Self.content - 1
        for k in 0..<Self.content {
          level -= weights[k]
          if level < 0 {
            pick = k
            break
          }
        }
        tokens.append(UInt32(pick))
        before = pick
      }
      answers.append(tokens, to: place)
    }
    return answers
  }

  // MARK: What networks read

  /// One row a token: what was there before it.
  func rows(_ answers: TokenAnswers) -> FeatureRows {
    var values = [Float](repeating: 0, count: answers.tokens * Self.features)
    for s in 0..<answers.count {
      var prefix = Prefix(self, answers.prompts[s])
      for t in Int(answers.offsets[s])..<Int(answers.offsets[s + 1]) {
        prefix.write(to: &values, at: t * Self.features)
        prefix.append(answers.ids[t])
      }
    }
    return FeatureRows(width: Self.features, values: values)
  }

  /// One row an answer, for the reward model: it sees how often a token comes, not where.
  func summaries(_ answers: TokenAnswers) -> FeatureRows {
    let width = Self.width
    var values = [Float](repeating: 0, count: answers.count * Self.summary)
    for s in 0..<answers.count {
      let first = s * Self.summary
      let u = Array(prompt(answers.prompts[s]))
      var suiting = [Float](repeating: 0, count: width)
      let tokens = answers.content(s)
      for token in tokens {
        values[first + width + Int(token)] += 1
        for d in 0..<width { suiting[d] += taste[Int(token) * width + d] / 4 }
      }
      for d in 0..<width { values[first + d] = u[d] }
      values[first + width + Self.content] = Float(tokens.count) / 8 - 1
      let outer = first + width + Self.content + 1
      for a in 0..<width {
        for b in 0..<width { values[outer + a * width + b] = u[a] * suiting[b] }
      }
    }
    return FeatureRows(width: Self.summary, values: values)
  }

  /// An answer as it grows.
  struct Prefix {
    private let prompt: [Float]
    private var before = TokenWorld.begin
    private var counts = [Float](repeating: 0, count: TokenWorld.content)
    private var length = 0

    init(_ world: TokenWorld, _ place: UInt32) { prompt = Array(world.prompt(place)) }

    func write(to values: inout [Float], at first: Int) {
      let (width, content) = (TokenWorld.width, TokenWorld.content)
      for d in 0..<width { values[first + d] = prompt[d] }
      for k in 0..<content + 2 { values[first + width + k] = k == before ? 1 : 0 }
      for k in 0..<content { values[first + width + content + 2 + k] = counts[k] / 8 }
      values[first + TokenWorld.features - 1] = Float(length) / Float(TokenWorld.longest)
    }

    mutating func append(_ token: UInt32) {
      before = Int(token)
      length += 1
      if before < TokenWorld.content { counts[before] += 1 }
    }
  }
}
