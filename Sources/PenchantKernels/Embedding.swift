import CPenchant

/// An id without a row: it gathers zeros and adds nothing.
public let embeddingNone = UInt32.max

private func checkTable(
  _ count: Int, _ rows: Int, _ width: Int, _ call: StaticString
) throws(KernelError) {
  let (size, overflow) = rows.multipliedReportingOverflow(by: width)
  guard rows >= 0, width >= 0, !overflow else {
    throw .shape("\(call)", "a table of \(rows) rows of \(width)")
  }
  try require(count, "table", is: size, call)
}

/// Copies row `ids[i]` of a table to row `i` of `output`.
///
/// - Throws: `KernelError.shape` when counts do not fit, `.status` for an id outside the table.
public func gatherRows(
  _ ids: Span<UInt32>, rows: Int, width: Int, of table: Span<Float>, into output: inout MutableSpan<Float>
) throws(KernelError) {
  try checkTable(table.count, rows, width, "gatherRows")
  let size = ids.count.multipliedReportingOverflow(by: width)
  guard !size.overflow else { throw .shape("gatherRows", "\(ids.count) rows of \(width) overflow") }
  try require(output.count, "output", is: size.partialValue, "gatherRows")
  try check(
    pn_embedding_gather_f32(ids.count, rows, width, address(table), address(ids), address(&output)),
    "gatherRows")
}

/// Adds row `i` of `gradient` to row `ids[i]` of a table; occurrences of one id in ascending order.
///
/// - Throws: as ``gatherRows(_:rows:width:of:into:)``; nothing is written then.
public func scatterRows(
  _ ids: Span<UInt32>, rows: Int, width: Int, of gradient: Span<Float>, into table: inout MutableSpan<Float>
) throws(KernelError) {
  try checkTable(table.count, rows, width, "scatterRows")
  let size = ids.count.multipliedReportingOverflow(by: width)
  guard !size.overflow else { throw .shape("scatterRows", "\(ids.count) rows of \(width) overflow") }
  try require(gradient.count, "gradient", is: size.partialValue, "scatterRows")
  let scratch = try Scratch(pn_embedding_scatter_workspace(ids.count, rows), "scatterRows")
  try check(
    pn_embedding_scatter_f32(
      ids.count, rows, width, address(ids), address(gradient), address(&table), scratch.start, scratch.bytes),
    "scatterRows")
}

/// The distinct ids of a batch and where each occurs: the rows of a row-sparse gradient.
public struct DistinctRows: Sendable, Equatable {
  /// Ascending.
  public let ids: [UInt32]
  private let order: [UInt32]
  private let starts: [UInt32]
  private let positions: Int

  /// - Throws: `KernelError.status` for an id at or above `rows`.
  public init(_ batch: Span<UInt32>, rows: Int) throws(KernelError) {
    guard rows >= 0 else { throw .shape("DistinctRows", "a table of \(rows) rows") }
    var order = [UInt32](repeating: 0, count: batch.count)
    var unique = order
    var starts = [UInt32](repeating: 0, count: batch.count + 1)
    var count = 0
    let scratch = try Scratch(pn_embedding_unique_workspace(batch.count, rows), "DistinctRows")
    try check(
      pn_embedding_unique(
        batch.count, rows, address(batch), &order, &unique, &starts, &count, scratch.start, scratch.bytes),
      "DistinctRows")
    ids = Array(unique.prefix(count))
    self.order = order
    self.starts = Array(starts.prefix(count + 1))
    positions = batch.count
  }

  /// Sums the rows of `gradient`, one a position of the batch, that belong to one id: `[ids.count, width]`.
  public func sum(_ gradient: Span<Float>, width: Int) throws(KernelError) -> [Float] {
    let size = positions.multipliedReportingOverflow(by: width)
    guard width >= 0, !size.overflow else { throw .shape("DistinctRows.sum", "rows of \(width)") }
    try require(gradient.count, "gradient", is: size.partialValue, "DistinctRows.sum")
    var rows = [Float](repeating: 0, count: ids.count * width)
    try check(
      pn_embedding_sum_f32(positions, ids.count, width, order, starts, address(gradient), &rows),
      "DistinctRows.sum")
    return rows
  }
}

/// Sines and cosines of times (Ho et al. 2020): with h = ⌊width / 2⌋ and fⱼ = period^(−j / (h − shift)), column j is
/// sin(t fⱼ) and column h + j is cos(t fⱼ), or the other way round; an odd last column is 0.
///
/// - Parameters:
///   - times: in steps; negative ones and fractions are fine.
///   - shift: 0 as in Stable Diffusion, 1 as in the first DDPM code.
///   - output: `[times, width]`.
/// - Throws: `KernelError.shape`; `.status` for a time that is not finite, a period that is not positive, or a shift of
///   h or more.
public func timeEmbedding(
  _ times: Span<Double>, width: Int, period: Double = 10_000, shift: Double = 0, cosineFirst: Bool = true,
  into output: inout MutableSpan<Float>
) throws(KernelError) {
  guard let count = product([times.count, width]) else {
    throw .shape("timeEmbedding", "\(times.count) rows of \(width)")
  }
  try require(output.count, "output", is: count, "timeEmbedding")
  try check(
    pn_time_embedding_f32(times.count, width, period, shift, cosineFirst, address(times), address(&output)),
    "timeEmbedding")
}
