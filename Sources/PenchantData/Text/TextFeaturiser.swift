/// Hashed word and character n-grams weighted by sublinear tf-idf, and style features. Needs no download and no list of
/// words; docs/featuriser.md has the formulas.
///
/// ```swift
/// let analysis = TextFeaturiser().analyse(table.texts)          // once
/// let fitted = analysis.fit(table.texts(ofPairs: split.train))   // a fold: document counts of its training texts only
/// let features = fitted.encode(analysis)
/// ```
public struct TextFeaturiser: Sendable {
  public struct Configuration: Sendable, Codable, Equatable {
    /// Words of the longest word n-gram; the shortest is one word.
    public var wordOrder = 2
    /// Scalars of the shortest and the longest character n-gram.
    public var shortestCharacters = 3
    public var longestCharacters = 5
    /// n-grams of a kind are hashed into 2^`hashBits` buckets.
    public var hashBits = 20
    /// An n-gram must stand in so many training texts.
    public var minimumTexts = 2
    /// Euclidean length of the word part and of the character part of a row.
    public var wordWeight: Float = 1
    public var characterWeight: Float = 1
    /// Standard deviation of a style column.
    public var styleWeight: Float = 0.2
    /// Style columns are cut at so many standard deviations.
    public var styleLimit: Float = 5

    public init() {}

    /// - Throws: `DataError` that names the value and its range.
    public func validate() throws(DataError) {
      func check(_ name: String, _ value: some CustomStringConvertible, _ ok: Bool, _ range: String)
        throws(DataError)
      {
        guard !ok else { return }
        throw DataError(
          file: "featuriser", field: name, "\"\(name)\" is out of range", expected: "expected \(range)",
          found: "found \(value)")
      }
      try check("wordOrder", wordOrder, (0...5).contains(wordOrder), "0 to 5")
      try check("shortestCharacters", shortestCharacters, (1...8).contains(shortestCharacters), "1 to 8")
      try check(
        "longestCharacters", longestCharacters,
        longestCharacters == 0 || (shortestCharacters...8).contains(longestCharacters),
        "0 for none, or \(shortestCharacters) to 8")
      try check("hashBits", hashBits, (8...24).contains(hashBits), "8 to 24")
      try check("minimumTexts", minimumTexts, minimumTexts >= 1, "1 or more")
      for (name, value) in [
        ("wordWeight", wordWeight), ("characterWeight", characterWeight), ("styleWeight", styleWeight),
      ] {
        try check(name, value, value >= 0 && value.isFinite, "0 or more")
      }
      try check("styleLimit", styleLimit, styleLimit > 0, "above 0")
    }
  }

  public let configuration: Configuration

  /// The default configuration.
  public init() { configuration = Configuration() }

  /// - Throws: `DataError` when the configuration is out of range.
  public init(_ configuration: Configuration) throws(DataError) {
    try configuration.validate()
    self.configuration = configuration
  }

  /// Counts n-grams and style features of texts: what every fold shares.
  public func analyse(_ texts: [String]) -> TextAnalysis { TextAnalysis(texts, configuration) }

  /// Counts documents over `texts` and standardises by them.
  public func fit(_ texts: [String]) -> FittedFeaturiser {
    let analysis = analyse(texts)
    return analysis.fit(Array(0..<texts.count))
  }
}

/// What was counted in a list of texts, before any weighting.
public struct TextAnalysis: Sendable {
  public let configuration: TextFeaturiser.Configuration
  public let count: Int
  /// Word n-grams and character n-grams; the buckets of the second follow those of the first.
  let terms: TermCounts
  /// `[count, StyleFeatures.names.count]`
  let style: [Float]

  init(_ texts: [String], _ configuration: TextFeaturiser.Configuration) {
    self.configuration = configuration
    count = texts.count
    var terms = TermCounts()
    var style: [Float] = []
    style.reserveCapacity(texts.count * StyleFeatures.names.count)
    var grams: [UInt32] = []
    let (bits, firstCharacterBucket) = (configuration.hashBits, UInt32(1) << configuration.hashBits)
    for text in texts {
      let scanned = ScannedText(text)
      grams.removeAll(keepingCapacity: true)
      if configuration.longestCharacters > 0 {
        let orders = configuration.shortestCharacters...configuration.longestCharacters
        scanned.characterGrams(orders: orders, bits: bits, into: &grams)
        for place in grams.indices { grams[place] += firstCharacterBucket }
      }
      if configuration.wordOrder > 0 {
        scanned.wordGrams(orders: 1...configuration.wordOrder, bits: bits, into: &grams)
      }
      terms.append(&grams)
      style.append(contentsOf: StyleFeatures.values(scanned))
    }
    self.terms = terms
    self.style = style
  }

  /// A featuriser whose document counts, means and deviations come from the texts in `rows`.
  public func fit(_ rows: [Int]) -> FittedFeaturiser { FittedFeaturiser(self, rows: rows) }
}
