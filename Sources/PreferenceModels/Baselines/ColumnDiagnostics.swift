import PenchantKernels

/// How far columns say the same: correlations and variance inflation factors. Above a factor of 5, single weights are not
/// to be read (PrefPalette specification, section 12).
public struct ColumnDiagnostics: Sendable, Codable, Equatable {
  public var columns: [String]
  /// Row-major `[columns, columns]`; NaN for a column that is constant.
  public var correlations: [Double]
  /// 1 / (1 - R²) of each column given the others: 1 when it is unrelated, infinite when it is a sum of others, NaN
  /// when it is constant.
  public var inflation: [Double]

  /// - Parameter values: row-major `[rows, columns]`: scores of texts, or differences of pairs.
  /// - Throws: `KernelError.shape` when counts do not fit; what the eigenvalue routine throws.
  public init(_ values: [Double], columns: [String]) throws(KernelError) {
    let width = columns.count
    guard width > 0, values.count.isMultiple(of: width), values.count >= 2 * width else {
      throw .shape(
        "ColumnDiagnostics", "\(values.count) values in \(width) columns; 2 rows or more are needed")
    }
    let rows = values.count / width
    var mean = [Double](repeating: 0, count: width)
    for row in 0..<rows {
      for i in 0..<width { mean[i] += values[row * width + i] / Double(rows) }
    }
    var products = [Double](repeating: 0, count: width * width)
    for row in 0..<rows {
      for i in 0..<width {
        let x = values[row * width + i] - mean[i]
        for j in 0...i { products[i * width + j] += x * (values[row * width + j] - mean[j]) }
      }
    }
    let scale = (0..<width).map { i in
      // Rounding leaves about this much of a constant.
      let noise = Double(rows) * mean[i] * mean[i] * 1e-28
      return products[i * width + i] > noise ? products[i * width + i].squareRoot() : 0
    }
    var correlations = [Double](repeating: .nan, count: width * width)
    let varying = (0..<width).filter { scale[$0] > 0 }
    for i in varying {
      for j in varying {
        correlations[i * width + j] =
          i == j ? 1 : products[max(i, j) * width + min(i, j)] / (scale[i] * scale[j])
      }
    }
    self.columns = columns
    self.correlations = correlations
    inflation = [Double](repeating: .nan, count: width)
    guard !varying.isEmpty else { return }
    // The diagonal of the inverse correlation matrix, by eigenvalues: a direction without variance makes it infinite.
    let order = varying.count
    let eigen = try SymmetricEigen(
      varying.flatMap { i in varying.map { correlations[i * width + $0] } }, order: order)
    for (place, column) in varying.enumerated() {
      var sum = 0.0
      for (value, row) in eigen.values.enumerated().map({ ($1, $0) }) {
        let part = eigen.vectors[row * order + place] * eigen.vectors[row * order + place]
        if value > 1e-10 * Double(order) { sum += part / value } else if part > 1e-8 { sum = .infinity }
      }
      inflation[column] = sum
    }
  }

  /// Columns whose factor is above `limit`.
  public func inflated(above limit: Double = 5) -> [String] {
    zip(columns, inflation).filter { $0.1 > limit }.map(\.0)
  }
}
