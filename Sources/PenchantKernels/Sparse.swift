import CPenchant

/// Sparse rows: entries `starts[r]..<starts[r + 1]` of `columns` and `values` are row `r`. Columns ascend within a row.
public struct SparseRows: Sendable, Equatable {
  public let rows: Int
  public let width: Int
  public let starts: [Int]
  public let columns: [UInt32]
  public let values: [Float]

  /// - Throws: `KernelError.shape` when the parts do not fit together, `.value` for a column that is out of range.
  public init(rows: Int, width: Int, starts: [Int], columns: [UInt32], values: [Float]) throws(KernelError) {
    guard rows >= 0, width >= 0, starts.count == rows + 1, starts.first == 0, starts.last == columns.count,
      columns.count == values.count, zip(starts, starts.dropFirst()).allSatisfy({ $0 <= $1 })
    else {
      throw .shape(
        "SparseRows",
        "\(starts.count) starts, \(columns.count) columns and \(values.count) values do not make \(rows) rows of \(width)"
      )
    }
    if let column = columns.first(where: { Int($0) >= width }) {
      throw .value("SparseRows", "column \(column) in rows of \(width)")
    }
    self.init(unchecked: rows, width, starts, columns, values)
  }

  private init(unchecked rows: Int, _ width: Int, _ starts: [Int], _ columns: [UInt32], _ values: [Float]) {
    self.rows = rows
    self.width = width
    self.starts = starts
    self.columns = columns
    self.values = values
  }

  /// Rows become columns; the values of a new row are in the order of the old rows. O(entries).
  public func transposed() throws(KernelError) -> SparseRows {
    var newStarts = [Int](repeating: 0, count: width + 1)
    var newColumns = [UInt32](repeating: 0, count: columns.count)
    var newValues = [Float](repeating: 0, count: values.count)
    try check(
      pn_csr_transpose_f32(rows, width, starts, columns, values, &newStarts, &newColumns, &newValues),
      "SparseRows.transposed")
    return SparseRows(unchecked: width, rows, newStarts, newColumns, newValues)
  }

  /// `X x`, accumulated in double. Runs on the team.
  public func product(_ x: [Double]) throws(KernelError) -> [Double] {
    guard x.count == width else {
      throw .shape("SparseRows.product", "\(x.count) factors for rows of \(width)")
    }
    var y = [Double](repeating: 0, count: rows)
    try check(pn_csr_product_f64(rows, width, starts, columns, values, x, &y), "SparseRows.product")
    return y
  }
}

/// All inner products of rows, `[rows, rows]`, of sparse and dense features together.
public struct Gram: Sendable, Equatable {
  public let count: Int
  public let values: [Float]

  /// - Parameters:
  ///   - sparse: the sparse part of the rows.
  ///   - dense: `[rows, denseWidth]`.
  /// - Complexity: the sum over columns of the square of their entries, and rows² · denseWidth. Runs on the team.
  /// - Throws: `KernelError.shape`, `.memory` when the workspace cannot be had.
  public init(sparse: SparseRows, dense: [Float] = [], denseWidth: Int = 0) throws(KernelError) {
    guard dense.count == sparse.rows * denseWidth else {
      throw .shape("Gram", "\(dense.count) dense values for \(sparse.rows) rows of \(denseWidth)")
    }
    let bytes = pn_gram_workspace(sparse.rows, sparse.width, sparse.values.count)
    guard bytes < Int.max, let workspace = pn_alloc(bytes) else {
      throw .memory("Gram", bytes: Int(clamping: bytes))
    }
    defer { pn_free(workspace) }
    var values = [Float](repeating: 0, count: sparse.rows * sparse.rows)
    try check(
      pn_gram_f32(
        sparse.rows, sparse.width, sparse.starts, sparse.columns, sparse.values, denseWidth, dense, &values,
        workspace,
        bytes), "Gram")
    count = sparse.rows
    self.values = values
  }

  /// Writes `G x` into `y`.
  public func product(_ x: [Double], into y: inout [Double]) throws(KernelError) {
    guard x.count == count, y.count == count else {
      throw .shape("Gram.product", "x has \(x.count), y has \(y.count), the matrix has \(count) rows")
    }
    try check(pn_gram_product_f64(count, values, x, &y), "Gram.product")
  }
}
