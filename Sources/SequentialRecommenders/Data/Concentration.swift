/// How unevenly events fall on items.
public struct Concentration: Sendable, Equatable, Codable {
  /// Gini coefficient of the counts, items without any included: 0 when all are equal, (n - 1)/n when one item has all.
  public var gini: Double
  /// Share of the events that fall on the most popular 1 and 10 per cent of the items (rounded up).
  public var topPercent: Double
  public var topTenth: Double

  /// All 0 when there are no events.
  public init(_ counts: [Int]) {
    let sorted = counts.sorted(by: >)
    let total = Double(sorted.reduce(0, +))
    guard total > 0 else {
      (gini, topPercent, topTenth) = (0, 0, 0)
      return
    }
    let n = sorted.count
    func share(_ part: Int) -> Double {
      Double(sorted.prefix((n - 1) / part + 1).reduce(0, +)) / total
    }
    topPercent = share(100)
    topTenth = share(10)
    // Sum over items of (n + 1 - 2 · rank from the top) · count, over n · total.
    let weighted = sorted.enumerated().reduce(0.0) { $0 + Double(n - 1 - 2 * $1.offset) * Double($1.element) }
    gini = weighted / (Double(n) * total)
  }
}
