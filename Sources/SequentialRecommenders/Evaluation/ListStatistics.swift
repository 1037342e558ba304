/// What the recommended lists of all cases look like together.
public struct ListStatistics: Sendable, Equatable, Codable {
  /// Items in a list.
  public var length: Int
  /// Share of the catalogue that is in at least one list.
  public var coverage: Double
  /// Gini coefficient of how often each item is recommended: 0 when all are alike.
  public var gini: Double
  /// Mean number of training events of a recommended item.
  public var averagePopularity: Double
  /// That mean over the mean of the targets: above 1 a model shows what is popular more than people take it. NaN when the
  /// targets have no training events.
  public var popularityLift: Double

  /// - Parameters:
  ///   - counts: how often each item is in a list.
  ///   - popularity: training events an item; empty when unknown.
  init(length: Int, counts: [Int], popularity: [Int], targets: [Int32]) {
    self.length = length
    let total = counts.reduce(0, +)
    coverage = counts.isEmpty ? .nan : Double(counts.count { $0 > 0 }) / Double(counts.count)
    gini = Concentration(counts).gini
    guard popularity.count == counts.count, total > 0, !targets.isEmpty else {
      (averagePopularity, popularityLift) = (.nan, .nan)
      return
    }
    averagePopularity = Double(zip(counts, popularity).reduce(0) { $0 + $1.0 * $1.1 }) / Double(total)
    let taken = Double(targets.reduce(0) { $0 + popularity[Int($1) - 1] }) / Double(targets.count)
    popularityLift = taken > 0 ? averagePopularity / taken : .nan
  }
}
