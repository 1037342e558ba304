import Foundation
import PenchantKernels
import PenchantTrain

/// How far the labels of some pairs are trusted in one step: the sigmoid loss of every pair gets a weight, and the order in
/// which the pair is read.
///
/// Any loss whose slope by the margin is g has, at that margin, the gradient of weight · softplus(∓u): the order as observed
/// with −g/σ(−u) where g is negative, the other order with g/σ(u) where it is positive. So a model that takes a weight a pair
/// takes LCPO and every robust loss, with the exact gradient, and no kernel of its own.
public struct PairTrust: Sendable, Equatable {
  /// 0 or more.
  public var weight: [Float]
  /// The rejected one is to be read as the chosen one.
  public var isSwapped: [Bool]
  /// Mean of the loss that is minimised: for LCPO the marginal negative log-likelihood.
  public var meanLoss: Double

  public init(weight: [Float], isSwapped: [Bool], meanLoss: Double) {
    self.weight = weight
    self.isSwapped = isSwapped
    self.meanLoss = meanLoss
  }

  /// Trust of labels under reliabilities `eta`, one a pair. The ratio to the plain gradient is written without its
  /// exponentials that cancel: |2η − 1| / (η p + (1 − η)(1 − p)) times p, or 1 − p, over itself or the other.
  init(margins: [Float], reliabilities: [Double], slope: Double, meanLoss: Double) {
    weight = [Float](repeating: 0, count: margins.count)
    isSwapped = [Bool](repeating: false, count: margins.count)
    self.meanLoss = meanLoss
    for i in margins.indices {
      let u = Double(margins[i])
      let (eta, tilt) = (reliabilities[i], 2 * reliabilities[i] - 1)
      if slope == 1 {
        let e = exp(-abs(u))
        let mixed = u >= 0 ? eta + e * (1 - eta) : e * eta + 1 - eta
        // −g/σ(−u) loses e where u ≥ 0; g/σ(u), which the other order needs, where u < 0.
        weight[i] = Float(abs(tilt) * (tilt >= 0 ? (u >= 0 ? 1 : e) : (u >= 0 ? e : 1)) / mixed)
        isSwapped[i] = tilt < 0
      } else {
        // The posterior is that of κu, the model's own chance that of u: g = σ(u) − σ(κu + a). Where κ exceeds 1 that can
        // ask for the order that the label denies; a model that has learnt little would then confirm its own first guesses and
        // turn every preference round. As with κ = 1 a doubted label counts for nothing, and never for its opposite.
        let g = sigmoid(u) - sigmoid(slope * u + log(eta) - log1p(-eta))
        isSwapped[i] = tilt < 0
        guard (g > 0) == (tilt < 0) else { continue }
        weight[i] = Self.ratio(g, u)
      }
    }
  }

  /// Trust that gives the gradient of `slopes` by the margins.
  init(margins: [Float], slopes: [Float], meanLoss: Double) {
    isSwapped = slopes.map { $0 > 0 }
    weight = zip(margins, slopes).map { Self.ratio(Double($1), Double($0)) }
    self.meanLoss = meanLoss
  }

  /// The sigmoid loss of pairs with these margins, trusted as far as `trust` says, and its slope by each margin.
  ///
  /// - Parameters:
  ///   - weights: each pair's own; nil for 1.
  ///   - total: what the sums are divided by.
  static func loss(
    _ margins: [Double], trust: PairTrust?, weights: [Double]? = nil, total: Double
  ) -> (value: Double, slopes: [Double]) {
    var (value, slopes) = (0.0, margins)
    for i in margins.indices {
      let isSwapped = trust?.isSwapped[i] ?? false
      let weight = (weights?[i] ?? 1) * (trust.map { Double($0.weight[i]) } ?? 1) / total
      let u = isSwapped ? -margins[i] : margins[i]
      value += weight * softplus(-u)
      slopes[i] = (isSwapped ? weight : -weight) * sigmoid(-u)
    }
    return (value, slopes)
  }

  /// |g| over the slope of the sigmoid loss in the order that g wants. Where that slope is nothing, so is the gradient.
  private static func ratio(_ g: Double, _ u: Double) -> Float {
    let slope = sigmoid(g > 0 ? u : -u)
    return slope > 1e-30 ? Float(abs(g) / slope) : 0
  }
}
