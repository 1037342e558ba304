import PenchantData

/// Which events train, and which are asked for.
public struct SequenceSplit: Sendable, Equatable {
  /// The protocol with its numbers, for tables and reports.
  public let name: String
  /// What a model may learn from: a history a user, in the order of the log's users; some may be empty.
  public let train: ItemSequences
  public let validation: NextItemCases
  /// Histories of the test hold the validation items too.
  public let test: NextItemCases
  /// Names of users and items of the log.
  public let userNames: [String]
  public let itemNames: [String]
  /// What is known of the items in numbers, for systems that read it.
  public var vectors: ItemVectors?

  /// XXH64 over the test cases, one line `user<TAB>position<TAB>item` each with names of the file, in order of the names'
  /// bytes and positions. Two pipelines that print the same number ask the same questions.
  public var testChecksum: String { SequenceSplit.checksum(test, userNames, itemNames) }

  static func checksum(_ cases: NextItemCases, _ userNames: [String], _ itemNames: [String]) -> String {
    let lines = (0..<cases.count).map { place in
      (name: userNames[Int(cases.users[place])], place: place)
    }.sorted {
      $0.name == $1.name
        ? cases.positions[$0.place] < cases.positions[$1.place]
        : $0.name.utf8.lexicographicallyPrecedes($1.name.utf8)
    }
    var bytes: [UInt8] = []
    for (name, place) in lines {
      let item = itemNames[Int(cases.target(place)) - 1]
      bytes += Array("\(name)\t\(cases.positions[place])\t\(item)\n".utf8)
    }
    return XXHash64.hex(bytes)
  }

  /// How often each item was taken in training, `[itemCount]`; item j stands at j - 1.
  public var popularity: [Int] { train.itemCounts().map(Int.init) }
}
