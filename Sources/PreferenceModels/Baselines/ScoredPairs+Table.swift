import PenchantData
import PenchantKernels

extension ScoredPairs {
  /// Pairs of a table with scores of its texts: communities, posts and weights are those of the table.
  ///
  /// - Parameters:
  ///   - rows: the pairs to take; all unless given.
  ///   - scores: row-major `[texts, columns]`, in the order of `table.texts`.
  public init(_ table: PairTable, rows: [Int]? = nil, scores: [Float], columns: [String]) throws(KernelError)
  {
    let rows = rows ?? Array(0..<table.count)
    guard scores.count == table.texts.count * columns.count else {
      throw .shape(
        "ScoredPairs", "\(scores.count) scores for \(table.texts.count) texts in \(columns.count) columns")
    }
    if let row = rows.first(where: { !(0..<table.count).contains($0) }) {
      throw .value("ScoredPairs", "there is no pair \(row) in a table of \(table.count)")
    }
    try self.init(
      scores: scores, columns: columns, chosen: rows.map { table.chosen[$0] },
      rejected: rows.map { table.rejected[$0] }, community: rows.map { table.community[$0] },
      post: rows.map { table.post[$0] }, weight: rows.map { Double(table.weight[$0]) })
  }

  /// Pairs whose records name scores of both texts, as SHP with features does: the columns are the names that every pair
  /// has, sorted; communities and posts are those of `PairTable`.
  ///
  /// - Throws: `KernelError.value` when no name is in all pairs.
  public init(attributesOf pairs: [PreferencePair]) throws(KernelError) {
    var names: Set<String>?
    for pair in pairs {
      let both = Set(pair.chosenAttributes.keys).intersection(pair.rejectedAttributes.keys)
      names = names?.intersection(both) ?? both
    }
    guard let columns = names?.sorted(), !columns.isEmpty else {
      throw .value(
        "ScoredPairs",
        "no score is named by both texts of all \(pairs.count) pairs; records need \"chosen_attributes\" and \"rejected_attributes\""
      )
    }
    let table = PairTable(pairs)
    try self.init(
      differences: pairs.flatMap { pair in
        columns.map { (pair.chosenAttributes[$0] ?? 0) - (pair.rejectedAttributes[$0] ?? 0) }
      }, columns: columns, community: table.community, post: table.post,
      weight: table.weight.map(Double.init))
  }
}
