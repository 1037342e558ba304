/// A quality of a text that people may like or dislike, such as formality: two poles and the five levels between them.
///
/// PrefPalette (Li et al. 2025) has nineteen, nine sociolinguistic norms and ten values (`Attribute.standard`); users add
/// their own from a file (`AttributeFile`).
public struct Attribute: Sendable, Hashable, Codable {
  public enum Family: String, Sendable, Codable, CaseIterable {
    /// A way of saying it: the same message, more or less formal.
    case norm
    /// Something the writer cares about: the same message, as someone who values tradition would put it.
    case value
  }
  /// As it stands in files and tables: `formality`, `Self-Direction`. Unique in a list.
  public var name: String
  public var family: Family
  /// The pole of level 1, as an adjective ("casual"); for a value, what opposing it means.
  public var low: String
  /// The pole of level 5 ("formal").
  public var high: String
  /// One sentence that says what is meant.
  public var definition: String
  /// What a text of level 1 … 5 is like; five entries.
  public var levels: [String]
  /// Words and phrases that point to the low and the high pole, lower case; either may be empty.
  public var lowWords: [String]
  public var highWords: [String]

  public init(
    name: String, family: Family, low: String, high: String, definition: String, levels: [String],
    lowWords: [String] = [], highWords: [String] = []
  ) {
    self.name = name
    self.family = family
    self.low = low
    self.high = high
    self.definition = definition
    self.levels = levels
    self.lowWords = lowWords
    self.highWords = highWords
  }

  /// The levels that a text can be written at.
  public static let levelRange = 1...5
}
