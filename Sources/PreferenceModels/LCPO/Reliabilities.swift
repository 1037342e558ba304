import Foundation
import PenchantKernels
import PenchantTrain

/// η of every annotator, the slope κ of the E-step, and how both move.
public struct Reliabilities: Codable, Sendable, Equatable {
  /// P(a label of annotator k is right).
  public var eta: [Double]
  /// κ: the posterior is σ(κ u + logit η). 1 believes the model's margins as they are.
  public var slope: Double

  /// η stays within `floor ... 1 − floor`; below ½ an annotator is adversarial, which is information too.
  public static let floor = 1e-3

  public init(annotators: Int, start: Double = 0.9, slope: Double = 1) {
    eta = [Double](repeating: start, count: max(1, annotators))
    self.slope = slope
  }

  /// Over annotators.
  public var mean: Double { eta.sum() / Double(eta.count) }

  /// Over labels, of which annotator k gave `labels[k]`.
  public func mean(over labels: [Double]) -> Double {
    zip(eta, labels).map { $0 * $1 }.sum() / max(labels.sum(), .leastNormalMagnitude)
  }

  /// a = logit η.
  public var logits: [Double] { eta.map { log($0) - log1p(-$0) } }

  /// Posterior, gradient and sums of pairs whose margins are `margins`.
  public func expect(
    _ margins: [Double], annotators: [UInt32]? = nil, weights: [Double]? = nil
  ) throws(KernelError) -> NoiseExpectation {
    try labelNoise(
      logits: slope == 1 ? margins : margins.map { $0 * slope }, annotators: annotators, reliability: logits,
      weights: weights)
  }

  /// M-step of η by `rule`.
  public mutating func update(
    _ rule: ReliabilityRule, from found: NoiseExpectation
  ) throws(KernelError) {
    let sums = AnnotatorSums(sum: found.sum, count: found.count, meanLoss: found.loss)
    _ = try rule.update(&eta, from: sums, floor: Self.floor)
  }

  /// M-step of κ: towards the slope at which σ(κ u) fits soft labels, by Newton steps that never go up; the sum of weight ·
  /// cross-entropy is convex in κ. κ stays in 1e-3 ... 1e3: without a wrong label the best is infinite.
  public mutating func fitSlope(_ margins: [Double], posterior: [Double], weights: [Double]? = nil) {
    func evaluate(_ slope: Double) -> (value: Double, first: Double, second: Double) {
      var (value, first, second) = (0.0, 0.0, 0.0)
      margins.withUnsafeBufferPointer { margins in
        posterior.withUnsafeBufferPointer { posterior in
          for i in 0..<min(margins.count, posterior.count) {
            let (m, w) = (margins[i], weights?[i] ?? 1)
            let u = slope * m
            let e = exp(-abs(u))
            let near = 1 / (1 + e)
            let p = u >= 0 ? near : e * near
            value += w * (log1p(e) + (u >= 0 ? (1 - posterior[i]) * u : -posterior[i] * u))
            first += w * m * (p - posterior[i])
            second += w * m * m * e * near * near
          }
        }
      }
      return (value, first, second)
    }
    var now = evaluate(slope)
    for _ in 0..<4 {
      guard now.second > 0, now.value.isFinite else { return }
      var step = -now.first / now.second
      var accepted = false
      for _ in 0..<30 {
        let next = min(1e3, max(1e-3, slope + step))
        let reached = evaluate(next)
        if reached.value <= now.value {
          step = next - slope
          (slope, now, accepted) = (next, reached, true)
          break
        }
        step /= 2
      }
      guard accepted, abs(step) > 1e-12 * slope else { return }
    }
  }
}
