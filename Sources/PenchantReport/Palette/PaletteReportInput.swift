/// What a PrefPalette report is made of: numbers only, no model. A section without entries is left out of the page.
///
/// The letters are those of the list of what a person is shown: (a) accuracy, (b) and (c) profiles, (d) response
/// curves, (e) explained pairs, (f) attribute heads and cross reaction, (g) drift, (h) calibration, (i) correlation.
public struct PaletteReportInput: Codable, Sendable, Equatable {
  public var title: String
  /// Comparisons that the model learnt from.
  public var pairs: Int
  /// What the communities are comparing, in the plural: "answers", "arguments", "poems".
  public var texts: String
  public var attributes: [Attribute]
  public var accuracy: Accuracy?
  public var profiles: [Weight]
  public var responses: [Response]
  public var explanations: [Explanation]
  public var heads: [Head]
  public var crossReaction: Matrix?
  public var drift: [Drift]
  public var calibration: [Calibration]
  public var correlation: Correlation?
  /// How it was made: command, data, seed, threads.
  public var facts: [Fact]

  public init(
    title: String, pairs: Int, texts: String = "answers", attributes: [Attribute] = [],
    accuracy: Accuracy? = nil, profiles: [Weight] = [], responses: [Response] = [],
    explanations: [Explanation] = [], heads: [Head] = [], crossReaction: Matrix? = nil, drift: [Drift] = [],
    calibration: [Calibration] = [], correlation: Correlation? = nil, facts: [Fact] = []
  ) {
    self.title = title
    self.pairs = pairs
    self.texts = texts
    self.attributes = attributes
    self.accuracy = accuracy
    self.profiles = profiles
    self.responses = responses
    self.explanations = explanations
    self.heads = heads
    self.crossReaction = crossReaction
    self.drift = drift
    self.calibration = calibration
    self.correlation = correlation
    self.facts = facts
  }

  public struct Attribute: Codable, Sendable, Equatable {
    public var name: String
    /// The pole of level 1 and of level 5, as adjectives of a text ("casual", "formal"); empty for a value.
    public var low: String
    public var high: String
    public var definition: String
    public init(name: String, low: String = "", high: String = "", definition: String = "") {
      self.name = name
      self.low = low
      self.high = high
      self.definition = definition
    }
  }

  public struct Fact: Codable, Sendable, Equatable {
    public var name: String
    public var value: String
    public init(_ name: String, _ value: String) {
      self.name = name
      self.value = value
    }
  }
}
