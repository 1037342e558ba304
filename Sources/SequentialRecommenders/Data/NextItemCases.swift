import PenchantData
import PenchantKernels

/// Questions for a model: given the first items of a user, which item is the next? Histories share the memory of the
/// sequences.
public struct NextItemCases: Sendable, Equatable {
  /// Whole histories of all users, targets included.
  public let sequences: ItemSequences
  /// The user of every case.
  public let users: [Int32]
  /// The place of every case's target in the history of its user; what stands before it is given.
  public let positions: [Int32]

  /// - Throws: `KernelError.shape` when the lists differ in length, `.value` when a position is not in its history.
  public init(sequences: ItemSequences, users: [Int32], positions: [Int32]) throws(KernelError) {
    guard users.count == positions.count else {
      throw .shape("NextItemCases", "\(users.count) users and \(positions.count) positions")
    }
    for (user, position) in zip(users, positions) {
      guard user >= 0, user < sequences.count else {
        throw .value("NextItemCases", "user \(user) of \(sequences.count)")
      }
      guard position >= 0, position < sequences[Int(user)].count else {
        throw .value(
          "NextItemCases", "position \(position) of user \(user), who has \(sequences[Int(user)].count) items"
        )
      }
    }
    self.sequences = sequences
    self.users = users
    self.positions = positions
  }

  public var count: Int { users.count }
  public var itemCount: Int { sequences.itemCount }

  /// The items before the target, oldest first.
  public func history(_ place: Int) -> ArraySlice<Int32> {
    sequences[Int(users[place])].prefix(Int(positions[place]))
  }

  /// The id of the item that came.
  public func target(_ place: Int) -> Int32 {
    let sequence = sequences[Int(users[place])]
    return sequence[sequence.startIndex + Int(positions[place])]
  }

  /// The cases at `places`.
  public func selecting(_ places: [Int]) throws(KernelError) -> NextItemCases {
    guard places.allSatisfy(users.indices.contains) else {
      throw .value("NextItemCases.selecting", "a place outside 0..<\(count)")
    }
    return try NextItemCases(
      sequences: sequences, users: places.map { users[$0] }, positions: places.map { positions[$0] })
  }

  /// At most `limit` cases, drawn without replacement and kept in order, for validation during training.
  public func sampled(_ limit: Int, seed: UInt64) throws(KernelError) -> NextItemCases {
    guard limit < count else { return self }
    return try selecting(permutation(count, seed: seed).prefix(max(0, limit)).map(Int.init).sorted())
  }
}
