import PenchantData
import PenchantKernels
import PenchantTrain

/// The rewriter that needs no language model: substitutions, deletions and phrases before and behind a text, as many as the
/// level is away from 3. Heads that learn from it learn words above all, so reports name it.
///
/// Level 3 is the text as it is, level 4 makes half of the changes of level 5 and level 2 half of those of level 1. Which
/// changes those are is a function of (seed, text, attribute). Attributes that have no rules here are written from their
/// word lists, or from their level descriptions when they have none.
public struct RuleRewriter: Rewriter {
  public let teacher = "rules"

  private struct Compiled: Sendable {
    var pole: PoleRules
    var substitution: Substitution

    init(_ pole: PoleRules) {
      self.pole = pole
      substitution = Substitution(pole.substitutions)
    }
  }

  private let norms: [String: (low: Compiled, high: Compiled)]

  public init() {
    norms = AttributeRules.norms.mapValues { (Compiled($0.low), Compiled($0.high)) }
  }

  /// - Throws: `ConfigurationError` for a level that is not 1 to 5, or an attribute without any words.
  public func rewrite(_ text: String, context: String = "", attribute: Attribute, level: Int, seed: UInt64)
    throws -> String
  {
    guard Attribute.levelRange.contains(level) else {
      throw ConfigurationError("a level is 1 to 5, found \(level) for \"\(attribute.name)\"")
    }
    guard level != 3 else { return text }
    let pole = level < 3 ? Attribute.Pole.low : .high
    let share = Double(abs(level - 3)) / 2
    let key = seed ^ XXHash64.hash(Array(text.utf8))
    var draws = Philox(seed: key, stream: XXHash64.hash(Array(attribute.name.utf8)) &+ pole.rawValue)
    if let bank = ValueStances.bank(attribute.name, pole) {
      return Self.closing(text, bank.draw(2, &draws).prefix(share < 1 ? 1 : 2))
    }
    if let rules = norms[attribute.name] {
      return norm(attribute.name, pole, text, pole == .low ? rules.low : rules.high, share, &draws)
    }
    let bank = try Self.wordBank(attribute, pole)
    return Self.closing(text, bank.draw(2, &draws).prefix(share < 1 ? 1 : 2))
  }

  private func norm(
    _ name: String, _ pole: Attribute.Pole, _ text: String, _ rules: Compiled, _ share: Double,
    _ draws: inout Philox
  ) -> String {
    // Every draw is made at every level, so that the changes of a small step are among those of a large one.
    let opensFirst = draws.uniform() < 0.5
    let opener = rules.pole.openers.draw(1, &draws)
    let closers = rules.pole.closers.draw(2, &draws)
    var text = rules.substitution.apply(to: text, share: share, &draws)
    if name == "verbosity" { return Self.length(text, pole, share, closers) }
    if name == "formality" { text = Register.written(text, pole, share) }
    let opens = share == 1 || opensFirst
    let closes = share == 1 || !opensFirst
    if closes { text = Self.closing(text, closers.prefix(1)) }
    return opens ? Self.opening(text, opener) : text
  }

  private static func length(
    _ text: String, _ pole: Attribute.Pole, _ share: Double, _ restatements: [String]
  ) -> String {
    let clauses = Clauses(text)
    guard let first = clauses.parts.first, let last = clauses.parts.last else { return text }
    if pole == .low {
      let kept = clauses.first(share < 1 ? 0.65 : 0.3)
      return clauses.parts.count > 2 ? kept : Clauses.telegraphic(text, share: 0.4 * share)
    }
    let said = [clauses.parts.count > 1 ? "\(first) \(last)" : first, text]
    return closing(
      text,
      zip(restatements, said).prefix(share < 1 ? 1 : 2).map { "\($0) \(Clauses.closed($1.loweredFirst))" })
  }

  /// Sentences behind a text; one without a closing mark gets a dash, so that it still ends as it did.
  private static func closing(_ text: String, _ sentences: some Collection<String>) -> String {
    sentences.reduce(text) { text, sentence in
      let start = text.first.map { $0.isLowercase } ?? false ? sentence.loweredFirst : sentence
      if text.isEmpty { return start }
      if text.endsWithMark { return text + " " + start }
      let open = start.last == "." ? String(start.dropLast()) : start
      return text + " – " + open.loweredFirst
    }
  }

  private static func opening(_ text: String, _ sentences: [String]) -> String {
    sentences.reduce(text) { text, sentence in
      (text.first.map { $0.isLowercase } ?? false ? sentence.loweredFirst : sentence) + " " + text
    }
  }

  /// Sentences for an attribute that has no rules.
  private static func wordBank(_ attribute: Attribute, _ pole: Attribute.Pole) throws -> PhraseBank {
    let words = attribute.words(pole).map { $0.filter { !"{}|".contains($0) } }.filter { !$0.isEmpty }
    guard !words.isEmpty else {
      throw ConfigurationError(
        "the attribute \"\(attribute.name)\" has no words for its \(pole) pole, and its level descriptions give none\n"
          + "  add \(pole == .low ? "low_words" : "high_words") to it")
    }
    let choices = "{" + words.joined(separator: "|") + "}"
    return PhraseBank([
      PhraseTemplate("{All in all|On the whole|Taken together|In the end|Looking back}: \(choices)."),
      PhraseTemplate("{The word for it|What it comes to|What stays}: \(choices)."),
    ])
  }
}
