/// How far `got` is from `want`, in units of the last place that a float nearest to `want` has.
///
/// Subnormals have the unit of the smallest normal binade. Two NaN, or two infinities of one sign, are 0 apart; a
/// finite value and a NaN are infinitely far apart. A result that overflows only by rounding is 0 apart.
public func ulps(_ got: Float, _ want: Double) -> Double {
  if want.isNaN || got.isNaN { return want.isNaN && got.isNaN ? 0 : .infinity }
  let nearest = Float(want)
  if nearest.isInfinite || got.isInfinite {
    if nearest == got { return 0 }
    // The neighbour of an infinity is the largest finite number, one step away.
    let largest = nearest.sign == .minus ? -Float.greatestFiniteMagnitude : .greatestFiniteMagnitude
    return !want.isInfinite && (got == largest || (got.isInfinite && nearest == largest)) ? 1 : .infinity
  }
  return abs(Double(got) - want) / Double(unit(of: nearest))
}

/// The same with the unit of `scale` when that is larger: for results that cancel.
public func ulps(_ got: Float, _ want: Double, scale: Double) -> Double {
  guard got.isFinite, want.isFinite else { return ulps(got, want) }
  return abs(Double(got) - want) / Double(max(unit(of: Float(want)), unit(of: Float(scale))))
}

private func unit(of x: Float) -> Float {
  let magnitude = min(abs(x), .greatestFiniteMagnitude)
  return magnitude < .leastNormalMagnitude ? .leastNonzeroMagnitude : magnitude.ulp
}
