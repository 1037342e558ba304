import Foundation

extension DoubleInterpreter {
  /// `policy_loss` from its formula: surrogate and estimate of every token, slopes by hand.
  static func policy(
    _ logits: [Double], _ ids: [UInt32], _ advantage: [Double], old: [Double]?, reference: [Double]?,
    weight: [Double]?, _ s: [Int], _ r: [Double]
  ) -> [[Double]] {
    let (rows, classes) = (s[0], s[1])
    var (loss, gradient) = (0.0, [Double](repeating: 0, count: logits.count))
    for row in 0..<rows where ids[row] != .max {
      let x = Array(logits[row * classes..<(row + 1) * classes])
      let top = x.max() ?? 0
      let total = top + log(x.reduce(0) { $0 + exp($1 - top) })
      let logp = x[Int(ids[row])] - total
      let a = advantage[row]
      var (value, slope) = (-a * logp, -a)
      if let old {
        let u = exp(logp - old[row])
        let held = min(max(u, 1 - r[2]), 1 + r[3])
        (value, slope) = a * u <= a * held ? (-a * u, -a * u) : (-a * held, 0)
      }
      if let reference {
        let q = logp - reference[row]
        switch s[2] {
        case 1: (value, slope) = (value + r[1] * q * q / 2, slope + r[1] * q)
        case 2: (value, slope) = (value + r[1] * (exp(-q) + q - 1), slope + r[1] * (1 - exp(-q)))
        case 3: (value, slope) = (value + r[1] * (exp(q) - q - 1), slope + r[1] * (exp(q) - 1))
        default: break
        }
      }
      let w = weight?[row] ?? 1
      loss += w * value
      for c in 0..<classes {
        let hit = c == Int(ids[row]) ? 1.0 : 0
        gradient[row * classes + c] = r[0] * w * slope * (hit - exp(x[c] - total))
      }
    }
    return [[loss], gradient]
  }

  /// `value_loss` from its formula.
  static func value(
    _ value: [Double], _ target: [Double], old: [Double]?, weight: [Double]?, _ r: [Double]
  ) -> [[Double]] {
    var (loss, gradient) = (0.0, [Double](repeating: 0, count: value.count))
    for i in value.indices {
      let w = weight?[i] ?? 1
      let error = value[i] - target[i]
      var (term, slope) = (error * error, 2 * error)
      if let old {
        let clipped = old[i] + min(max(value[i] - old[i], -r[1]), r[1]) - target[i]
        if clipped * clipped > term {
          (term, slope) = (clipped * clipped, abs(value[i] - old[i]) < r[1] ? 2 * clipped : 0)
        }
      }
      loss += w * term
      gradient[i] = r[0] * w * slope
    }
    return [[loss], gradient]
  }
}
