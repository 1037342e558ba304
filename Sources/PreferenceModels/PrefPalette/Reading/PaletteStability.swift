import PenchantTrain

/// How much of a profile another sample of posts would give again: W of models fitted to two halves of the posts.
public struct PaletteStability: Sendable, Codable, Equatable {
  /// Pearson correlation of W between the halves, over all communities and attributes.
  public var correlation: Double
  public var communities: [Double]
  /// Share of (community, attribute) whose sign agrees.
  public var signs: Double

  /// nil when the refits were stopped before both halves were fitted.
  public init?(_ refits: PaletteRefits) {
    guard refits.halves.count == 2 else { return nil }
    let (first, second) = (refits.halves[0], refits.halves[1])
    communities = zip(first, second).map { pearsonCorrelation($0, $1) }
    let (x, y) = (first.flatMap { $0 }, second.flatMap { $0 })
    correlation = pearsonCorrelation(x, y)
    signs = Double(zip(x, y).filter { ($0 > 0) == ($1 > 0) }.count) / Double(max(1, x.count))
  }
}
