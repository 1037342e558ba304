import PenchantKernels
import PenchantTape

/// Finds the best items for one state after another. Used by one thread at a time.
final class CatalogueSearch {
  private let network: any SequenceNetwork
  private let store: ParameterStore
  private let bias: [Float]?
  private var questions = 0
  /// Made with the second question: a single one is answered sooner without.
  private var screen: ItemScreen?

  /// - Parameter store: the network's, which does not change any more.
  init(_ network: any SequenceNetwork, store: ParameterStore) throws {
    self.network = network
    self.store = store
    bias = try network.bias.map { try store.copy(of: $0) }
  }

  /// The best `count` items for a state of `network.width` floats, best first; ids from 0.
  func top(_ count: Int, for state: [Float], excluding excluded: [UInt32]) throws -> RankedItems {
    let exclusions = excluded.isEmpty ? nil : try Exclusions([excluded])
    let shape = RankingShape(queries: 1, items: network.itemCount, width: network.width)
    let bias = bias
    questions += 1
    return try store.reading(network.table) { items throws(KernelError) in
      if screen == nil, questions > 1 {
        screen = try ItemScreen(items: shape.items, width: shape.width, items)
      }
      return try topItems(
        count, shape, queries: state.span, items: items, screen: screen, bias: bias?.span,
        excluding: exclusions)
    }
  }
}
