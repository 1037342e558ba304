import Foundation
import PenchantTrain

/// The sum of weight · log(1 + e^-m) with m = w · (x(chosen) - x(rejected)).
struct PairLikelihood: LinearLikelihood {
  let pairs: ScoredPairs

  var width: Int { pairs.width }
  var rows: Int { pairs.count }

  func add(_ rows: Range<Int>, at weights: [Double], to sums: inout LikelihoodSums) {
    let width = width
    pairs.differences.withUnsafeBufferPointer { x in
      sums.gradient.withUnsafeMutableBufferPointer { gradient in
        sums.hessian.withUnsafeMutableBufferPointer { hessian in
          var value = 0.0
          for row in rows {
            let (at, weight) = (row * width, pairs.weight[row])
            let margin = inner(x, at, weights)
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
    pairs.differences.withUnsafeBufferPointer { x in
      var value = 0.0
      for row in rows { value += pairs.weight[row] * softplus(-inner(x, row * width, weights)) }
      return value
    }
  }

  func reach(_ rows: Range<Int>, along direction: [Double]) -> Double {
    pairs.differences.withUnsafeBufferPointer { x in
      rows.reduce(0) { max($0, abs(inner(x, $1 * width, direction))) }
    }
  }

  /// The gradient of each pair at `weights`, summed by post: row-major `[posts, width]`.
  func scoresByPost(at weights: [Double]) -> [Double] {
    var scores = [Double](repeating: 0, count: pairs.posts * width)
    for (row, margin) in pairs.margins(weights).enumerated() {
      let slope = pairs.weight[row] * sigmoid(-margin)
      for i in 0..<width {
        scores[pairs.post[row] * width + i] -= slope * pairs.differences[row * width + i]
      }
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
