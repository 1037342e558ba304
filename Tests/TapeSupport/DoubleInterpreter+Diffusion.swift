import Foundation

extension DoubleInterpreter {
  /// Loss and gradient over pairs of noise predictions, as the sum of squares says them.
  static func diffusionPreference(
    _ eps: [Double], _ reference: [Double], _ noise: [Double], _ weights: [Double]?, _ s: [Int], _ r: [Double]
  ) -> [[Double]] {
    let (pairs, cols) = (s[0], s[1])
    let (factor, beta) = (r[0] / Double(pairs), r[1])
    func error(_ values: [Double], _ row: Int) -> Double {
      (0..<cols).reduce(0) { $0 + pow(values[row * cols + $1] - noise[row * cols + $1], 2) } / Double(cols)
    }
    var mean = 0.0
    var gradient = [Double](repeating: 0, count: eps.count)
    for pair in 0..<pairs {
      let (w, l) = (pair, pairs + pair)
      let h = -beta / 2 * ((error(eps, w) - error(eps, l)) - (error(reference, w) - error(reference, l)))
      let weight = weights?[pair] ?? 1
      mean += weight * softplus(-h) / Double(pairs)
      for (row, sign) in [(w, 1.0), (l, -1.0)] {
        for i in row * cols..<(row + 1) * cols {
          gradient[i] = sign * factor * weight * sigmoid(-h) * beta / Double(cols) * (eps[i] - noise[i])
        }
      }
    }
    return [[mean], gradient]
  }
}
