import PenchantData

/// What every user of a log took, in ids of a catalogue, for recommendations by the name of a user.
public struct UserHistories: Sendable, Equatable {
  public let users: ItemTable
  /// Ids from 1, oldest first, one sequence a user.
  public let sequences: ItemSequences

  /// The events of `log` with items of a catalogue; others are left out.
  init(_ log: InteractionLog, items: ItemTable) {
    let ids = log.items.names.map { items.index(of: $0).map { Int32($0 + 1) } }
    let chronology = log.chronology()
    var offsets = [0]
    var all: [Int32] = []
    for user in 0..<log.users.count {
      all += chronology.events(of: user).compactMap { ids[Int(log.item[$0])] }
      offsets.append(all.count)
    }
    users = log.users
    // Offsets ascend and ids are places in the catalogue.
    sequences = ItemSequences(checked: items.count, offsets: offsets, items: all)
  }

  public func history(of user: String) -> ArraySlice<Int32>? { users.index(of: user).map { sequences[$0] } }
}

extension UserHistories {
  /// The histories as a safetensors file.
  public func bytes() throws -> [UInt8] {
    var file = SafeTensorsWriter(metadata: ["format": "1", "items": "\(sequences.itemCount)"])
    try file.add(texts: users.names, "users")
    try file.add("history.starts", shape: [sequences.offsets.count], sequences.offsets)
    try file.add("history.items", shape: [sequences.items.count], sequences.items.map { UInt32($0) })
    return file.bytes()
  }

  /// - Throws: `DataError` naming file and field for what does not fit together.
  public init(_ file: SafeTensors) throws {
    let names = try file.texts("users")
    users = ItemTable(names)
    guard users.count == names.count else {
      throw DataError(file: file.file, field: "users", "a user stands twice")
    }
    let items = try file.integers("history.items", shape: [nil]).map { Int32(clamping: $0) }
    guard let count = Int(try file.text("items")) else {
      throw DataError(file: file.file, field: "items", "the number of items is not a number")
    }
    sequences = try ItemSequences(
      itemCount: count, offsets: file.starts("history.starts", rows: names.count, end: items.count),
      items: items)
  }
}
