import PenchantKernels
import PenchantTrain

/// Why a community prefers one text of a pair to the other: the difference of utilities, term by term.
public struct PairExplanation: Sendable, Codable, Equatable {
  public struct Term: Sendable, Codable, Equatable {
    public var attribute: String
    /// Δκ, in log-odds; positive speaks for the first text.
    public var change: Double
    /// Standardised scores of the two texts.
    public var first: Double
    public var second: Double
  }
  /// ΔR; the content's part and the terms add up to it.
  public var margin: Double
  /// Chance that the first text is preferred.
  public var probability: Double
  public var content: Double
  /// Largest first.
  public var terms: [Term]
}

extension FittedPrefPalette {
  /// - Parameter community: its place in the model; not read in a model without communities.
  public func explain(
    _ texts: PaletteTexts, first: Int, second: Int, community: Int
  ) throws -> PairExplanation {
    let pair = try texts.gather([first, second])
    let place = shape.communities == 0 ? [] : [UInt32(clamping: community)]
    let whole = try predict(pair, community: place)
    let content = try predict(pair, community: place, use: false).utility
    let K = shape.attributes
    let margin = Double(whole.utility[0]) - Double(whole.utility[1])
    let terms = (0..<K).map { i in
      PairExplanation.Term(
        attribute: attributes[i], change: Double(whole.kappa[i]) - Double(whole.kappa[K + i]),
        first: Double(pair.scores[i]), second: Double(pair.scores[K + i]))
    }
    return PairExplanation(
      margin: margin, probability: sigmoid(margin), content: Double(content[0]) - Double(content[1]),
      terms: terms.sorted { abs($0.change) > abs($1.change) })
  }
}
