import PenchantData

/// How a file of interactions is written.
public enum InteractionFormat: String, Sendable, Codable, CaseIterable {
  /// RecBole atomic file: tabs, and a header of `name:type`.
  case atomic
  /// Tabs, commas or semicolons, and a header of names.
  case columns
  /// `user::item::rating::timestamp`, as MovieLens' ratings.dat.
  case doubleColon
  /// Four numbers between tabs, no header, as MovieLens' u.data.
  case tabs
  /// `user item item …`, oldest first; further lines of a user continue the history, so `user item` lines are read too.
  case sequences
  /// JSON lines: an event each (`user`, `item`, …), or `user`, `history` and `target`.
  case jsonLines
}

/// A format with the places of its fields.
enum InteractionLayout: Equatable {
  case delimited(separator: UInt8, InteractionColumns.Places, names: [String])
  case doubleColon(hasTime: Bool)
  case sequences
  case jsonLines

  /// Decides by the first line that holds something; `isHeader` tells whether it holds no event.
  static func detect(
    _ line: String, format: InteractionFormat?, columns: InteractionColumns, file: String, number: Int
  ) throws(DataError) -> (layout: InteractionLayout, isHeader: Bool) {
    func wrong(_ problem: String, expected: String, repair: String? = nil) -> DataError {
      DataError(
        file: file, line: number, problem, expected: "expected \(expected)", found: "found \(clipped(line))",
        repair: repair)
    }
    switch format ?? guess(line, file) {
    case .jsonLines: return (.jsonLines, false)
    case .sequences: return (.sequences, false)
    case .doubleColon:
      let count = line.split(separator: "::", omittingEmptySubsequences: false).count
      guard count == 3 || count == 4 else {
        throw wrong("the line has \(count) fields", expected: "user::item::rating::timestamp")
      }
      return (.doubleColon(hasTime: count == 4), false)
    case .tabs:
      let count = line.utf8.count { $0 == tab } + 1
      guard count == 4 else {
        throw wrong("the line has \(count) fields", expected: "user, item, rating and timestamp between tabs")
      }
      let places = InteractionColumns.Places(user: 0, item: 1, rating: 2, time: 3)
      return (
        .delimited(separator: tab, places, names: ["user", "item", "rating", "timestamp"]), false
      )
    case .atomic: return (try atomic(line, columns, file, number), true)
    case .columns:
      let separator = separator(of: line)
      guard let names = delimitedFields(line, separator: separator) else {
        throw wrong("a quoted field is not closed", expected: "a closing \"")
      }
      guard let places = try columns.places(in: names, file: file, line: number) else {
        throw wrong(
          "the header names no user and item columns",
          expected: "a first line of names such as user_id,item_id,rating,timestamp",
          repair: "add that line, or name the columns")
      }
      return (.delimited(separator: separator, places, names: names), true)
    }
  }

  private static let tab = UInt8(ascii: "\t")

  private static func separator(of line: String) -> UInt8 {
    for byte in [tab, UInt8(ascii: ","), UInt8(ascii: ";")] where line.utf8.contains(byte) { return byte }
    return UInt8(ascii: ",")
  }

  private static func guess(_ line: String, _ file: String) -> InteractionFormat {
    if line.hasPrefix("{") { return .jsonLines }
    if line.contains("::") { return .doubleColon }
    if isAtomicName(file) { return .atomic }
    let fields = line.split(separator: "\t", omittingEmptySubsequences: false)
    if fields.contains(where: { field in AtomicHeader.types.contains { field.hasSuffix(":\($0)") } }) {
      return .atomic
    }
    if fields.count == 4, fields.allSatisfy({ Double($0) != nil }) { return .tabs }
    if fields.count > 1 || line.utf8.contains(where: { $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: ";") }) {
      return .columns
    }
    return .sequences
  }

  /// Whether the file is called `x.inter`, packed or not.
  private static func isAtomicName(_ file: String) -> Bool {
    [".inter", ".inter.gz", ".inter.zst", ".inter.bz2"].contains { file.hasSuffix($0) }
  }

  private static func atomic(
    _ line: String, _ columns: InteractionColumns, _ file: String, _ number: Int
  ) throws(DataError) -> InteractionLayout {
    let header = try AtomicHeader(line, file: file, number: number)
    guard let places = try columns.places(in: header.names, file: file, line: number) else {
      throw DataError(
        file: file, line: number, "the header names no user and item fields",
        expected: "expected user_id:token and item_id:token", found: "found \(clipped(line, 120))")
    }
    for (role, wanted) in [(places.rating, "float"), (places.time, "float"), (places.item, "token")] {
      guard let role, header.types[role] != wanted else { continue }
      throw DataError(
        file: file, line: number, field: header.names[role],
        "\"\(header.names[role])\" has the type \(header.types[role])",
        expected: "expected \(header.names[role]):\(wanted)",
        found: "found \(header.names[role]):\(header.types[role])")
    }
    return .delimited(separator: tab, places, names: header.names)
  }
}
