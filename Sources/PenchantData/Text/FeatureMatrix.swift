import PenchantKernels

/// Rows of features: `sparseWidth` sparse columns, then `denseWidth` dense ones. Either width may be 0.
public struct FeatureMatrix: Sendable, Equatable {
  public let rows: Int
  public let sparseWidth: Int
  /// Entries of row `r` are `rowStarts[r]..<rowStarts[r + 1]`; `rows + 1` numbers.
  public let rowStarts: [Int]
  /// The column of an entry, ascending within a row.
  public let columns: [UInt32]
  public let values: [Float]
  public let denseWidth: Int
  /// `[rows, denseWidth]`
  public let dense: [Float]

  public var width: Int { sparseWidth + denseWidth }

  /// - Throws: `KernelError.shape` when the parts do not fit together.
  public init(
    rows: Int, sparseWidth: Int, rowStarts: [Int], columns: [UInt32], values: [Float], denseWidth: Int,
    dense: [Float]
  ) throws(KernelError) {
    guard rows >= 0, denseWidth >= 0, sparseWidth >= 0, dense.count == rows * denseWidth else {
      throw .shape("FeatureMatrix", "\(dense.count) dense values for \(rows) rows of \(denseWidth)")
    }
    guard rowStarts.count == rows + 1, rowStarts.first == 0, rowStarts.last == columns.count,
      columns.count == values.count,
      zip(rowStarts, rowStarts.dropFirst()).allSatisfy({ $0 <= $1 }),
      columns.allSatisfy({ Int($0) < sparseWidth })
    else {
      throw .shape(
        "FeatureMatrix",
        "\(rowStarts.count) row starts, \(columns.count) columns and \(values.count) values for \(rows) rows of \(sparseWidth)"
      )
    }
    self.init(
      unchecked: rows, sparseWidth: sparseWidth, rowStarts: rowStarts, columns: columns, values: values,
      denseWidth: denseWidth, dense: dense)
  }

  /// Dense rows only.
  ///
  /// - Throws: `KernelError.shape` unless there are `rows * width` values.
  public init(rows: Int, width: Int, dense: [Float]) throws(KernelError) {
    try self.init(
      rows: rows, sparseWidth: 0, rowStarts: [Int](repeating: 0, count: max(0, rows) + 1), columns: [],
      values: [],
      denseWidth: width, dense: dense)
  }

  init(
    unchecked rows: Int, sparseWidth: Int, rowStarts: [Int], columns: [UInt32], values: [Float],
    denseWidth: Int,
    dense: [Float]
  ) {
    self.rows = rows
    self.sparseWidth = sparseWidth
    self.rowStarts = rowStarts
    self.columns = columns
    self.values = values
    self.denseWidth = denseWidth
    self.dense = dense
  }

  /// The rows `indices`, one after the other; a row may be there more than once.
  public func selecting(_ indices: [Int]) -> FeatureMatrix {
    var (starts, columns, values, dense) = ([0], [UInt32](), [Float](), [Float]())
    starts.reserveCapacity(indices.count + 1)
    dense.reserveCapacity(indices.count * denseWidth)
    for row in indices {
      columns += self.columns[rowStarts[row]..<rowStarts[row + 1]]
      values += self.values[rowStarts[row]..<rowStarts[row + 1]]
      starts.append(columns.count)
      dense += self.dense[row * denseWidth..<(row + 1) * denseWidth]
    }
    return FeatureMatrix(
      unchecked: indices.count, sparseWidth: sparseWidth, rowStarts: starts, columns: columns, values: values,
      denseWidth: denseWidth, dense: dense)
  }

  /// `X w`: one score a row, from one weight a column.
  ///
  /// With pairs as differences of rows, score every text once and subtract scores: far cheaper than building
  /// difference rows.
  ///
  /// - Throws: `KernelError.shape` unless there are `width` weights.
  public func product(_ weights: [Double]) throws(KernelError) -> [Double] {
    guard weights.count == width else {
      throw .shape("FeatureMatrix.product", "\(weights.count) weights for \(width) columns")
    }
    var scores = [Double](repeating: 0, count: rows)
    let (rowStarts, columns, values, dense, weights) = (
      rowStarts.span, columns.span, values.span, dense.span, weights.span
    )
    for row in 0..<rows {
      var sum = 0.0
      for entry in rowStarts[row]..<rowStarts[row + 1] {
        sum += Double(values[entry]) * weights[Int(columns[entry])]
      }
      for column in 0..<denseWidth {
        sum += Double(dense[row * denseWidth + column]) * weights[sparseWidth + column]
      }
      scores[row] = sum
    }
    return scores
  }

  /// `Xᵀ r`: one sum a column, from one factor a row; the gradient of a function of `product`.
  ///
  /// - Throws: `KernelError.shape` unless there are `rows` factors.
  public func transposedProduct(_ factors: [Double]) throws(KernelError) -> [Double] {
    guard factors.count == rows else {
      throw .shape("FeatureMatrix.transposedProduct", "\(factors.count) factors for \(rows) rows")
    }
    var sums = [Double](repeating: 0, count: width)
    let (rowStarts, columns, values, dense) = (rowStarts.span, columns.span, values.span, dense.span)
    var out = sums.mutableSpan
    for row in 0..<rows {
      let factor = factors[row]
      guard factor != 0 else { continue }
      for entry in rowStarts[row]..<rowStarts[row + 1] {
        out[Int(columns[entry])] += factor * Double(values[entry])
      }
      for column in 0..<denseWidth {
        out[sparseWidth + column] += factor * Double(dense[row * denseWidth + column])
      }
    }
    return sums
  }
}
