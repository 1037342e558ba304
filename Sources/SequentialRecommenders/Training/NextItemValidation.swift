import PenchantKernels
import PenchantTape

/// Ranks the next items of held-out cases among the whole catalogue, as `FullRanking` does for one protocol, but without
/// a matrix of scores: what is measured again and again while training.
struct NextItemValidation {
  private let cases: NextItemCases
  private let ranked: SeenItems
  private let encoder: HistoryEncoder
  private static let tile = 4096

  init(
    _ cases: NextItemCases, ranked: SeenItems, network: any SequenceNetwork, store: ParameterStore
  ) throws(TapeError) {
    self.cases = cases
    self.ranked = ranked
    encoder = try HistoryEncoder(network, store: store)
  }

  /// Means of the metrics that early stopping can watch.
  func metrics() throws -> [(name: String, value: Double)] {
    let places = try places()
    return RankingMetric.watched.map { ($0.name, places.mean($0)) }
  }

  func places() throws -> TargetPlaces {
    var all = TargetPlaces()
    let network = encoder.network
    let bias = try network.bias.map { try encoder.store.copy(of: $0) }
    for first in stride(from: 0, to: cases.count, by: Self.tile) {
      let some = first..<min(first + Self.tile, cases.count)
      let states = try encoder.states(some.map(cases.history))
      let targets = some.map { UInt32(cases.target($0) - 1) }
      let excluded =
        ranked == .masked
        ? try Exclusions(
          some.map { place in
            cases.history(place).filter { $0 != cases.target(place) }.map { UInt32($0 - 1) }
          }) : nil
      let shape = RankingShape(queries: some.count, items: network.itemCount, width: network.width)
      let found = try encoder.store.reading(network.table) { items throws(KernelError) in
        try ranks(
          ofTargets: targets.span, shape, queries: states.span, items: items, bias: bias?.span,
          excluding: excluded)
      }
      all.above += found.above
      all.tied += found.tied
    }
    return all
  }
}
