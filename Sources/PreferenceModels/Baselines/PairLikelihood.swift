import Foundation
import PenchantTrain

/// The sum of weight · log(1 + e^-m) with m = w · x + offset, x = x(chosen) - x(rejected).
struct PairLikelihood: LinearLikelihood {
  let width: Int
  /// Row-major `[rows, width]`.
  let differences: [Double]
  /// `[rows]`
  let weight: [Double]
  /// The part of every margin that is not fitted; `[rows]` or empty.
  var offset: [Double] = []

  init(width: Int, differences: [Double], weight: [Double], offset: [Double] = []) {
    self.width = width
    self.differences = differences
    self.weight = weight
    self.offset = offset
  }

  init(pairs: ScoredPairs) {
    self.init(width: pairs.width, differences: pairs.differences, weight: pairs.weight)
  }

  var rows: Int { weight.count }

  private func margin(_ row: Int, _ x: UnsafeBufferPointer<Double>, _ weights: [Double]) -> Double {
    inner(x, row * width, weights) + (offset.isEmpty ? 0 : offset[row])
  }

  /// R(chosen) - R(rejected) of every row.
  func margins(at weights: [Double]) -> [Double] {
    differences.withUnsafeBufferPointer { x in (0..<rows).map { margin($0, x, weights) } }
  }

  func add(_ rows: Range<Int>, at weights: [Double], to sums: inout LikelihoodSums) {
    let width = width
    differences.withUnsafeBufferPointer { x in
      sums.gradient.withUnsafeMutableBufferPointer { gradient in
        sums.hessian.withUnsafeMutableBufferPointer { hessian in
          var value = 0.0
          for row in rows {
            let (at, weight) = (row * width, self.weight[row])
            let margin = self.margin(row, x, weights)
            let miss = sigmoid(-margin)
            value += weight * softplus(-margin)
            let (slope, curvature) = (weight * miss, weight * miss * sigmoid(margin))
            for i in 0..<width {
              gradient[i] -= slope * x[at + i]
              let scaled = curvature * x[at + i]
              for j in 0...i { hessian[i * width + j] += scaled * x[at + j] }
            }
          }
          sums.value += value
        }
      }
    }
  }

  func value(_ rows: Range<Int>, at weights: [Double]) -> Double {
    differences.withUnsafeBufferPointer { x in
      var value = 0.0
      for row in rows { value += weight[row] * softplus(-margin(row, x, weights)) }
      return value
    }
  }

  func reach(_ rows: Range<Int>, along direction: [Double]) -> Double {
    differences.withUnsafeBufferPointer { x in
      rows.reduce(0) { max($0, abs(inner(x, $1 * width, direction))) }
    }
  }

  /// The gradient of each row at `weights`, summed by group: row-major `[groups, width]`.
  func scores(at weights: [Double], by group: [Int], groups: Int) -> [Double] {
    var scores = [Double](repeating: 0, count: groups * width)
    for (row, margin) in margins(at: weights).enumerated() {
      let slope = weight[row] * sigmoid(-margin)
      for i in 0..<width { scores[group[row] * width + i] -= slope * differences[row * width + i] }
    }
    return scores
  }
}

/// The row of `x` that starts at `start`, times `weights`.
func inner(_ x: UnsafeBufferPointer<Double>, _ start: Int, _ weights: [Double]) -> Double {
  weights.withUnsafeBufferPointer { w in
    var sum = 0.0
    for i in w.indices { sum += x[start + i] * w[i] }
    return sum
  }
}
