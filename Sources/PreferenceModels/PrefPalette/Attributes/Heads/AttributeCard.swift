import Foundation

/// Share of pairs whose order a head gets right.
public struct PairAccuracy: Sendable, Codable, Equatable {
  /// 0 to 1, ties count half; NaN-free: 0 without pairs.
  public var accuracy: Double
  public var pairs: Int
  /// √(p (1 − p) / n)
  public var standardError: Double {
    pairs == 0 ? 0 : (accuracy * (1 - accuracy) / Double(pairs)).squareRoot()
  }

  public init(_ hits: [Double]) {
    pairs = hits.count
    accuracy = hits.isEmpty ? 0 : hits.reduce(0, +) / Double(hits.count)
  }
}

/// What is known of one head: shown beside every number that rests on it.
public struct AttributeCard: Sendable, Codable, Equatable {
  public var attribute: String
  /// Who made the texts it learned from.
  public var teacher: String
  /// Accuracy by split: `comment`, `level`, `ood`; only those that have pairs.
  public var splits: [String: PairAccuracy]
  /// Accuracy on held-out texts by the gap of levels 1 … 4, four entries.
  public var gaps: [PairAccuracy]
  /// Mean standardised score of held-out rewrites at levels 1 … 5; empty without any.
  public var levelMeans: [Double]
  /// Accuracy on judgements of people that it did not learn from; nil when there are none.
  public var people: PairAccuracy?

  /// Whether the mean score rises from each level to the next.
  public var isMonotone: Bool {
    !levelMeans.isEmpty && zip(levelMeans, levelMeans.dropFirst()).allSatisfy { $0 < $1 }
  }

  /// How far the head may be trusted. Accuracy on the teacher's own rewrites says next to nothing about it.
  public var validation: String {
    people.map {
      String(format: "agrees with people in %.3f ± %.3f of %d pairs", $0.accuracy, $0.standardError, $0.pairs)
    } ?? "not validated on people"
  }
}
