import PenchantData
import PenchantTrain

/// How much of an attribute a text shows by its words alone: occurrences of words of the high pole minus those of the low
/// one, and for the standard norms a few cues besides (`LexicalCue`). Only differences between texts mean something.
///
/// This judges rewrites (`QualityGate`) and tests the rules; it is no detector to be trusted on people's texts.
public struct LexicalScore: Sendable {
  public let attribute: Attribute
  private let low: PhraseSet
  private let high: PhraseSet
  private let cue: LexicalCue?

  public init(_ attribute: Attribute) {
    self.attribute = attribute
    low = PhraseSet(attribute.words(.low))
    high = PhraseSet(attribute.words(.high))
    cue = LexicalCue(rawValue: attribute.name)
  }

  public func callAsFunction(_ text: String) -> Double { score(WordedText(text)) }

  func score(_ text: WordedText) -> Double {
    let (low, high) = (low.occurrences(in: text.words), high.occurrences(in: text.words))
    return Double(high.count - low.count) + (cue?.value(text, low: low.first, high: high.first) ?? 0)
  }

  /// Scores `[texts, attributes]`, row-major.
  public static func matrix(_ texts: [String], _ attributes: [Attribute]) throws -> [Double] {
    let scores = attributes.map(LexicalScore.init)
    let block = 64
    return try parallelMap((texts.count + block - 1) / block) { number in
      texts[number * block..<min(texts.count, (number + 1) * block)].flatMap { text in
        let words = WordedText(text)
        return scores.map { $0.score(words) }
      }
    }.flatMap(\.self)
  }
}

extension Attribute {
  /// A side of the middle.
  enum Pole: UInt64, Sendable, CaseIterable {
    case low, high
  }

  /// Words that point to a pole: those of the attribute, or, when it has none, words of the pole's two level descriptions
  /// that the other pole's do not have.
  func words(_ pole: Pole) -> [String] {
    let given = pole == .low ? lowWords : highWords
    guard given.isEmpty else { return given }
    func content(_ texts: [String]) -> [String] {
      texts.joined(separator: " ").lowercased().split { !$0.isLetter && $0 != "'" && $0 != "-" }.map(
        String.init
      )
      .filter { $0.count > 3 }
    }
    let (below, above) = (content([low] + levels.prefix(2)), content([high] + levels.suffix(2)))
    let (mine, others) = pole == .low ? (below, Set(above)) : (above, Set(below))
    var seen: Set<String> = []
    return mine.filter { word in
      let common = Lexicon.kinds[WordedText.hash(word)] != nil
      return !common && !others.contains(word) && seen.insert(word).inserted
    }
  }
}
