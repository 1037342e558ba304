import CPenchant

/// Ids that each query may not get: query `i` may not get `ids[offsets[i]..<offsets[i + 1]]`.
public struct Exclusions: Sendable, Equatable {
  public let offsets: [UInt32]
  public let ids: [UInt32]

  /// One list a query, in any order.
  public init(_ lists: [[UInt32]]) throws(KernelError) {
    var offsets: [UInt32] = [0]
    var ids: [UInt32] = []
    for list in lists {
      ids += list.sorted()
      guard let end = UInt32(exactly: ids.count) else {
        throw .shape("Exclusions", "\(ids.count) excluded ids; \(UInt32.max) are possible")
      }
      offsets.append(end)
    }
    self.offsets = offsets
    self.ids = ids
  }
}

/// Queries, items and floats a row of a ranking. A query's score of an item is their inner product plus the item's bias.
public struct RankingShape: Sendable, Equatable {
  public var queries: Int
  public var items: Int
  public var width: Int

  public init(queries: Int, items: Int, width: Int) {
    self.queries = queries
    self.items = items
    self.width = width
  }

  func checkInputs(
    _ queryRows: Span<Float>, _ itemRows: Span<Float>, _ bias: Span<Float>?, _ mask: Span<UInt8>?,
    _ excluding: Exclusions?, _ call: StaticString
  ) throws(KernelError) {
    let queriesSize = queries.multipliedReportingOverflow(by: width)
    let itemsSize = items.multipliedReportingOverflow(by: width)
    guard queries >= 0, items >= 0, width >= 0, !queriesSize.overflow, !itemsSize.overflow else {
      throw .shape("\(call)", "\(queries) queries, \(items) items of \(width) floats")
    }
    try require(queryRows.count, "queries", is: queriesSize.partialValue, call)
    try require(itemRows.count, "items", is: itemsSize.partialValue, call)
    try require(bias, "bias", is: items, call)
    try require(mask, "mask", is: items, call)
    if let excluding { try require(excluding.offsets.count - 1, "excluding", is: queries, call) }
  }
}

/// The best items of some queries, `[queries, count]`, best first; equal scores are ordered by id.
public struct RankedItems: Sendable, Equatable {
  /// No item: fewer than `count` were left.
  public static let none = UInt32.max

  public let count: Int
  public let ids: [UInt32]
  public let scores: [Float]
}

/// The best `count` items of every query; scores that are NaN or -∞ are never returned.
///
/// - Parameters:
///   - queries: `[queries, width]`.
///   - items: `[items, width]`.
///   - screen: Of these items; used for one query alone.
///   - bias: One an item, 0 when nil.
///   - mask: One an item, 1 = may be returned; all when nil.
/// - Throws: `KernelError.shape` when counts do not fit, `.value` for a count outside 0...65,536, `.status` for an
///   excluded id that is not an item.
public func topItems(
  _ count: Int, _ shape: RankingShape, queries: Span<Float>, items: Span<Float>, screen: ItemScreen? = nil,
  bias: Span<Float>? = nil, mask: Span<UInt8>? = nil, excluding: Exclusions? = nil
) throws(KernelError) -> RankedItems {
  guard (0...Int(PN_RANK_MAX)).contains(count) else {
    throw .value("topItems", "\(count) items asked for, 0 to \(PN_RANK_MAX) are possible")
  }
  try shape.checkInputs(queries, items, bias, mask, excluding, "topItems")
  if let screen {
    try require(screen.items, "screen", is: shape.items, "topItems")
    try require(screen.width, "floats of a screen's row", is: shape.width, "topItems")
  }
  let (size, overflow) = shape.queries.multipliedReportingOverflow(by: count)
  guard !overflow else { throw .shape("topItems", "\(count) items for \(shape.queries) queries overflow") }
  var ids = [UInt32](repeating: RankedItems.none, count: size)
  var scores = [Float](repeating: -.infinity, count: size)
  let scratch = try Scratch(
    pn_rank_top_workspace(shape.queries, shape.items, shape.width, count), "topItems")
  let status = pn_rank_top_f32(
    shape.queries, shape.items, shape.width, count, address(queries), address(items), screen?.values,
    address(bias), address(mask), excluding?.offsets, excluding?.ids, &ids, &scores, scratch.start,
    scratch.bytes)
  try check(status, "topItems")
  return RankedItems(count: count, ids: ids, scores: scores)
}

/// The best `count` of rows of scores that exist already.
///
/// - Parameters:
///   - scores: `[rows, columns]`.
///   - mask: `[rows, columns]`, 1 = may be returned.
public func topScores(
  _ count: Int, rows: Int, columns: Int, scores: Span<Float>, mask: Span<UInt8>? = nil
) throws(KernelError) -> RankedItems {
  guard (0...Int(PN_RANK_MAX)).contains(count) else {
    throw .value("topScores", "\(count) items asked for, 0 to \(PN_RANK_MAX) are possible")
  }
  let size = rows.multipliedReportingOverflow(by: columns)
  let out = rows.multipliedReportingOverflow(by: count)
  guard rows >= 0, columns >= 0, !size.overflow, !out.overflow else {
    throw .shape("topScores", "\(rows) rows of \(columns)")
  }
  try require(scores.count, "scores", is: size.partialValue, "topScores")
  try require(mask, "mask", is: size.partialValue, "topScores")
  var ids = [UInt32](repeating: RankedItems.none, count: out.partialValue)
  var best = [Float](repeating: -.infinity, count: out.partialValue)
  try check(
    pn_rank_top_scores_f32(rows, columns, count, address(scores), address(mask), &ids, &best), "topScores")
  return RankedItems(count: count, ids: ids, scores: best)
}

/// Where targets stand among all items.
public struct TargetRanks: Sendable, Equatable {
  /// How many other items score more than the target.
  public let above: [UInt32]
  /// How many other items score exactly as much.
  public let tied: [UInt32]
  /// The targets' own scores.
  public let scores: [Float]

  /// Rank from 1 under random order of ties.
  public func expectedRank(_ query: Int) -> Double { 1 + Double(above[query]) + Double(tied[query]) / 2 }
}

/// Counts how many items stand above every query's target, without keeping scores.
///
/// - Throws: as ``topItems(_:_:queries:items:screen:bias:mask:excluding:)``; `.status` also for a target that is not an item.
public func ranks(
  ofTargets targets: Span<UInt32>, _ shape: RankingShape, queries: Span<Float>, items: Span<Float>,
  bias: Span<Float>? = nil, mask: Span<UInt8>? = nil, excluding: Exclusions? = nil
) throws(KernelError) -> TargetRanks {
  try shape.checkInputs(queries, items, bias, mask, excluding, "ranks")
  try require(targets.count, "targets", is: shape.queries, "ranks")
  var above = [UInt32](repeating: 0, count: shape.queries)
  var tied = above
  var scores = [Float](repeating: 0, count: shape.queries)
  let scratch = try Scratch(
    pn_rank_of_target_workspace(shape.queries, shape.items, shape.width), "ranks")
  let status = pn_rank_of_target_f32(
    shape.queries, shape.items, shape.width, address(queries), address(items),
    address(bias), address(mask), excluding?.offsets, excluding?.ids, address(targets), &above, &tied,
    &scores, scratch.start, scratch.bytes)
  try check(status, "ranks")
  return TargetRanks(above: above, tied: tied, scores: scores)
}

/// Counts how many items stand above every row's target in scores that exist already.
///
/// - Parameters:
///   - targets: One a row, a column.
///   - scores: `[rows, columns]`.
/// - Returns: the ranks, and how many scores of each row are NaN.
/// - Throws: `KernelError.shape` for counts that do not fit, `.status` for a target or an excluded id that is no column.
public func ranks(
  ofTargets targets: Span<UInt32>, rows: Int, columns: Int, scores: Span<Float>, excluding: Exclusions? = nil
) throws(KernelError) -> (ranks: TargetRanks, missing: [UInt32]) {
  let size = rows.multipliedReportingOverflow(by: columns)
  guard rows >= 0, columns >= 0, !size.overflow else {
    throw .shape("ranks", "\(rows) rows of \(columns)")
  }
  try require(scores.count, "scores", is: size.partialValue, "ranks")
  try require(targets.count, "targets", is: rows, "ranks")
  if let excluding { try require(excluding.offsets.count - 1, "excluding", is: rows, "ranks") }
  var above = [UInt32](repeating: 0, count: rows)
  var tied = above
  var missing = above
  try check(
    pn_rank_of_target_scores_f32(
      rows, columns, address(scores), excluding?.offsets, excluding?.ids, address(targets), &above, &tied,
      &missing), "ranks")
  let own = (0..<rows).map { scores[$0 * columns + Int(targets[$0])] }
  return (TargetRanks(above: above, tied: tied, scores: own), missing)
}
