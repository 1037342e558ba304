/// Comparisons and rankings of named items, one a line, for Bradley-Terry and Plackett-Luce estimation.
///
/// The first line decides how the file is read:
/// - JSON lines: `{"winner": "a", "loser": "b", "count": 2, "user": "u1"}` or `{"ranking": ["a", "b", "c"]}`; preference
///   pairs with `chosen_id` and `rejected_id` (or the texts) are comparisons too;
/// - rankings: `a > b > c`, the best first;
/// - columns `winner,loser[,count[,user]]`, separated by tabs or commas, with or without a line of names; a field may
///   stand in double quotes.
///
/// Blank lines and lines that start with `#` are passed over. An error about one line leaves the reader at the next.
public struct RankingReader: ~Copyable {
  private enum Form {
    case json
    case chain
    case columns(separator: UInt8, winner: Int, loser: Int, count: Int?, user: Int?)
  }

  private var lines: LineReader
  private var form: Form?
  private var records = 0

  /// Opens a file, plain or gzipped; `-` is standard input.
  public init(_ path: String) throws(DataError) { lines = try LineReader(path) }

  /// Reads bytes in memory, plain or gzipped.
  public init(bytes: [UInt8], name: String = "memory") { lines = LineReader(bytes: bytes, name: name) }

  /// The next ranking, or `nil` after the last.
  public mutating func next() throws(DataError) -> Ranking? {
    while let line = try lines.next() {
      let text = line.trimmed
      guard !text.isEmpty, !text.hasPrefix("#") else { continue }
      if form == nil {
        let (form, isHeader) = try detect(text)
        self.form = form
        if isHeader { continue }
      }
      let ranking = try parse(text)
      records += 1
      return ranking
    }
    return nil
  }

  /// All rankings that are left.
  ///
  /// - Throws: the first error, and an error when the file holds none at all.
  public consuming func rankings() throws(DataError) -> [Ranking] {
    var all: [Ranking] = []
    while let ranking = try next() { all.append(ranking) }
    guard records > 0 else {
      throw noRecords(
        lines.name, bytes: lines.bytesRead, needs: "one comparison or ranking a line, as: winner,loser")
    }
    return all
  }

  private func detect(_ text: String) throws(DataError) -> (Form, isHeader: Bool) {
    if text.hasPrefix("{") { return (.json, false) }
    let separator: UInt8
    if text.utf8.contains(0x09) {
      separator = 0x09
    } else if text.contains(">") {
      return (.chain, false)
    } else if text.utf8.contains(UInt8(ascii: ",")) {
      separator = UInt8(ascii: ",")
    } else {
      throw DataError(
        file: lines.name, line: lines.number, "this is neither columns nor a ranking",
        expected: "winner,loser[,count[,user]], or a > b > c, or JSON lines", found: "found \(clipped(text))",
        repair: "see: penchant help data")
    }
    let names = try fields(text, separator).map { $0.lowercased() }
    guard let winner = names.firstIndex(of: "winner") ?? names.firstIndex(of: "chosen"),
      let loser = names.firstIndex(of: "loser") ?? names.firstIndex(of: "rejected")
    else {
      if let near = nearestName(to: "winner", among: names.prefix(1)), near != "winner",
        names.contains(where: { $0 == "loser" || $0 == "count" })
      {
        throw DataError(
          file: lines.name, line: lines.number, field: "winner", "the column \"winner\" is missing",
          expected: "columns winner, loser and maybe count and user", found: "found \(quotedList(names))",
          repair: "did you mean \"winner\" by \"\(clipped(near, 40))\"?")
      }
      return (.columns(separator: separator, winner: 0, loser: 1, count: 2, user: 3), false)
    }
    let count = names.firstIndex(of: "count") ?? names.firstIndex(of: "weight")
    return (
      .columns(
        separator: separator, winner: winner, loser: loser, count: count, user: names.firstIndex(of: "user")),
      true
    )
  }

  private func parse(_ text: String) throws(DataError) -> Ranking {
    switch form {
    case .json: return try json(text)
    case .columns(let separator, let winner, let loser, let count, let user):
      let fields = try fields(text, separator)
      func field(_ place: Int?) -> String? {
        guard let place, place < fields.count, !fields[place].isEmpty else { return nil }
        return fields[place]
      }
      guard let best = field(winner), let worst = field(loser) else {
        throw wrong(
          "winner", "the line has \(fields.count) fields", expected: "a winner and a loser",
          found: clipped(text))
      }
      return try checked(
        Ranking([best, worst], count: number(field(count)), user: field(user), line: lines.number))
    default:
      let items = text.split(separator: ">", omittingEmptySubsequences: false).map { String($0).trimmed }
      guard !items.contains("") else {
        throw wrong("ranking", "an item of the ranking is empty", expected: "a > b > c", found: clipped(text))
      }
      return try checked(Ranking(items, line: lines.number))
    }
  }

  private func number(_ text: String?) throws(DataError) -> Double {
    guard let text else { return 1 }
    guard let count = Double(text) else {
      throw wrong("count", "the count is not a number", expected: "a number above 0", found: clipped(text))
    }
    return count
  }

  private func checked(_ ranking: Ranking) throws(DataError) -> Ranking {
    guard ranking.items.count >= 2 else {
      throw wrong(
        "ranking", "the ranking has \(ranking.items.count) items", expected: "two or more",
        found: quotedList(ranking.items))
    }
    guard Set(ranking.items).count == ranking.items.count else {
      throw wrong(
        "ranking", "an item is ranked against itself", expected: "different items",
        found: quotedList(ranking.items))
    }
    guard ranking.count > 0, ranking.count.isFinite else {
      throw wrong(
        "count", "the count is \(ranking.count)", expected: "a number above 0", found: "\(ranking.count)")
    }
    return ranking
  }

  private func json(_ text: String) throws(DataError) -> Ranking {
    let record = try JSONRecord(Array(text.utf8).span, file: lines.name, line: lines.number)
    let (times, weight) = (try record.number("count"), try record.number("weight"))
    let count = times ?? weight ?? 1
    let user = try record.name("user", "worker", "annotator")
    if let (_, value) = record.field("ranking") {
      let items = value.array?.compactMap { $0.string ?? $0.integer.map { String($0) } }
      guard let items, items.count == value.array?.count else {
        throw record.wrong("ranking", value, expected: "a list of item names, the best first")
      }
      return try checked(Ranking(items, count: count, user: user, line: lines.number))
    }
    let needs = "\"winner\" and \"loser\", or \"ranking\""
    let known = ["winner", "loser", "ranking", "count", "weight", "user", "worker", "annotator"]
    guard let winner = try record.name("winner", "chosen_id", "chosen") else {
      throw record.missing("winner", needs: needs, known: known)
    }
    guard let loser = try record.name("loser", "rejected_id", "rejected") else {
      throw record.missing("loser", needs: needs, known: known)
    }
    return try checked(Ranking([winner, loser], count: count, user: user, line: lines.number))
  }

  private func wrong(_ field: String, _ problem: String, expected: String, found: String) -> DataError {
    DataError(
      file: lines.name, line: lines.number, field: field, problem, expected: "expected \(expected)",
      found: "found \(found)",
      repair: "see: penchant help data")
  }

  private func fields(_ text: String, _ separator: UInt8) throws(DataError) -> [String] {
    guard let fields = delimitedFields(text, separator: separator) else {
      throw wrong("line", "a quoted field is not closed", expected: "a closing \"", found: clipped(text))
    }
    return fields
  }
}
