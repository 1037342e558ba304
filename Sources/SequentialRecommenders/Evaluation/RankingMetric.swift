import Foundation
import PenchantKernels

/// A metric of the rank of one target, 0 to 1, higher is better.
public struct RankingMetric: Sendable, Hashable, Codable {
  public enum Kind: String, Sendable, Codable, CaseIterable {
    /// 1 when the target is among the first k. With one target a case it equals the hit rate.
    case recall
    /// 1/log2(rank + 1) when the rank (from 1) is at most k; the ideal is 1 with one target.
    case ndcg
    /// 1/rank when the rank is at most k.
    case mrr
    /// The hit rate.
    case hit
  }

  public var kind: Kind
  /// k; nil counts every rank.
  public var cutoff: Int?

  /// - Throws: `KernelError.value` for a cutoff below 1.
  public init(_ kind: Kind, at cutoff: Int? = nil) throws(KernelError) {
    if let cutoff, cutoff < 1 { throw .value("RankingMetric", "a cutoff of \(cutoff); it must be 1 or more") }
    self.kind = kind
    self.cutoff = cutoff
  }

  private init(unchecked kind: Kind, at cutoff: Int?) { (self.kind, self.cutoff) = (kind, cutoff) }

  public static let ndcg10 = RankingMetric(unchecked: .ndcg, at: 10)

  /// What stands for a model where there is room for two numbers.
  public static let leading = [ndcg10, RankingMetric(unchecked: .recall, at: 10)]

  /// What training measures on validation cases; `run.watch` names one of them.
  static let watched = [
    ndcg10, RankingMetric(unchecked: .recall, at: 10), RankingMetric(unchecked: .recall, at: 20),
    RankingMetric(unchecked: .mrr, at: nil),
  ]

  /// What is printed of a model: NDCG, recall and MRR at 5, 10 and 20.
  public static let reported = [Kind.ndcg, .recall, .mrr].flatMap { kind in
    [5, 10, 20].map { RankingMetric(unchecked: kind, at: $0) }
  }

  /// As RecBole prints it: `ndcg@10`.
  public var name: String { cutoff.map { "\(kind.rawValue)@\($0)" } ?? kind.rawValue }

  /// What a target at a rank (from 1, possibly half a place) is worth.
  public func value(atRank rank: Double) -> Double {
    if let cutoff, rank > Double(cutoff) { return 0 }
    return switch kind {
    case .recall, .hit: 1
    case .ndcg: 1 / log2(rank + 1)
    case .mrr: 1 / rank
    }
  }
}

extension RankingMetric {
  /// Recall, NDCG, MRR and hit rate at each cutoff.
  public static func all(at cutoffs: [Int]) throws(KernelError) -> [RankingMetric] {
    var metrics: [RankingMetric] = []
    for kind in Kind.allCases {
      for cutoff in cutoffs { metrics.append(try RankingMetric(kind, at: cutoff)) }
    }
    return metrics
  }
}
