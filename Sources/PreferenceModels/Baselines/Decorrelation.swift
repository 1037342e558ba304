import PenchantKernels
import PenchantTrain

/// Scores with one of them taken out of the others: r'_i = r_i - λ_i r_v, with λ_i such that the rank correlation of r'_i
/// with r_v is 0 (ArmoRM, Wang et al. 2024, there for verbosity). r_v itself stays.
public struct Decorrelation: Sendable, Codable, Equatable {
  /// v, the place of the column.
  public var column: Int
  /// λ, one a column; 0 for v.
  public var factors: [Double]

  /// Texts that the correlation is taken over at most, evenly spaced.
  private static let sample = 5000

  /// - Parameters:
  ///   - scores: row-major `[texts, width]`.
  ///   - column: v.
  /// - Throws: `KernelError.shape` when counts do not fit, `.value` for a column that is not there.
  public init(_ scores: [Float], width: Int, from column: Int) throws {
    guard width > 0, scores.count.isMultiple(of: width), scores.count >= 2 * width else {
      throw KernelError.shape(
        "Decorrelation", "\(scores.count) scores in \(width) columns; 2 rows or more are needed")
    }
    guard (0..<width).contains(column), scores.allSatisfy(\.isFinite) else {
      throw KernelError.value("Decorrelation", "column \(column) of \(width), or a score that is not finite")
    }
    let rows = scores.count / width
    let count = min(rows, Decorrelation.sample)
    let picked = (0..<count).map { $0 * rows / count }
    let base = picked.map { Double(scores[$0 * width + column]) }
    let baseRanks = ranks(base)
    self.column = column
    factors = try parallelMap(width) { other in
      guard other != column else { return 0 }
      let values = picked.map { Double(scores[$0 * width + other]) }
      func correlation(_ factor: Double) -> Double {
        pearsonCorrelation(ranks(zip(values, base).map { $0 - factor * $1 }), baseRanks)
      }
      // The correlation falls with the factor.
      guard correlation(0).isFinite, correlation(0) != 0 else { return 0 }
      var bound = 1.0
      while correlation(-bound) < 0 || correlation(bound) > 0, bound < 1e6 { bound *= 2 }
      var (low, high) = (-bound, bound)
      for _ in 0..<48 {
        let middle = (low + high) / 2
        if correlation(middle) > 0 { low = middle } else { high = middle }
      }
      return (low + high) / 2
    }
  }

  /// The differences of pairs after it.
  func applied(to differences: [Double]) -> [Double] {
    let width = factors.count
    var result = differences
    for row in 0..<differences.count / max(width, 1) {
      let base = differences[row * width + column]
      for i in 0..<width { result[row * width + i] -= factors[i] * base }
    }
    return result
  }
}

/// Ranks from 0, the mean rank for ties.
func ranks(_ values: [Double]) -> [Double] {
  let order = values.indices.sorted { (values[$0], $0) < (values[$1], $1) }
  var ranks = [Double](repeating: 0, count: values.count)
  var start = 0
  while start < order.count {
    var end = start + 1
    while end < order.count, values[order[end]] == values[order[start]] { end += 1 }
    for place in order[start..<end] { ranks[place] = Double(start + end - 1) / 2 }
    start = end
  }
  return ranks
}
