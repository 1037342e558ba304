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

  /// M-step of κ: the slope at which σ(κ u) fits soft labels, which is convex in κ.
  public mutating func fitSlope(_ margins: [Double], posterior: [Double], weights: [Double]? = nil) {
    let w = weights ?? [Double](repeating: 1, count: margins.count)
    let scaling = TemperatureScaling(
      fitting: margins + margins.map { -$0 },
      weights: zip(posterior, w).map { $0 * $1 } + zip(posterior, w).map { (1 - $0) * $1 })
    slope = 1 / scaling.temperature
  }

  /// Standard errors of η when the margins are given: 1/√ of the information, pseudo-counts added to it.
  /// `nil` where the labels say nothing of η (every margin is 0).
  public func standardErrors(
    _ information: [Double], pseudo: (right: Double, wrong: Double) = (0, 0)
  ) -> [Double?] {
    zip(eta, information).map { eta, information in
      let prior = pseudo.right / (eta * eta) + pseudo.wrong / ((1 - eta) * (1 - eta))
      // A tenth of a label's worth is no information: the interval would be wider than 0 to 1.
      return information + prior > 1e-9 ? 1 / (information + prior).squareRoot() : nil
    }
  }
}
