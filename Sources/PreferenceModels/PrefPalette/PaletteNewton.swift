import Foundation
import PenchantKernels
import PenchantTrain

/// The most probable weights of a Bradley–Terry model on differences of features, under a normal prior with a precision
/// of its own for every weight. Newton's method, its steps held (section 12): |Δ margin| ≤ 5, halved until the objective
/// falls.
struct PaletteNewton {
  /// `[n, width]`, chosen minus rejected.
  let rows: [Double]
  let width: Int
  /// Part of every margin that is not fitted; `[n]` or empty.
  var offset: [Double] = []
  var weight: [Double] = []

  var count: Int { width > 0 ? rows.count / width : 0 }

  func solve(mean: [Double], precision: [Double], limit: Int = 50) throws(KernelError) -> [Double] {
    let n = count
    guard mean.count == width, precision.count == width else {
      throw .shape(
        "PaletteNewton", "\(mean.count) means and \(precision.count) precisions for \(width) weights")
    }
    var w = mean
    var margin = margins(w)
    var value = objective(margin, w, mean, precision)
    for _ in 0..<limit {
      var gradient = (0..<width).map { precision[$0] * (w[$0] - mean[$0]) }
      var hessian = [Double](repeating: 0, count: width * width)
      for i in 0..<width { hessian[i * width + i] = precision[i] }
      for row in 0..<n {
        let p = sigmoid(-margin[row])
        let scale = weight.isEmpty ? 1 : weight[row]
        let curvature = scale * p * (1 - p)
        let at = row * width
        for i in 0..<width {
          let x = rows[at + i]
          gradient[i] -= scale * p * x
          let part = curvature * x
          for j in 0...i { hessian[i * width + j] += part * rows[at + j] }
        }
      }
      let step = try Cholesky(hessian, order: width).solve(gradient)
      let change = products(step)
      let largest = change.reduce(0) { max($0, abs($1)) }
      var t = largest > 5 ? 5 / largest : 1
      let slope = dot(gradient, step)
      guard slope > 1e-12 * max(1, abs(value)) else { break }
      while t > 1e-8 {
        let next = (0..<width).map { w[$0] - t * step[$0] }
        let moved = (0..<n).map { margin[$0] - t * change[$0] }
        let lower = objective(moved, next, mean, precision)
        if lower < value {
          (w, margin, value) = (next, moved, lower)
          break
        }
        t /= 2
      }
      guard t > 1e-8 else { break }
    }
    return w
  }

  func margins(_ w: [Double]) -> [Double] {
    let fitted = products(w)
    return offset.isEmpty ? fitted : zip(fitted, offset).map { $0 + $1 }
  }

  private func products(_ w: [Double]) -> [Double] {
    (0..<count).map { row in
      var sum = 0.0
      for i in 0..<width { sum += rows[row * width + i] * w[i] }
      return sum
    }
  }

  private func objective(
    _ margins: [Double], _ w: [Double], _ mean: [Double], _ precision: [Double]
  ) -> Double {
    var sum = 0.0
    for row in margins.indices { sum += (weight.isEmpty ? 1 : weight[row]) * softplus(-margins[row]) }
    for i in 0..<width { sum += precision[i] / 2 * (w[i] - mean[i]) * (w[i] - mean[i]) }
    return sum
  }
}
