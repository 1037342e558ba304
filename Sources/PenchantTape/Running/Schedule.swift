/// The learning rate of a step, counted from 1.
public enum Schedule: Sendable, Equatable, Codable {
  case constant(Double)
  /// Rises linearly to `peak` over `warmup` steps, then falls along half a cosine to `floor` at `steps`.
  case cosine(peak: Double, warmup: Int, steps: Int, floor: Double = 0)
  /// Rises linearly to `peak` over `warmup` steps, then falls linearly to `floor` at `steps`.
  case linear(peak: Double, warmup: Int, steps: Int, floor: Double = 0)

  public func rate(at step: UInt64) -> Double {
    switch self {
    case .constant(let rate): return rate
    case .cosine(let peak, let warmup, let steps, let floor):
      return Self.shaped(step, peak, warmup, steps, floor) { max((1 + Self.cosine(.pi * $0)) / 2, 0) }
    case .linear(let peak, let warmup, let steps, let floor):
      return Self.shaped(step, peak, warmup, steps, floor) { 1 - $0 }
    }
  }

  private static func shaped(
    _ step: UInt64, _ peak: Double, _ warmup: Int, _ steps: Int, _ floor: Double, _ shape: (Double) -> Double
  ) -> Double {
    let step = Double(step)
    if step < Double(warmup) { return peak * step / Double(warmup) }
    let length = Double(max(steps - max(warmup, 0), 1))
    return floor + (peak - floor) * shape(min((step - Double(max(warmup, 0))) / length, 1))
  }

  /// cos(x) for x in [0, π] within 1e-12, from its series around π/2: rates need the same bits on every
  /// machine.
  private static func cosine(_ x: Double) -> Double {
    let t = .pi / 2 - x
    var term = t
    var sum = t
    for k in 1...10 {
      term *= -t * t / Double((2 * k) * (2 * k + 1))
      sum += term
    }
    return sum
  }
}
