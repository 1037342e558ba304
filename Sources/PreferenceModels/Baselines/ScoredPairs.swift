import PenchantKernels

/// Pairs as differences of named scores: row i of `differences` is x(chosen) - x(rejected) of pair i.
public struct ScoredPairs: Sendable {
  /// Names of the scores, one a column.
  public let columns: [String]
  /// Row-major `[count, columns]`.
  public let differences: [Double]
  /// How much a pair counts, 0 or more.
  public let weight: [Double]
  /// Places in 0 ..< `communities`.
  public let community: [Int]
  public let communities: Int
  /// Places in 0 ..< `posts`: pairs of one post are not independent.
  public let post: [Int]
  public let posts: Int

  public var count: Int { weight.count }
  public var width: Int { columns.count }

  /// - Parameters:
  ///   - community: one a pair, or `nil` for one community.
  ///   - post: one a pair, or `nil` when every pair stands alone.
  ///   - weight: one a pair, or `nil` for 1 each.
  /// - Throws: `KernelError.shape` when counts do not fit; `.value` naming the first difference or weight that is not
  ///   finite, a negative weight or a negative place.
  public init(
    differences: [Double], columns: [String], community: [Int]? = nil, post: [Int]? = nil,
    weight: [Double]? = nil
  ) throws(KernelError) {
    let call = "ScoredPairs"
    guard !columns.isEmpty, differences.count.isMultiple(of: columns.count) else {
      throw .shape(call, "\(differences.count) differences for rows of \(columns.count) columns")
    }
    let count = differences.count / columns.count
    for (name, found) in [
      ("communities", community?.count), ("posts", post?.count), ("weights", weight?.count),
    ] {
      guard found == nil || found == count else {
        throw .shape(call, "\(found ?? 0) \(name) for \(count) pairs")
      }
    }
    if let place = differences.firstIndex(where: { !$0.isFinite }) {
      throw .value(
        call,
        "\"\(columns[place % columns.count])\" of pair \(place / columns.count) is \(differences[place]); leave the pair out"
      )
    }
    if let place = weight?.firstIndex(where: { !$0.isFinite || $0 < 0 }) {
      throw .value(call, "the weight of pair \(place) is \(weight?[place] ?? 0); 0 or more is possible")
    }
    if let place = (community ?? []).firstIndex(where: { $0 < 0 })
      ?? (post ?? []).firstIndex(where: { $0 < 0 })
    {
      throw .value(call, "pair \(place) has a negative community or post")
    }
    self.columns = columns
    self.differences = differences
    self.weight = weight ?? [Double](repeating: 1, count: count)
    self.community = community ?? [Int](repeating: 0, count: count)
    communities = (self.community.max() ?? 0) + 1
    self.post = post ?? Array(0..<count)
    posts = (self.post.max() ?? -1) + 1
  }

  /// The differences of rows of a score table.
  ///
  /// - Parameter scores: row-major `[texts, columns]`; `chosen` and `rejected` are rows of it.
  public init(
    scores: [Float], columns: [String], chosen: [Int], rejected: [Int], community: [Int]? = nil,
    post: [Int]? = nil, weight: [Double]? = nil
  ) throws(KernelError) {
    let width = columns.count
    guard width > 0, scores.count.isMultiple(of: width), chosen.count == rejected.count else {
      throw .shape(
        "ScoredPairs",
        "\(scores.count) scores in \(width) columns, \(chosen.count) chosen and \(rejected.count) rejected rows"
      )
    }
    let rows = 0..<scores.count / width
    var differences = [Double](repeating: 0, count: chosen.count * width)
    for pair in chosen.indices {
      guard rows.contains(chosen[pair]), rows.contains(rejected[pair]) else {
        throw .value(
          "ScoredPairs", "pair \(pair) has the rows \(chosen[pair]) and \(rejected[pair]) of \(rows.count)")
      }
      for column in 0..<width {
        differences[pair * width + column] =
          Double(scores[chosen[pair] * width + column]) - Double(scores[rejected[pair] * width + column])
      }
    }
    try self.init(
      differences: differences, columns: columns, community: community, post: post, weight: weight)
  }

  private init(_ whole: ScoredPairs, rows: [Int], weight: [Double]) {
    let width = whole.width
    columns = whole.columns
    differences = rows.flatMap { whole.differences[$0 * width..<($0 + 1) * width] }
    self.weight = weight
    community = rows.map { whole.community[$0] }
    communities = whole.communities
    post = rows.map { whole.post[$0] }
    posts = whole.posts
  }

  /// Some of the pairs; communities and posts keep their places.
  public subscript(rows: some Sequence<Int>) -> ScoredPairs {
    let rows = Array(rows)
    return ScoredPairs(self, rows: rows, weight: rows.map { weight[$0] })
  }

  /// The same pairs with every weight times that of its post.
  func reweighted(byPost factor: [Double]) -> ScoredPairs {
    ScoredPairs(self, weight: zip(weight, post).map { $0 * factor[$1] })
  }

  private init(_ whole: ScoredPairs, weight: [Double]) {
    columns = whole.columns
    differences = whole.differences
    self.weight = weight
    community = whole.community
    communities = whole.communities
    post = whole.post
    posts = whole.posts
  }

  /// The pairs of each community, in order.
  public var byCommunity: [[Int]] {
    var rows = [[Int]](repeating: [], count: communities)
    for (row, community) in community.enumerated() { rows[community].append(row) }
    return rows
  }

  /// R(chosen) - R(rejected) of each pair in log-odds, R = w · x.
  public func margins(_ weights: [Double]) -> [Double] {
    let width = width
    return differences.withUnsafeBufferPointer { x in
      (0..<count).map { row in
        var sum = 0.0
        for column in 0..<min(width, weights.count) { sum += x[row * width + column] * weights[column] }
        return sum
      }
    }
  }
}
