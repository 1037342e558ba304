import PenchantData
import PenchantKernels

/// How scores depend on what is fitted: s = K a with one coefficient a row.
///
/// A linear model with weights w and penalty ridge/2 · |w|² has its optimum at w = Xᵀ a for some a (the representer
/// theorem), so s = X Xᵀ a: the features enter through K = X Xᵀ alone. Scores fitted directly have K = 1.
enum ScoreSpace: Sendable {
  /// A score for itself.
  case identity
  /// K as a matrix: while it fits the cache this is the fastest way.
  case gram(Gram)
  /// K = X Xᵀ by two products with sparse and dense features.
  case features(FeatureProducts)

  func product(_ v: [Double], into out: inout [Double]) throws(KernelError) {
    switch self {
    case .identity: out = v
    case .gram(let gram): try gram.product(v, into: &out)
    case .features(let features): out = try features.scores(weights: features.weights(coefficients: v))
    }
  }
}

/// Products with a feature matrix and its transpose, on the team. Dense columns follow the sparse ones.
struct FeatureProducts: Sendable {
  let rows: SparseRows
  private let transposed: SparseRows

  init(_ features: FeatureMatrix) throws(KernelError) {
    rows = try Self.joined(features)
    transposed = try rows.transposed()
  }

  /// w = Xᵀ a.
  func weights(coefficients a: [Double]) throws(KernelError) -> [Double] { try transposed.product(a) }

  /// s = X w.
  func scores(weights w: [Double]) throws(KernelError) -> [Double] { try rows.product(w) }

  /// One sparse row of all columns.
  private static func joined(_ features: FeatureMatrix) throws(KernelError) -> SparseRows {
    guard features.denseWidth > 0 else {
      return try SparseRows(
        rows: features.rows, width: features.sparseWidth, starts: features.rowStarts,
        columns: features.columns,
        values: features.values)
    }
    let entries = features.values.count + features.dense.count
    var starts = [0]
    var columns: [UInt32] = []
    var values: [Float] = []
    starts.reserveCapacity(features.rows + 1)
    columns.reserveCapacity(entries)
    values.reserveCapacity(entries)
    let tail = (0..<features.denseWidth).map { UInt32(features.sparseWidth + $0) }
    for row in 0..<features.rows {
      let range = features.rowStarts[row]..<features.rowStarts[row + 1]
      columns.append(contentsOf: features.columns[range])
      values.append(contentsOf: features.values[range])
      columns.append(contentsOf: tail)
      values.append(contentsOf: features.dense[row * features.denseWidth..<(row + 1) * features.denseWidth])
      starts.append(columns.count)
    }
    return try SparseRows(
      rows: features.rows, width: features.width, starts: starts, columns: columns, values: values)
  }
}
