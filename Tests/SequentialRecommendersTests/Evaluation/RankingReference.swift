import Foundation
import SequentialRecommenders

/// Metrics by definition in Double: all orders of ties are averaged place by place, from a sort of the scores.
enum RankingReference {
  /// The value of a metric of a target among `candidates` (the target is one of them).
  static func value(
    _ kind: RankingMetric.Kind, _ cutoff: Int?, target: Int, candidates: [Int], scores: [Double],
    ties: TiePolicy
  ) -> Double {
    let sorted = candidates.sorted { scores[$0] > scores[$1] }
    // The block of places (from 1) with the target's score.
    let block = sorted.indices.filter { scores[sorted[$0]] == scores[target] }.map { $0 + 1 }
    func gain(_ rank: Double) -> Double {
      if let cutoff, rank > Double(cutoff) { return 0 }
      switch kind {
      case .recall, .hit: return 1
      case .ndcg: return log(2) / log(rank + 1)
      case .mrr: return 1 / rank
      }
    }
    switch ties {
    case .expected: return block.map { gain(Double($0)) }.reduce(0, +) / Double(block.count)
    case .averageRank: return gain(Double(block.reduce(0, +)) / Double(block.count))
    case .optimistic: return gain(Double(block[0]))
    case .pessimistic: return gain(Double(block[block.count - 1]))
    }
  }
}

/// Scores of a table, found by the history itself.
struct TableScorer: SequenceScorer {
  let itemCount: Int
  var table: @Sendable (ArraySlice<Int32>, Int) -> Float

  func score(histories: [ArraySlice<Int32>], into scores: inout [Float]) throws {
    for (row, history) in histories.enumerated() {
      for column in 0..<itemCount { scores[row * itemCount + column] = table(history, column + 1) }
    }
  }

  /// Small whole numbers, so that many tie.
  static func tying(_ items: Int, levels: Int) -> TableScorer {
    TableScorer(itemCount: items) { history, item in
      let mixed = history.reduce(UInt64(item)) { ($0 ^ UInt64($1)) &* 0x9E37_79B9_7F4A_7C15 }
      return Float(Int((mixed >> 40) % UInt64(levels))) - 3
    }
  }
}
