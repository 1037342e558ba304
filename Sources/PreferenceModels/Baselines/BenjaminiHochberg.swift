/// Which of many findings stand when the share of false ones among them is held at a level (Benjamini and
/// Hochberg 1995).
public struct BenjaminiHochberg: Sendable, Codable, Equatable {
  /// The smallest level at which a finding stands, one a p-value; NaN for NaN.
  public var adjusted: [Double]
  /// Whether it stands at the level that was asked for.
  public var stands: [Bool]

  /// - Parameters:
  ///   - pValues: NaN is not counted as a test.
  ///   - level: the expected share of false findings.
  public init(_ pValues: [Double], level: Double = 0.05) {
    let order = pValues.indices.filter { !pValues[$0].isNaN }.sorted { (pValues[$0], $0) < (pValues[$1], $1) }
    var adjusted = [Double](repeating: .nan, count: pValues.count)
    var least = 1.0
    for rank in order.indices.reversed() {
      least = min(least, pValues[order[rank]] * Double(order.count) / Double(rank + 1))
      adjusted[order[rank]] = least
    }
    self.adjusted = adjusted
    stands = adjusted.map { $0 <= level }
  }
}
