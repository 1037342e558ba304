import PenchantKernels
import PenchantTape

/// Scores the catalogue for histories. Used by one thread at a time.
public final class HistoryScorer: SequenceScorer {
  public let itemCount: Int
  private let encoder: HistoryEncoder
  private let search: CatalogueSearch
  /// What an empty history is scored by: the log of how often an item was seen.
  private let popularity: [Float]

  convenience init(_ model: FittedSequenceModel<some SequenceConfiguration>, histories: Int) throws {
    try self.init(model, model.configuration.network(itemCount: model.itemCount), histories: histories)
  }

  /// Scores by a network that has the layout of the model's.
  init(
    _ model: FittedSequenceModel<some SequenceConfiguration>, _ network: any SequenceNetwork, histories: Int
  ) throws {
    itemCount = model.itemCount
    encoder = try HistoryEncoder(
      network, store: model.store(network.layout),
      rows: min(HistoryEncoder.rows, max(1, histories) * network.longest))
    search = try CatalogueSearch(network, store: encoder.store)
    popularity = model.logPopularity
  }

  /// States `[histories, width]` whose inner products with the item embeddings are the scores; zeros for an empty history.
  public func states(_ histories: [ArraySlice<Int32>]) throws -> [Float] { try encoder.states(histories) }

  /// Writes the scores of all items, `[histories, itemCount]`. An empty history gets the items' log popularity.
  ///
  /// - Throws: `KernelError.value` for an item that is not in the catalogue, `.shape` for scores of another size.
  public func score(histories: [ArraySlice<Int32>], into scores: inout [Float]) throws {
    try checkScores(scores.count, histories.count, itemCount, "HistoryScorer")
    let network = encoder.network
    let states = try encoder.states(histories)
    let bias = try network.bias.map { try encoder.store.copy(of: $0) }
    let shape = ProductShape(
      rows: histories.count, columns: itemCount, inner: network.width, transposesB: true)
    try encoder.store.reading(network.table) { items throws(KernelError) in
      var out = scores.mutableSpan
      try multiply(shape, states.span, items, columnBias: bias?.span, into: &out)
    }
    for (row, history) in histories.enumerated() where history.isEmpty {
      scores.replaceSubrange(row * itemCount..<(row + 1) * itemCount, with: popularity)
    }
  }

  /// Ranks in one pass over the embeddings, without an array of scores.
  public func top(
    _ count: Int, after history: ArraySlice<Int32>, excluding excluded: [UInt32]
  ) throws -> RankedItems {
    guard !history.isEmpty else { return try topScores(count, of: popularity, excluding: excluded) }
    return try search.top(count, for: encoder.states([history]), excluding: excluded)
  }
}
