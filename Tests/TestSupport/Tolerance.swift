/// When a float result counts as equal to its reference in Double.
public enum Tolerance: Sendable {
  /// Equal values; for inputs that make the arithmetic exact.
  case exact
  /// Units of the last place of the reference.
  case ulp(Double)
  /// Units of the last place of the reference or of `floor`, whichever is larger.
  case ulpAbove(Double, floor: Double)
  /// Units of the last place of the largest magnitude in the same output: for results that cancel.
  case ulpOfLargest(Double)
  /// `|got - want| <= absolute + relative * |want|`.
  case close(relative: Double, absolute: Double)

  /// Nothing when all agree, else the place that is worst.
  func firstFailure(_ got: [Float], _ want: [Double]) -> String? {
    guard got.count == want.count else { return "\(got.count) results, \(want.count) expected" }
    let largest = want.reduce(0) { $1.isFinite ? max($0, abs($1)) : $0 }
    var worst: (error: Double, index: Int)?
    for index in got.indices {
      let error = excess(got[index], want[index], largest)
      if error > 1, error > worst?.error ?? 1 { worst = (error, index) }
    }
    return worst.map {
      "[\($0.index)] is \(got[$0.index]), reference \(want[$0.index]) (\($0.error) times \(self))"
    }
  }

  /// The error over what is allowed.
  private func excess(_ got: Float, _ want: Double, _ largest: Double) -> Double {
    switch self {
    case .exact: Double(got) == want || (got.isNaN && want.isNaN) ? 0 : .infinity
    case .ulp(let limit): ulps(got, want) / limit
    case .ulpAbove(let limit, let floor): ulps(got, want, scale: floor) / limit
    case .ulpOfLargest(let limit): ulps(got, want, scale: largest) / limit
    case .close(let relative, let absolute):
      if got.isFinite, want.isFinite {
        abs(Double(got) - want) / (absolute + relative * abs(want))
      } else {
        ulps(got, want) == 0 ? 0 : .infinity
      }
    }
  }
}
