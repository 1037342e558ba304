import PenchantTrain

/// How much of a profile another sample of posts would give again: W of models fitted to two halves of the posts.
public struct PaletteStability: Sendable, Codable, Equatable {
  /// Pearson correlation of W between the halves, over all communities and attributes.
  public var correlation: Double
  public var communities: [Double]
  /// Share of (community, attribute) whose sign agrees.
  public var signs: Double

  /// Fits `model` twice, once to each half.
  public init(_ model: PrefPalette, on data: PaletteData, start: PaletteStart? = nil) throws {
    let (a, b) = data.halves()
    func weights(_ part: PaletteData) throws -> [[Double]] {
      try model.fit(to: part, start: start).profile(on: data, replicates: 1).weights
    }
    let (first, second) = (try weights(a), try weights(b))
    communities = zip(first, second).map { pearsonCorrelation($0, $1) }
    let (x, y) = (first.flatMap { $0 }, second.flatMap { $0 })
    correlation = pearsonCorrelation(x, y)
    signs = Double(zip(x, y).filter { ($0 > 0) == ($1 > 0) }.count) / Double(max(1, x.count))
  }
}
