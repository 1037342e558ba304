import PenchantKernels
import PenchantTape

/// A history that is being followed: what its blocks have computed so far, so that a new event costs one row.
public struct SASRecSession: Sendable {
  /// The items that the model reads, oldest first; at most its longest history.
  public fileprivate(set) var items: [Int32] = []
  /// Of every block: queries, keys and values `[longest + thoughts, 3 · width]`, filled up to the number of items.
  fileprivate var projections: [[Float]]
  /// What scores the next item, `[width]`: the state behind the last one, or what reasoning made of it.
  public fileprivate(set) var state: [Float]
}

/// Recommends for one history at a time, with keys and values kept between events. Used by one thread at a time.
///
/// ```swift
/// let recommender = try model.recommender()
/// var session = try recommender.session([3, 17, 4])
/// try recommender.append(9, to: &session)
/// let next = try recommender.top(10, for: session, excluding: session.items)
/// ```
public final class SASRecRecommender {
  public let itemCount: Int
  private let network: SASRecNetwork
  private let search: CatalogueSearch
  private let popularity: [Float]
  private let whole: Inference
  private let inputs: PackedInputs
  private let states: Tensor
  private let projections: [Tensor]
  private var block: PackedHistories
  private let row: SASRecRow
  private let item: (id: Ids, place: Ids)
  private let thoughts: Thoughts?

  /// - Parameters:
  ///   - network: causal.
  ///   - thoughts: what follows the last item before the catalogue is scored.
  init(
    _ network: SASRecNetwork, store: ParameterStore, popularity: [Float], thoughts: Thoughts? = nil
  ) throws {
    itemCount = network.itemCount
    self.network = network
    search = try CatalogueSearch(network, store: store)
    self.popularity = popularity
    self.thoughts = thoughts
    let longest = network.model.longest
    block = PackedHistories(rows: longest, longest: longest)
    let tape = Tape()
    inputs = PackedInputs(tape, rows: longest, longest: longest)
    var projections: [Tensor] = []
    states = network.states(inputs) { projections.append($0) }
    self.projections = projections
    whole = try Inference([states] + projections, on: store)
    let one = Tape()
    item = (one.ids("item", [1]), one.ids("place", [1]))
    row = try SASRecRow(network, store: store, from: network.items(item.id) + network.places(item.place))
  }

  /// Reads a history, oldest item first; it may be empty. Items beyond the model's longest history are left out, oldest first.
  ///
  /// - Throws: `KernelError.value` for an item that is not in the catalogue.
  public func session(_ history: some BidirectionalCollection<Int32> = []) throws -> SASRecSession {
    let (longest, width) = (network.model.longest, network.model.width)
    var session = SASRecSession(
      projections: Array(
        repeating: [Float](repeating: 0, count: (longest + (thoughts?.steps ?? 0)) * 3 * width),
        count: network.blocks.count),
      state: [Float](repeating: 0, count: width))
    try read(Array(history.suffix(longest)), into: &session)
    return session
  }

  /// Appends an event. While the history is not longer than the model's window only the new row is computed; after that the
  /// window slides, places change, and the window is read again.
  ///
  /// - Throws: `KernelError.value` for an item that is not in the catalogue; the session is then as before.
  public func append(_ item: Int32, to session: inout SASRecSession) throws {
    guard session.items.count < network.model.longest, !session.items.isEmpty else {
      return try read(Array((session.items + [item]).suffix(network.model.longest)), into: &session)
    }
    try check([item])
    let place = session.items.count
    let state = try row.state(at: place, after: &session.projections) { program throws(TapeError) in
      try program.set(self.item.id, to: [UInt32(item - 1)])
      try program.set(self.item.place, to: [UInt32(place)])
    }
    session.items.append(item)
    try answer(state, in: &session)
  }

  /// The best `count` items to come next, without those of `excluding`. Before the first event the most popular ones.
  ///
  /// - Returns: ids from 1 with their scores, best first; fewer when the catalogue has no more.
  public func top(
    _ count: Int, for session: SASRecSession, excluding: [Int32] = []
  ) throws -> [(item: Int32, score: Float)] {
    try check(excluding)
    let excluded = excluding.map { UInt32($0 - 1) }
    let ranked =
      session.items.isEmpty
      ? try topScores(count, of: popularity, excluding: excluded)
      : try search.top(count, for: session.state, excluding: excluded)
    return zip(ranked.ids, ranked.scores).prefix { $0.0 != RankedItems.none }
      .map { (item: Int32($0.0) + 1, score: $0.1) }
  }

  private func check(_ items: [Int32]) throws(KernelError) {
    for item in items { try checkItem(item, itemCount, "SASRec") }
  }

  /// Computes all rows of a history that fits.
  private func read(_ items: [Int32], into session: inout SASRecSession) throws {
    try check(items)
    session.items = items
    guard !items.isEmpty else { return }
    block.clear()
    block.append(items[...])
    block.finish()
    try inputs.set(block, on: whole)
    try whole.run()
    let width = network.model.width
    for (layer, tensor) in projections.enumerated() {
      try whole.withValues(of: tensor) { span in
        for i in 0..<items.count * 3 * width { session.projections[layer][i] = span[i] }
      }
    }
    var state = [Float](repeating: 0, count: width)
    try whole.withValues(of: states) { span in
      for i in 0..<width { state[i] = span[(items.count - 1) * width + i] }
    }
    try answer(state, in: &session)
  }

  private func answer(_ state: [Float], in session: inout SASRecSession) throws {
    session.state = network.query(
      try thoughts?.answer(from: state, at: session.items.count, after: &session.projections) ?? state)
  }
}

extension FittedSASRec {
  /// Recommends for one history at a time.
  public func recommender() throws -> SASRecRecommender {
    let network = SASRecNetwork(itemCount: itemCount, configuration.model, text: configuration.text)
    return try SASRecRecommender(network, store: store(network.layout), popularity: logPopularity)
  }
}
