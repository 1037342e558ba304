import PenchantKernels

/// Counterfactuals as a table of distinct texts with the pairs of every split: what is encoded once and trained on.
public struct CounterfactualTable: Sendable {
  public enum Part: String, Sendable, Codable, CaseIterable {
    case train, commentEval, comment, levelEval, level, oodEval, ood
  }

  public let counterfactuals: Counterfactuals
  public let splits: Counterfactuals.Splits
  public private(set) var pairs: AttributePairs
  /// Places in `pairs.pairs` of each part.
  public private(set) var parts: [Part: [Int]] = [:]

  public init(_ counterfactuals: Counterfactuals, _ splits: Counterfactuals.Splits) {
    self.counterfactuals = counterfactuals
    self.splits = splits
    pairs = AttributePairs(attributes: counterfactuals.attributes.map(\.name))
    let all: [(Part, [CounterfactualPair])] = [
      (.train, splits.train), (.commentEval, splits.comment.eval), (.comment, splits.comment.test),
      (.levelEval, splits.level.eval), (.level, splits.level.test), (.oodEval, splits.ood.eval),
      (.ood, splits.ood.test),
    ]
    for (part, members) in all {
      let first = pairs.pairs.count
      for pair in members {
        let record = counterfactuals.records[pair.record]
        let name = counterfactuals.attributes[pair.attribute].name
        guard let low = record[name, pair.low], let high = record[name, pair.high] else { continue }
        let context = record.context
        pairs.append(
          AttributePairs.Pair(
            attribute: pair.attribute, more: pairs.place(high, context), less: pairs.place(low, context),
            gap: pair.gap))
      }
      parts[part] = Array(first..<pairs.pairs.count)
    }
  }

  public func pairs(_ part: Part) -> [Int] { parts[part] ?? [] }

  /// Adds to the pairs, for each that trains, that another attribute does not tell its two texts apart: both orders, half
  /// a pair each. Heads that learn from them too do not take for their own what every rewrite changes, such as the
  /// length (the constraint A_k(y_{a,l}) ≈ A_k(y), k ≠ a, of the specification's section 5).
  ///
  /// - Parameter count: other attributes, drawn, for each pair.
  /// - Returns: the places of what was added.
  public mutating func addTies(_ count: Int, seed: UInt64) -> [Int] {
    let K = pairs.attributes.count
    guard K > 1, count > 0 else { return [] }
    let first = pairs.pairs.count
    var draws = Philox(seed: seed, stream: Self.stream)
    for place in pairs(.train) {
      let pair = pairs.pairs[place]
      for _ in 0..<count {
        let other = (pair.attribute + 1 + draws.index(below: K - 1)) % K
        for (more, less) in [(pair.more, pair.less), (pair.less, pair.more)] {
          pairs.append(AttributePairs.Pair(attribute: other, more: more, less: less, weight: 0.5))
        }
      }
    }
    return Array(first..<pairs.pairs.count)
  }

  private static let stream: UInt64 = 0x4354_5449_0000_0000

  /// The records that no training pair has.
  public var testRecords: [Int] {
    let trained = Set((splits.train + splits.level.eval + splits.level.test).map(\.record))
    return counterfactuals.records.indices.filter { !trained.contains($0) }
  }
}
