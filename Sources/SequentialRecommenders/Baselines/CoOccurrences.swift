import PenchantKernels

/// In how many histories two items stand together.
public struct CoOccurrences: Sendable {
  let counts: CountMatrix
  /// Events of each item.
  let itemCounts: [UInt32]
  /// Histories that hold each item.
  let holders: [UInt32]

  /// - Parameter limit: items of a history that count, the latest ones: the work grows with their square.
  /// - Complexity: the sum over histories of their squared length, at most `limit` each. Runs on the team.
  /// - Throws: `KernelError.value` for a limit below 2.
  public init(_ train: ItemSequences, limit: Int = 500) throws {
    guard limit >= 2 else {
      throw KernelError.value("CoOccurrences", "\(limit) items a history; 2 are needed")
    }
    itemCounts = train.itemCounts()
    // Each history once: its distinct items.
    var baskets: [[Int32]] = []
    baskets.reserveCapacity(train.count)
    for user in 0..<train.count { baskets.append(Array(Set(train[user].suffix(limit))).sorted()) }
    let sets = try ItemSequences(itemCount: train.itemCount, sequences: baskets)
    var owner = [Int](repeating: 0, count: sets.items.count)
    for user in 0..<sets.count {
      for place in sets.offsets[user]..<sets.offsets[user + 1] { owner[place] = user }
    }
    let (places, users) = (ItemPlaces(sets), owner)
    counts = try CountMatrix(rows: train.itemCount) { item, visit in
      for event in places[item] {
        for other in sets[users[event]] where Int(other) - 1 != item { visit(Int(other) - 1) }
      }
    }
    holders = (0..<train.itemCount).map { UInt32(places[$0].count) }
  }

  var itemCount: Int { holders.count }
}
