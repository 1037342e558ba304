import PenchantData

/// What an interval of an accuracy draws: pairs of one post, or of one community, are not independent.
struct PaletteClusters: Sendable {
  let kind: PaletteResult.Clusters
  /// The cluster of each pair of the table.
  private let cluster: [Int]

  /// Fewer communities than this say little about their spread; pairs stand alone then.
  private static let leastCommunities = 10

  init(_ table: PaletteTable) {
    if 2 * table.pairs.count(where: { $0.post != nil }) >= table.pairs.count {
      (kind, cluster) = (.posts, table.table.post)
    } else if table.table.communities.count >= Self.leastCommunities {
      (kind, cluster) = (.communities, table.table.community)
    } else {
      (kind, cluster) = (.pairs, Array(table.pairs.indices))
    }
  }

  /// The mean of values of pairs that are numbers, with its interval; nil when none is.
  func mean(_ values: [Double], of pairs: [Int]) throws -> PaletteResult.Share? {
    let known = values.indices.filter { !values[$0].isNaN }
    guard !known.isEmpty else { return nil }
    var place: [Int: Int] = [:]
    let clusters = known.map { index in
      let name = cluster[pairs[index]]
      let at = place[name, default: place.count]
      place[name] = at
      return at
    }
    let found = try ClusterBootstrap().means(known.map { values[$0] }, cluster: clusters)
    return PaletteResult.Share(value: found[0].estimate, interval: found[0].interval)
  }
}
