import PenchantKernels

/// The item histories of users, each oldest first, in one array.
///
/// Items are numbered from 1; 0 is padding and stands in no sequence. `items[offsets[u]..<offsets[u + 1]]` is the history
/// of user `u`; it may be empty.
public struct ItemSequences: Sendable, Equatable {
  /// Items of the catalogue, without padding; ids are 1...itemCount.
  public let itemCount: Int
  /// `[count + 1]`, ascending from 0 to `items.count`.
  public let offsets: [Int]
  public let items: [Int32]

  /// - Throws: `KernelError.shape` when the offsets do not fit the items, `.value` for an item that is not in the catalogue.
  public init(itemCount: Int, offsets: [Int], items: [Int32]) throws {
    guard (0..<Int(Int32.max)).contains(itemCount) else {
      throw KernelError.value(
        "ItemSequences", "a catalogue of \(itemCount) items; 0 to \(Int32.max - 1) are possible")
    }
    guard offsets.first == 0, offsets.last == items.count else {
      throw KernelError.shape(
        "ItemSequences",
        "offsets go from \(offsets.first ?? -1) to \(offsets.last ?? -1), they must go from 0 to \(items.count)"
      )
    }
    if let user = offsets.indices.dropFirst().first(where: { offsets[$0] < offsets[$0 - 1] }) {
      throw KernelError.shape(
        "ItemSequences", "offsets must ascend; user \(user - 1) has \(offsets[user - 1]) to \(offsets[user])")
    }
    if let place = items.firstIndex(where: { $0 < 1 || Int($0) > itemCount }) {
      throw KernelError.value(
        "ItemSequences", "item \(items[place]) at place \(place); ids are 1 to \(itemCount), 0 is padding")
    }
    self.itemCount = itemCount
    self.offsets = offsets
    self.items = items
  }

  /// Offsets and items that are known to fit.
  init(checked itemCount: Int, offsets: [Int], items: [Int32]) {
    (self.itemCount, self.offsets, self.items) = (itemCount, offsets, items)
  }

  /// One array a user.
  public init(itemCount: Int, sequences: [[Int32]]) throws {
    var offsets = [0]
    offsets.reserveCapacity(sequences.count + 1)
    for sequence in sequences { offsets.append(offsets[offsets.count - 1] + sequence.count) }
    try self.init(itemCount: itemCount, offsets: offsets, items: Array(sequences.joined()))
  }

  /// Users.
  public var count: Int { offsets.count - 1 }

  /// How often each item stands in the histories, `[itemCount]`; item j stands at j - 1.
  public func itemCounts() -> [UInt32] {
    var counts = [UInt32](repeating: 0, count: itemCount)
    for item in items { counts[Int(item) - 1] += 1 }
    return counts
  }

  public subscript(user: Int) -> ArraySlice<Int32> { items[offsets[user]..<offsets[user + 1]] }
}
