import Foundation

/// How a true reward falls behind as a policy leaves its reference: with d = √KL, d(α − β log d) under
/// reinforcement learning and d(α − β d) for the best of n (Gao, Schulman & Hilton 2022).
public struct OveroptimisationLaw: Codable, Sendable, Equatable {
  public enum Form: String, Codable, Sendable, CaseIterable {
    case reinforcement
    case bestOfN = "best_of_n"
  }

  public var form: Form
  public var alpha: Double
  public var beta: Double
  /// Share of the variance of the true reward that the law explains.
  public var explained: Double

  /// Least squares through the origin; `nil` with fewer than three points off it, or points at one
  /// divergence.
  ///
  /// - Parameter points: divergence in nats, and the true reward above that of the reference policy.
  public init?(_ form: Form, fitting points: [(divergence: Double, gold: Double)]) {
    let used = points.filter { $0.divergence > 1e-6 && $0.divergence.isFinite && $0.gold.isFinite }
    guard used.count >= 3 else { return nil }
    var (xx, xy, yy, xr, yr) = (0.0, 0.0, 0.0, 0.0, 0.0)
    let mean = used.reduce(0) { $0 + $1.gold } / Double(used.count)
    for point in used {
      let d = point.divergence.squareRoot()
      let y = Self.bend(form, d)
      (xx, xy, yy) = (xx + d * d, xy + d * y, yy + y * y)
      (xr, yr) = (xr + d * point.gold, yr + y * point.gold)
    }
    let determinant = xx * yy - xy * xy
    guard determinant > 1e-12 * xx * yy else { return nil }
    alpha = (xr * yy - yr * xy) / determinant
    beta = -(yr * xx - xr * xy) / determinant
    self.form = form
    explained = 0
    let left = used.reduce(0) { $0 + pow($1.gold - value(at: $1.divergence), 2) }
    let spread = used.reduce(0) { $0 + pow($1.gold - mean, 2) }
    explained = spread > 0 ? 1 - left / spread : 0
  }

  private static func bend(_ form: Form, _ d: Double) -> Double {
    form == .reinforcement ? d * log(d) : d * d
  }

  /// The true reward that the law expects at a divergence.
  public func value(at divergence: Double) -> Double {
    guard divergence > 0 else { return 0 }
    let d = divergence.squareRoot()
    return alpha * d - beta * Self.bend(form, d)
  }

  /// The divergence at which the true reward is largest; `nil` when it rises for ever.
  public var peak: Double? {
    guard beta > 0 else { return nil }
    let d = form == .reinforcement ? exp(alpha / beta - 1) : alpha / (2 * beta)
    return d > 0 && d.isFinite ? d * d : nil
  }

  /// KL of the best of `n` answers from one answer, in nats: log n − (n − 1)/n.
  public static func bestOfNDivergence(_ n: Int) -> Double {
    n > 0 ? log(Double(n)) - Double(n - 1) / Double(n) : 0
  }
}
