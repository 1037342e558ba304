import PenchantTrain

/// Minus a log-likelihood that is convex in the weights w of w · x, as sums over blocks of rows.
///
/// Blocks are cut by size and added in order, so results have the same bits for any number of threads.
protocol LinearLikelihood: Sendable {
  var width: Int { get }
  var rows: Int { get }
  /// Adds rows to the sums at `weights`.
  func add(_ rows: Range<Int>, at weights: [Double], to sums: inout LikelihoodSums)
  /// The value of rows at `weights` alone.
  func value(_ rows: Range<Int>, at weights: [Double]) -> Double
  /// The largest change that adding `direction` to the weights makes to a margin of the rows.
  func reach(_ rows: Range<Int>, along direction: [Double]) -> Double
}

/// Value, gradient `[width]` and the lower triangle of the Hessian, row-major `[width, width]`.
struct LikelihoodSums: Sendable {
  var value = 0.0
  var gradient: [Double]
  var hessian: [Double]

  init(width: Int) {
    gradient = [Double](repeating: 0, count: width)
    hessian = [Double](repeating: 0, count: width * width)
  }

  mutating func add(_ other: LikelihoodSums) {
    value += other.value
    for i in gradient.indices { gradient[i] += other.gradient[i] }
    for i in hessian.indices { hessian[i] += other.hessian[i] }
  }
}

extension LinearLikelihood {
  private func overBlocks<Part: Sendable>(_ body: @Sendable (Range<Int>) -> Part) throws -> [Part] {
    let (rows, size) = (rows, 4096)
    return try parallelMap((rows + size - 1) / size) { block in
      body(block * size..<min((block + 1) * size, rows))
    }
  }

  func sums(at weights: [Double]) throws -> LikelihoodSums {
    let width = width
    let parts = try overBlocks { rows in
      var sums = LikelihoodSums(width: width)
      add(rows, at: weights, to: &sums)
      return sums
    }
    var total = LikelihoodSums(width: width)
    for part in parts { total.add(part) }
    return total
  }

  func value(at weights: [Double]) throws -> Double {
    try overBlocks { value($0, at: weights) }.reduce(0, +)
  }

  func reach(along direction: [Double]) throws -> Double {
    try overBlocks { reach($0, along: direction) }.reduce(0, max)
  }
}
