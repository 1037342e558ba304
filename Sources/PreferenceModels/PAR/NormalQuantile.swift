import Foundation

/// Φ⁻¹(p) for p in (0, 1): where a share p of a standard normal lies below. Newton's method on erfc, within
/// 1e-12.
func normalQuantile(_ p: Double) -> Double {
  guard p > 0, p < 1 else { return p <= 0 ? -.infinity : .infinity }
  // On the smaller tail, where the steps do not cancel.
  let tail = min(p, 1 - p)
  var z = -(-2 * log(2 * tail)).squareRoot()
  for _ in 0..<60 {
    let below = 0.5 * erfc(-z / 2.0.squareRoot())
    let density = exp(-z * z / 2) / (2 * Double.pi).squareRoot()
    // In log: log Φ is concave, so that the steps do not jump over the root from far out.
    let step = (log(below) - log(tail)) * below / density
    z -= step
    if abs(step) < 1e-14 * max(1, abs(z)) { break }
  }
  return p < 0.5 ? z : -z
}
