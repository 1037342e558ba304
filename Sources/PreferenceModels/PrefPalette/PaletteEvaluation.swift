import PenchantTrain

/// Accuracy of a preference model on pairs: all together and by community, with attributes and without.
///
/// Accuracies are exact means over pairs; intervals draw whole posts (1,000 times), since pairs of a post depend on each
/// other.
public struct PaletteEvaluation: Sendable, Codable, Equatable {
  public struct Row: Sendable, Codable, Equatable {
    /// nil: all communities together.
    public var community: String?
    public var withAttributes: PairMetrics
    public var withAttributesInterval: Interval
    /// The attribute branch removed: R = content.
    public var without: PairMetrics
    public var withoutInterval: Interval
  }
  public var all: Row
  public var communities: [Row]

  public init(_ model: FittedPrefPalette, on data: PaletteData, bootstrap: Bootstrap = Bootstrap()) throws {
    let with = try model.margins(data)
    let without = try model.margins(data, use: false)
    let posts = zip(data.community, data.post).map { "\($0)/\($1)" }
    func row(_ name: String?, _ pairs: [Int]) -> Row {
      func part(_ margins: [Double]) -> (PairMetrics, Interval) {
        let chosen = pairs.map { margins[$0] }
        let weights = pairs.map { Double(data.weight[$0]) }
        return (
          PairMetrics(margins: chosen, weights: weights),
          bootstrap.mean(chosen.map(PairMetrics.hit), groups: pairs.map { posts[$0] })
        )
      }
      let (a, b) = (part(with), part(without))
      return Row(
        community: name, withAttributes: a.0, withAttributesInterval: a.1, without: b.0, withoutInterval: b.1)
    }
    var byCommunity = [[Int]](repeating: [], count: data.communities.count)
    for pair in 0..<data.count { byCommunity[Int(data.community[pair])].append(pair) }
    all = row(nil, Array(0..<data.count))
    communities = zip(data.communities, byCommunity).map { row($0, $1) }
  }
}
