import PenchantKernels

/// Scores every item by its events in training, whatever the history: what every other model has to beat.
public struct PopularityModel: SequenceScorer, Sendable, Equatable {
  public let itemCounts: [UInt32]

  public init(_ train: ItemSequences) { self.init(itemCounts: train.itemCounts()) }

  init(itemCounts: [UInt32]) { self.itemCounts = itemCounts }

  /// Scores are exact up to 2^24 events an item.
  public func score(histories: [ArraySlice<Int32>], into scores: inout [Float]) throws {
    try checkScores(scores.count, histories.count, itemCount, "PopularityModel")
    var all = scores.mutableSpan
    for row in histories.indices {
      let start = row * itemCount
      for column in 0..<itemCount { all[start + column] = Float(itemCounts[column]) }
    }
  }
}

/// - Throws: `KernelError.shape` when the scores do not have room for all items of all histories.
func checkScores(_ count: Int, _ histories: Int, _ items: Int, _ call: String) throws(KernelError) {
  guard count == histories * items else {
    throw .shape(call, "room for \(count) scores of \(histories) histories and \(items) items")
  }
}

/// - Throws: `KernelError.value` for an item that is not in the catalogue.
func checkItem(_ item: Int32, _ items: Int, _ call: String) throws(KernelError) {
  guard item >= 1, Int(item) <= items else {
    throw .value(call, "item \(item) in a history; the ids are 1 to \(items)")
  }
}
