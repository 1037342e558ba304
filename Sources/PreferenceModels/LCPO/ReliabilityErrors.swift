import Foundation
import PenchantKernels
import PenchantTrain

/// Standard errors of reliabilities, from the outer product of the scores of all labels.
///
/// η of one annotator depends on that of another through κ alone: the information is a diagonal D with one more row c, and
/// its inverse is written out. Parameters of the model besides κ are taken as given.
struct ReliabilityErrors: Sendable {
  /// Of η; nil where the labels of an annotator say nothing of it.
  private(set) var each: [Double?]
  /// Of the mean of η over labels; nil when no annotator has one.
  private(set) var mean: Double?

  /// - Parameters:
  ///   - found: the E-step at these margins.
  ///   - fitsSlope: κ was estimated from the same labels.
  init(
    _ reliabilities: Reliabilities, margins: [Double], _ found: NoiseExpectation, annotators: [UInt32]?,
    weights: [Double], pseudo: (right: Double, wrong: Double), fitsSlope: Bool
  ) {
    let eta = reliabilities.eta
    let information = zip(eta, found.information).map { eta, information in
      information + pseudo.right / (eta * eta) + pseudo.wrong / ((1 - eta) * (1 - eta))
    }
    var shared = [Double](repeating: 0, count: eta.count)
    var slope = 0.0
    if fitsSlope {
      for i in margins.indices {
        let k = annotators.map { Int($0[i]) } ?? 0
        let p = sigmoid(reliabilities.slope * margins[i])
        let seen = eta[k] * p + (1 - eta[k]) * (1 - p)
        let byEta = (2 * p - 1) / seen
        let bySlope = margins[i] * p * (1 - p) * (2 * eta[k] - 1) / seen
        shared[k] += weights[i] * byEta * bySlope
        slope += weights[i] * bySlope * bySlope
      }
    }
    // Below this a label says less of η than a millionth of one that is certain.
    let isKnown = information.map { $0 > 1e-6 }
    // What is left of κ's information when every η is free.
    let left = slope - zip(shared, information).map { $1 > 1e-6 ? $0 * $0 / $1 : 0 }.sum()
    let isApart = !fitsSlope || left > 1e-9 * slope
    each = eta.indices.map { k in
      guard isKnown[k], isApart else { return nil }
      let own = 1 / information[k]
      return (own + (fitsSlope ? shared[k] * shared[k] * own * own / left : 0)).squareRoot()
    }
    let total = max(found.count.sum(), .leastNormalMagnitude)
    guard isApart, isKnown.contains(true) else { return }
    var (variance, tie) = (0.0, 0.0)
    for k in eta.indices {
      let share = found.count[k] / total
      // An annotator of whom nothing is known could be anywhere between 0 and 1.
      variance += share * share * (isKnown[k] ? 1 / information[k] : 0.25)
      if isKnown[k] { tie += share * shared[k] / information[k] }
    }
    mean = (variance + (fitsSlope ? tie * tie / left : 0)).squareRoot()
  }
}
