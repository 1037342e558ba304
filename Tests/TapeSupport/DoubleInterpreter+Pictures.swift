import Foundation

/// Formulas of the operations over pictures.
extension DoubleInterpreter {
  /// Every product of a convolution: places in x, weight and y. Sizes are B, H, W, in, out, k, stride, padding.
  private static func eachProduct(_ s: [Int], _ body: (_ x: Int, _ w: Int, _ y: Int) -> Void) {
    let (h, w) = ((s[1] + 2 * s[7] - s[5]) / s[6] + 1, (s[2] + 2 * s[7] - s[5]) / s[6] + 1)
    for b in 0..<s[0] {
      for i in 0..<h {
        for j in 0..<w {
          for u in 0..<s[5] {
            for v in 0..<s[5] {
              let (row, column) = (i * s[6] + u - s[7], j * s[6] + v - s[7])
              guard row >= 0, row < s[1], column >= 0, column < s[2] else { continue }
              for o in 0..<s[4] {
                for c in 0..<s[3] {
                  body(
                    ((b * s[1] + row) * s[2] + column) * s[3] + c, ((o * s[5] + u) * s[5] + v) * s[3] + c,
                    ((b * h + i) * w + j) * s[4] + o)
                }
              }
            }
          }
        }
      }
    }
  }

  package static func conv2d(
    _ x: [Double], _ weight: [Double], bias: [Double]?, base: [Double]?, _ s: [Int]
  ) -> [Double] {
    let (h, w) = ((s[1] + 2 * s[7] - s[5]) / s[6] + 1, (s[2] + 2 * s[7] - s[5]) / s[6] + 1)
    var y = (0..<s[0] * h * w * s[4]).map { (bias?[$0 % s[4]] ?? 0) + (base?[$0] ?? 0) }
    eachProduct(s) { y[$2] += x[$0] * weight[$1] }
    return y
  }

  static func conv2dGradInput(_ dy: [Double], _ weight: [Double], base: [Double]?, _ s: [Int]) -> [Double] {
    var dx = base ?? [Double](repeating: 0, count: s[0] * s[1] * s[2] * s[3])
    eachProduct(s) { dx[$0] += dy[$2] * weight[$1] }
    return dx
  }

  static func conv2dGradWeight(_ dy: [Double], _ x: [Double], _ s: [Int]) -> [[Double]] {
    var dw = [Double](repeating: 0, count: s[4] * s[5] * s[5] * s[3])
    var db = [Double](repeating: 0, count: s[4])
    eachProduct(s) { dw[$1] += dy[$2] * x[$0] }
    for (i, value) in dy.enumerated() { db[i % s[4]] += value }
    return [dw, db]
  }

  /// What a group norm makes of each value on the way. Sizes are B, P, C, groups, silu.
  private struct Normed {
    var unit: [Double] = []
    var z: [Double] = []
    var mean: [Double] = []
    var inverse: [Double] = []

    init(
      _ x: [Double], _ gain: [Double]?, _ bias: [Double]?, _ film: [Double]?, _ s: [Int], _ epsilon: Double
    ) {
      let each = s[2] / s[3]
      for b in 0..<s[0] {
        for g in 0..<s[3] {
          let values = (0..<s[1] * each).map { x[(b * s[1] + $0 / each) * s[2] + g * each + $0 % each] }
          let mean = values.reduce(0, +) / Double(values.count)
          let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
          self.mean.append(mean)
          inverse.append(1 / (variance + epsilon).squareRoot())
        }
      }
      for (i, value) in x.enumerated() {
        let (b, c) = (i / s[2] / s[1], i % s[2])
        let group = b * s[3] + c / each
        unit.append((value - mean[group]) * inverse[group])
        let inner = unit[i] * (gain?[c] ?? 1) + (bias?[c] ?? 0)
        z.append(inner * (1 + (film?[b * 2 * s[2] + c] ?? 0)) + (film?[(b * 2 + 1) * s[2] + c] ?? 0))
      }
    }
  }

  package static func groupNorm(
    _ x: [Double], _ gain: [Double]?, _ bias: [Double]?, _ film: [Double]?, _ s: [Int], _ epsilon: Double
  ) -> [[Double]] {
    let normed = Normed(x, gain, bias, film, s, epsilon)
    return [s[4] == 1 ? normed.z.map { $0 * sigmoid($0) } : normed.z, normed.mean, normed.inverse]
  }

  /// Gradients of x, gain, bias and film.
  static func groupNormGrad(
    _ dy: [Double], _ x: [Double], _ gain: [Double]?, _ bias: [Double]?, _ film: [Double]?, base: [Double]?,
    _ s: [Int], _ epsilon: Double
  ) -> [[Double]] {
    let normed = Normed(x, gain, bias, film, s, epsilon)
    let each = s[2] / s[3]
    var dgain = [Double](repeating: 0, count: s[2])
    var dbias = dgain
    var dfilm = [Double](repeating: 0, count: 2 * s[0] * s[2])
    var inner: [Double] = []
    var sums = [(plain: Double, slant: Double)](repeating: (0, 0), count: s[0] * s[3])
    for i in dy.indices {
      let (b, c) = (i / s[2] / s[1], i % s[2])
      let (z, unit) = (normed.z[i], normed.unit[i])
      let slope = s[4] == 1 ? sigmoid(z) * (1 + z * (1 - sigmoid(z))) : 1
      let dz = dy[i] * slope
      let scale = 1 + (film?[b * 2 * s[2] + c] ?? 0)
      dgain[c] += dz * scale * unit
      dbias[c] += dz * scale
      dfilm[b * 2 * s[2] + c] += dz * (unit * (gain?[c] ?? 1) + (bias?[c] ?? 0))
      dfilm[(b * 2 + 1) * s[2] + c] += dz
      inner.append(dz * scale * (gain?[c] ?? 1))
      sums[b * s[3] + c / each].plain += inner[i]
      sums[b * s[3] + c / each].slant += inner[i] * unit
    }
    let n = Double(s[1] * each)
    let dx = dy.indices.map { i in
      let group = i / s[2] / s[1] * s[3] + i % s[2] / each
      let centred = inner[i] - sums[group].plain / n - normed.unit[i] * sums[group].slant / n
      return centred * normed.inverse[group] + (base?[i] ?? 0)
    }
    return [dx, dgain, dbias, dfilm]
  }

  /// Squares of four: the smaller picture's place of every place of the larger one. Sizes are B, H, W, C of the smaller.
  private static func square(_ i: Int, _ s: [Int]) -> Int {
    let (c, column, line) = (i % s[3], i / s[3] % (2 * s[2]), i / s[3] / (2 * s[2]))
    return (line / 2 * s[2] + column / 2) * s[3] + c
  }

  package static func upsample(_ x: [Double], _ s: [Int], _ factor: Double) -> [Double] {
    (0..<4 * x.count).map { factor * x[square($0, s)] }
  }

  package static func downsample(_ x: [Double], _ s: [Int], _ factor: Double) -> [Double] {
    var y = [Double](repeating: 0, count: x.count / 4)
    for (i, value) in x.enumerated() { y[square(i, s)] += factor * value }
    return y
  }
}
