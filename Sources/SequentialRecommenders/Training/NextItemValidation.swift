import Foundation
import PenchantKernels
import PenchantTape

/// Means over cases with one target each, from its rank among all items.
public struct NextItemMetrics: Sendable, Equatable {
  public let ndcg10: Double
  public let recall10: Double
  public let recall20: Double
  public let reciprocalRank: Double

  /// - Parameter ranks: from 1; an item of a tied block has the mean rank of the block.
  init(ranks: [Double]) {
    let count = Double(max(1, ranks.count))
    ndcg10 = ranks.reduce(0) { $0 + ($1 <= 10 ? 1 / log2($1 + 1) : 0) } / count
    recall10 = Double(ranks.count { $0 <= 10 }) / count
    recall20 = Double(ranks.count { $0 <= 20 }) / count
    reciprocalRank = ranks.reduce(0) { $0 + 1 / $1 } / count
  }

  var named: [(name: String, value: Double)] {
    [("ndcg@10", ndcg10), ("recall@10", recall10), ("recall@20", recall20), ("mrr", reciprocalRank)]
  }
}

/// Ranks the next items of held-out cases among the whole catalogue; no matrix of scores is made.
struct NextItemValidation {
  private let cases: NextItemCases
  private let encoder: HistoryEncoder
  private static let tile = 4096

  init(_ cases: NextItemCases, network: any SequenceNetwork, store: ParameterStore) throws(TapeError) {
    self.cases = cases
    encoder = try HistoryEncoder(network, store: store)
  }

  /// - Parameter masked: items of the history cannot be ranked (except the target).
  func metrics(masked: Bool = false) throws -> NextItemMetrics {
    var all: [Double] = []
    let network = encoder.network
    let bias = try network.bias.map { try encoder.store.copy(of: $0) }
    for first in stride(from: 0, to: cases.count, by: Self.tile) {
      let some = first..<min(first + Self.tile, cases.count)
      let states = try encoder.states(some.map(cases.history))
      let targets = some.map { UInt32(cases.target($0) - 1) }
      let excluded =
        masked
        ? try Exclusions(
          some.map { place in
            cases.history(place).filter { $0 != cases.target(place) }.map { UInt32($0 - 1) }
          }) : nil
      let shape = RankingShape(queries: some.count, items: network.itemCount, width: network.width)
      let placed = try encoder.store.reading(network.table) { items throws(KernelError) in
        try ranks(
          ofTargets: targets.span, shape, queries: states.span, items: items, bias: bias?.span,
          excluding: excluded)
      }
      all += (0..<some.count).map(placed.expectedRank)
    }
    return NextItemMetrics(ranks: all)
  }
}
