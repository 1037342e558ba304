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

/// Products with a feature matrix and its transpose, on the team.
struct FeatureProducts: Sendable {
  let sparse: SparseRows
  let transposed: SparseRows
  let dense: [Float]
  let denseWidth: Int

  init(_ features: FeatureMatrix) throws(KernelError) {
    sparse = try SparseRows(
      rows: features.rows, width: features.sparseWidth, starts: features.rowStarts, columns: features.columns,
      values: features.values)
    transposed = try sparse.transposed()
    dense = features.dense
    denseWidth = features.denseWidth
  }

  /// w = Xᵀ a, sparse columns first.
  func weights(coefficients a: [Double]) throws(KernelError) -> [Double] {
    var weights = try transposed.product(a)
    var tail = [Double](repeating: 0, count: denseWidth)
    dense.withUnsafeBufferPointer { dense in
      for row in 0..<sparse.rows where a[row] != 0 {
        for column in 0..<denseWidth { tail[column] += a[row] * Double(dense[row * denseWidth + column]) }
      }
    }
    weights += tail
    return weights
  }

  /// s = X w.
  func scores(weights w: [Double]) throws(KernelError) -> [Double] {
    var scores = try sparse.product(Array(w[..<sparse.width]))
    let tail = Array(w[sparse.width...])
    dense.withUnsafeBufferPointer { dense in
      for row in 0..<sparse.rows {
        var sum = 0.0
        for column in 0..<denseWidth { sum += Double(dense[row * denseWidth + column]) * tail[column] }
        scores[row] += sum
      }
    }
    return scores
  }
}
