/// Average-linkage hierarchical clustering of rows (Sokal and Michener 1958), by the root of the mean squared
/// difference over the columns that two rows share.
///
/// Ties take the lowest pair, so the order is a function of the values alone. O(n³) for n rows.
struct Dendrogram {
  struct Merge: Equatable {
    /// Nodes below: a row number, or n + the number of an earlier merge.
    var first: Int
    var second: Int
    var height: Double
  }
  /// Rows so that every cluster stands together; of two clusters, that with the lower row number comes first.
  let order: [Int]
  let merges: [Merge]

  init(_ rows: [[Double?]]) {
    let n = rows.count
    var distance = rows.map { a in rows.map { b in Self.distance(a, b) } }
    let largest = distance.joined().compactMap(\.self).max() ?? 0
    // A cluster lives at its lowest row.
    var members = (0..<n).map { [$0] }
    var node = Array(0..<n)
    var alive = Array(0..<n)
    var merges: [Merge] = []
    while alive.count > 1 {
      var best = (i: alive[0], j: alive[1], d: Double.infinity)
      for (place, i) in alive.enumerated() {
        for j in alive[(place + 1)...] {
          let d = distance[i][j] ?? largest
          if d < best.d { best = (i, j, d) }
        }
      }
      let (i, j, d) = best
      merges.append(Merge(first: node[i], second: node[j], height: d.isFinite ? d : largest))
      let a = Double(members[i].count)
      let b = Double(members[j].count)
      for k in alive where k != i && k != j {
        let mean = (a * (distance[i][k] ?? largest) + b * (distance[j][k] ?? largest)) / (a + b)
        distance[i][k] = mean
        distance[k][i] = mean
      }
      members[i] += members[j]
      node[i] = n + merges.count - 1
      alive.removeAll { $0 == j }
    }
    order = n == 0 ? [] : members[0]
    self.merges = merges
  }

  private static func distance(_ a: [Double?], _ b: [Double?]) -> Double? {
    var sum = 0.0
    var count = 0
    for case (let x?, let y?) in zip(a, b) {
      sum += (x - y) * (x - y)
      count += 1
    }
    return count == 0 ? nil : (sum / Double(count)).squareRoot()
  }
}
