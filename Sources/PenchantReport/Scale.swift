import Foundation

/// Maps values to places on paper, with round ticks.
struct Scale {
  let domain: ClosedRange<Double>
  let range: (from: Double, to: Double)
  let ticks: [Double]
  private let step: Double

  /// Covers `values` and, when told, lands on round numbers at both ends.
  init(
    _ values: [Double], to range: (from: Double, to: Double), including: [Double] = [], count: Int = 5,
    rounded: Bool = true
  ) {
    let finite = (values + including).filter(\.isFinite)
    var low = finite.min() ?? 0
    var high = finite.max() ?? 1
    if low == high {
      let room = low == 0 ? 1 : abs(low) * 0.1
      low -= room
      high += room
    }
    let step = Self.round((high - low) / Double(max(1, count)))
    self.step = step
    if rounded {
      low = (low / step).rounded(.down) * step
      high = (high / step).rounded(.up) * step
    }
    domain = low...high
    self.range = range
    let first = Int((low / step - 1e-9).rounded(.up))
    let last = Int((high / step + 1e-9).rounded(.down))
    ticks = (first...max(first, last)).map { Double($0) * step }
  }

  func callAsFunction(_ value: Double) -> Double {
    range.from + (value - domain.lowerBound) / (domain.upperBound - domain.lowerBound)
      * (range.to - range.from)
  }

  func label(_ tick: Double) -> String {
    // Beyond that whole numbers are no integers of the machine.
    if abs(tick) >= 1e15 { return String(format: "%.3g", tick) }
    if step >= 1 {
      let whole = Int(tick.rounded())
      return whole >= 10_000 && whole % 1000 == 0 ? "\(whole / 1000)k" : "\(whole)"
    }
    return String(format: "%.\(digits)f", tick)
  }

  /// Places behind the point that tell the ticks apart.
  var digits: Int { max(0, Int((-log10(step) + 1e-9).rounded(.up))) }

  /// 1, 2 or 5 times a power of ten, at least `x`.
  private static func round(_ x: Double) -> Double {
    let power = pow(10, log10(x).rounded(.down))
    return ([1, 2, 5, 10].first { $0 * power >= x * (1 - 1e-9) } ?? 10) * power
  }
}
