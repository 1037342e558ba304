import Foundation

/// `−0.42`, `0.42`, or `+0.42` when asked for; "–" where there is no number.
func decimal(_ value: Double?, _ digits: Int = 2, plus: Bool = false) -> String {
  guard let value, value.isFinite else { return "–" }
  let text = String(format: "%.\(digits)f", abs(value))
  let isZero = !text.contains { $0 != "0" && $0 != "." }
  if isZero { return text }
  return (value < 0 ? "−" : plus ? "+" : "") + text
}

/// `63%`: a share of one.
func percent(_ value: Double?, _ digits: Int = 0) -> String {
  guard let value, value.isFinite else { return "–" }
  return String(format: "%.\(digits)f", value * 100) + "%"
}

/// `0.41 to 0.52`, or nothing when an end is missing.
func interval(_ low: Double?, _ high: Double?, _ digits: Int = 2) -> String {
  guard let low, let high else { return "" }
  return "\(decimal(low, digits)) to \(decimal(high, digits))"
}

/// The chance that goes with a difference of utilities in log-odds.
func logistic(_ x: Double) -> Double { 1 / (1 + exp(-x)) }

/// `a`, `a and b`, `a, b and c`.
func sentence(_ parts: [String]) -> String {
  guard parts.count > 1 else { return parts.first ?? "" }
  return parts.dropLast().joined(separator: ", ") + " and " + (parts.last ?? "")
}
