import Foundation
import PenchantData

/// What besides words of its lists speaks for a standard norm (specification of the offline cues: PrefPalette's nine norms).
enum LexicalCue: String, Sendable {
  case verbosity, formality, sarcasm, humor, assertiveness, directness, empathy

  /// - Parameters:
  ///   - low: the first word of the first phrase of the low pole; nil when there is none.
  ///   - high: the same for the high pole.
  func value(_ text: WordedText, low: Int?, high: Int?) -> Double {
    switch self {
    case .verbosity: return 3 * log1p(Double(text.words.count))
    case .formality:
      let contractions = text.scanned.words.filter { text.isContraction($0) }.count
      let informal = text.count(.informal)
      let letters = Double(text.scanned.words.map(\.count).reduce(0, +))
      let meanLength = letters / Double(max(1, text.words.count))
      return 0.2 * meanLength + 0.5 * (text.startsWithCapital + text.endsWithMark)
        - Double(contractions) - 0.5 * Double(informal)
    case .sarcasm:
      let scalars = text.scanned.scalars
      let quotes = scalars.filter { $0 == 0x22 }.count / 2
      let marked = text.scanned.tokens.filter { scalars[$0].elementsEqual([0x2F, 0x73]) }.count
      return 0.25 * Double(quotes) + 1.5 * Double(marked)
    case .humor: return 0.5 * log1p(Double(text.scanned.scalars.filter { $0 == 0x21 }.count))
    case .assertiveness: return -0.5 * Double(text.count(.hedge))
    // A point that is wrapped, or named, at the very start.
    case .directness:
      return (high.map { $0 < 6 } ?? false ? 0.5 : 0) - (low.map { $0 < 6 } ?? false ? 0.5 : 0)
    // A word of feeling in a text that addresses somebody.
    case .empathy:
      let feelings = text.words.filter { LexicalCue.feelings.contains($0) }.count
      return text.count(.secondPerson) > 0 ? 0.25 * Double(feelings) : 0
    }
  }

  private static let feelings = Set(
    Attribute.list(
      """
      sad, hurt, upset, lonely, afraid, scared, grief, pain, painful, exhausted, overwhelmed, worried, anxious, \
      heartbroken, frustrated, angry, ashamed, relieved, happy, glad
      """
    ).map(WordedText.hash))
}

extension WordedText {
  fileprivate func count(_ kind: Lexicon.Kinds) -> Int {
    words.filter { Lexicon.kinds[$0]?.contains(kind) ?? false }.count
  }

  /// A word with an apostrophe inside that does not mark a possession.
  fileprivate func isContraction(_ word: Range<Int>) -> Bool {
    let letters = scanned.scalars[word]
    guard let mark = letters.firstIndex(of: 0x27) else { return false }
    guard letters[(mark + 1)...].elementsEqual([0x73]) else { return true }
    return WordedText.shortened.contains(
      String(String.UnicodeScalarView(letters.compactMap(Unicode.Scalar.init))))
  }

  private static let shortened: Set<String> = [
    "it's", "that's", "there's", "what's", "he's", "she's", "let's", "who's", "here's", "where's",
  ]

  fileprivate var startsWithCapital: Double { scanned.classes.first?.contains(.upper) ?? false ? 1 : 0 }
  fileprivate var endsWithMark: Double {
    guard let last = scanned.tokens.last.map({ scanned.scalars[$0.upperBound - 1] }) else { return 0 }
    return [0x2E, 0x21, 0x3F].contains(last) ? 1 : 0
  }
}
