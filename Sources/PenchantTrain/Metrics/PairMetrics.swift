import Foundation

/// Metrics of a model that scores the chosen and the rejected text of a pair; the chance that chosen is preferred is
/// sigmoid(margin).
///
/// Names are those that preference trainers print: `rewards/chosen`, `rewards/rejected`, `rewards/margins`,
/// `rewards/accuracies`.
public struct PairMetrics: Sendable, Codable, Equatable {
  public var count: Int
  /// Share of pairs with a positive margin; a tie counts one half.
  public var accuracy: Double
  /// Mean of -log sigmoid(margin), nats.
  public var logLoss: Double
  /// Mean of (1 - sigmoid(margin))², 0 to 1; 0.25 for a coin.
  public var brier: Double
  /// Expected calibration error of `Reliability`, 0 to 1.
  public var ece: Double
  /// Area under the ROC curve of the margin when every pair is shown in both orders.
  public var auc: Double
  /// Mean scores of the chosen and the rejected texts, and of their difference.
  public var chosen: Double
  public var rejected: Double
  public var margin: Double

  /// - Parameters:
  ///   - chosen: scores of the preferred texts.
  ///   - rejected: scores of the others, same length.
  ///   - weights: one a pair, or nil for 1 each.
  public init(chosen: [Double], rejected: [Double], weights: [Double]? = nil) {
    let margins = zip(chosen, rejected).map { $0 - $1 }
    let weights = weights ?? [Double](repeating: 1, count: margins.count)
    let total = weights.sum()
    let mean = { (values: [Double]) -> Double in
      total > 0 ? zip(values, weights).map { $0 * $1 }.sum() / total : .nan
    }
    count = margins.count
    accuracy = mean(margins.map(Self.hit))
    logLoss = mean(margins.map { softplus(-$0) })
    brier = mean(
      margins.map {
        let miss = sigmoid(-$0)
        return miss * miss
      })
    ece = Reliability(margins: margins, weights: weights).ece
    auc = Self.auc(margins: margins, weights: weights)
    self.chosen = mean(chosen)
    self.rejected = mean(rejected)
    margin = mean(margins)
  }

  /// Metrics from margins alone: the score of the rejected text counts as zero.
  public init(margins: [Double], weights: [Double]? = nil) {
    self.init(chosen: margins, rejected: [Double](repeating: 0, count: margins.count), weights: weights)
  }

  /// 1 for a positive margin, one half for none, 0 for a negative one.
  public static func hit(_ margin: Double) -> Double {
    margin > 0 ? 1 : margin == 0 ? 0.5 : margin < 0 ? 0 : .nan
  }

  /// P(m > -m') for two margins drawn independently, ties one half: each pair is seen as (a, b) with label 1 and as (b, a)
  /// with label 0.
  static func auc(margins: [Double], weights: [Double]) -> Double {
    guard !margins.isEmpty, !margins.contains(where: \.isNaN) else { return .nan }
    var points: [(value: Double, positive: Bool, weight: Double)] = []
    points.reserveCapacity(2 * margins.count)
    for (margin, weight) in zip(margins, weights) {
      points.append((margin, true, weight))
      points.append((-margin, false, weight))
    }
    points.sort { $0.value < $1.value }
    var below = 0.0
    var wins = 0.0
    var at = 0
    while at < points.count {
      var end = at
      var positive = 0.0
      var negative = 0.0
      while end < points.count, points[end].value == points[at].value {
        if points[end].positive { positive += points[end].weight } else { negative += points[end].weight }
        end += 1
      }
      wins += positive * (below + negative / 2)
      below += negative
      at = end
    }
    return below > 0 ? wins / (below * below) : .nan
  }

  /// Metric names and values in the order they are printed.
  public var named: [(name: String, value: Double)] {
    [
      ("accuracy", accuracy), ("log_loss", logLoss), ("brier", brier), ("ece", ece), ("auc", auc),
      ("rewards/chosen", chosen), ("rewards/rejected", rejected), ("rewards/margins", margin),
      ("rewards/accuracies", accuracy),
    ]
  }
}

/// 1 / (1 + e^-x) without overflow.
public func sigmoid(_ x: Double) -> Double {
  let e = exp(-abs(x))
  return (x >= 0 ? 1 : e) / (1 + e)
}

/// log(1 + e^x) without overflow.
public func softplus(_ x: Double) -> Double { max(x, 0) + log1p(exp(-abs(x))) }

extension Sequence where Element == Double {
  /// The sum with Neumaier's compensation.
  public func sum() -> Double {
    var sum = 0.0
    var lost = 0.0
    for value in self {
      let next = sum + value
      if next.isFinite { lost += abs(sum) >= abs(value) ? (sum - next) + value : (value - next) + sum }
      sum = next
    }
    return sum + lost
  }
}
