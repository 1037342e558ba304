import PenchantData

/// Interactions of a file, one line after the other: RecBole atomic files, MovieLens, tables with named columns, plain
/// sequences and JSON lines (`InteractionFormat`), plain or packed.
///
/// ```swift
/// let log = try InteractionReader("ml-100k.inter").log()
/// ```
/// Blank lines are passed over. An error about one line leaves the reader at the next line, and nothing of a wrong
/// line is kept, so a caller may go on.
public struct InteractionReader: ~Copyable {
  private var lines: LineReader
  private let format: InteractionFormat?
  private let columns: InteractionColumns
  private var layout: InteractionLayout?
  private var histories = HistoryJoiner()
  /// What has been read.
  public private(set) var read = InteractionLog()

  /// Opens a file; `-` is standard input.
  ///
  /// - Parameters:
  ///   - format: how it is written; found by its first line when nil.
  ///   - columns: what columns with other names than the usual ones mean.
  public init(
    _ path: String, format: InteractionFormat? = nil, columns: InteractionColumns = InteractionColumns()
  ) throws(DataError) {
    lines = try LineReader(path)
    self.format = format
    self.columns = columns
  }

  /// Reads bytes in memory, plain or packed.
  public init(
    bytes: [UInt8], name: String = "memory", format: InteractionFormat? = nil,
    columns: InteractionColumns = InteractionColumns()
  ) {
    lines = LineReader(bytes: bytes, name: name)
    self.format = format
    self.columns = columns
  }

  /// The path, or the name given to bytes in memory.
  public var name: String { lines.name }
  /// The number of the line that was read last, counted from 1.
  public var line: Int { lines.number }

  /// Reads the next line that holds something into `read`; false after the last.
  public mutating func advance() throws(DataError) -> Bool {
    while try lines.advance() {
      guard !lines.withLine(isBlank) else { continue }
      guard let layout else {
        let text = lines.withLine { $0.withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) } }
        let (layout, isHeader) = try InteractionLayout.detect(
          text, format: format, columns: columns, file: lines.name, number: lines.number)
        self.layout = layout
        if isHeader { return true }
        try parse(layout)
        return true
      }
      try parse(layout)
      return true
    }
    return false
  }

  /// All of the file.
  ///
  /// - Throws: the first error, and an error when the file holds no event.
  public consuming func log() throws(DataError) -> InteractionLog {
    while try advance() {}
    guard !read.isEmpty else {
      throw noRecords(lines.name, bytes: lines.bytesRead, needs: "one interaction a line")
    }
    return read
  }

  private mutating func parse(_ layout: InteractionLayout) throws(DataError) {
    switch layout {
    case .delimited(let separator, let places, let names):
      try delimited(separator, places, names)
    case .doubleColon(let hasTime):
      let names = hasTime ? ["user", "item", "rating", "timestamp"] : ["user", "item", "rating"]
      try event(
        InteractionColumns.Places(user: 0, item: 1, rating: 2, time: hasTime ? 3 : nil), names,
        lines.withLine { splitAtDoubleColons($0) })
    case .sequences: try sequence()
    case .jsonLines: try json()
    }
  }

  private mutating func delimited(
    _ separator: UInt8, _ places: InteractionColumns.Places, _ names: [String]
  ) throws(DataError) {
    let isQuoted = separator != UInt8(ascii: "\t") && lines.withLine { contains($0, UInt8(ascii: "\"")) }
    guard isQuoted else {
      return try event(places, names, lines.withLine { split($0, at: separator) })
    }
    let text = lines.withLine { $0.withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) } }
    guard let parts = delimitedFields(text, separator: separator) else {
      throw wrong(nil, "a quoted field is not closed", expected: "a closing \"", found: text)
    }
    try event(places, names, count: parts.count) { parts[$0] }
  }

  private mutating func event(
    _ places: InteractionColumns.Places, _ names: [String], _ ranges: [Range<Int>]
  ) throws(DataError) {
    let texts = lines.withLine { line in
      [places.user, places.item, places.rating ?? -1, places.time ?? -1, places.part ?? -1].map { place in
        ranges.indices.contains(place) ? text(line, ranges[place]) : ""
      }
    }
    try event(places, names, count: ranges.count) { place in
      place == places.user
        ? texts[0]
        : place == places.item
          ? texts[1] : place == places.rating ? texts[2] : place == places.time ? texts[3] : texts[4]
    }
  }

  private mutating func event(
    _ places: InteractionColumns.Places, _ names: [String], count: Int, _ field: (Int) -> String
  ) throws(DataError) {
    guard count == names.count else {
      let text = lines.withLine { $0.withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) } }
      throw wrong(
        nil, "the line has \(count) fields", expected: "\(names.count) fields: \(quotedList(names))", found: text)
    }
    func name(_ place: Int) throws(DataError) -> String {
      let text = field(place)
      guard !text.isEmpty else {
        throw wrong(names[place], "\"\(names[place])\" is empty", expected: "an id", found: "nothing")
      }
      return text
    }
    func number(_ place: Int?) throws(DataError) -> Double? {
      guard let place else { return nil }
      let text = field(place)
      guard let value = parseNumber(text) else {
        throw wrong(
          names[place], "\"\(names[place])\" is not a number", expected: "a finite number", found: text,
          repair: places.time == place ? "write times as seconds since 1970" : nil)
      }
      return value
    }
    func part(_ place: Int?) throws(DataError) -> InteractionLog.Part? {
      guard let place else { return nil }
      let text = field(place)
      guard let part = InteractionLog.Part(named: text) else { throw wrongPart(names[place], text) }
      return part
    }
    let (user, item) = (try name(places.user), try name(places.item))
    let (rating, time) = (try number(places.rating), try number(places.time))
    read.append(
      user: user, item: item, rating: rating.map { Float($0) }, time: time, part: try part(places.part))
  }

  private mutating func sequence() throws(DataError) {
    let names = lines.withLine { words($0) }
    guard names.count > 1 else {
      throw wrong("item", "the user has no items", expected: "user item item …", found: names.joined())
    }
    for item in names.dropFirst() { read.append(user: names[0], item: item) }
  }

  private mutating func json() throws(DataError) {
    let (file, line) = (lines.name, lines.number)
    let record = try lines.withLine { (bytes) throws(DataError) in
      try JSONRecord(bytes, file: file, line: line)
    }
    func first(_ asked: String?, _ known: [String], _ role: String) throws(DataError) -> String {
      for key in asked.map({ [$0] }) ?? record.object.keys.filter({ known.contains($0.lowercased()) }) {
        if let name = try record.name(key), !name.isEmpty { return name }
      }
      throw record.missing(
        asked ?? role, needs: "\"user\" and \"item\", or \"user\", \"history\" and \"target\"",
        known: ["user", "item", "history", "target", "rating", "timestamp", "split"])
    }
    func number(_ asked: String?, _ known: [String]) throws(DataError) -> Double? {
      for key in asked.map({ [$0] }) ?? record.object.keys.filter({ known.contains($0.lowercased()) }) {
        if let value = try record.number(key) { return value }
      }
      return nil
    }
    func part() throws(DataError) -> InteractionLog.Part? {
      guard let (name, value) = record.field(columns.part ?? "split", "part") else { return nil }
      let text = value.string ?? value.description
      guard let part = InteractionLog.Part(named: text) else { throw wrongPart(name, text) }
      return part
    }
    let user = try first(columns.user, InteractionColumns.userNames, "user")
    if let (_, value) = record.field("history") {
      let history = value.array?.compactMap(itemName)
      guard let history, history.count == value.array?.count else {
        throw record.wrong("history", value, expected: "a list of item ids, oldest first")
      }
      guard let target = record.object["target"].flatMap(itemName) else {
        throw record.missing("target", needs: "\"user\", \"history\" and \"target\"", known: ["user", "history"])
      }
      return try histories.append(
        user: user, history: history, target: target, part: try part(), to: &read, file: file, line: line)
    }
    read.append(
      user: user, item: try first(columns.item, InteractionColumns.itemNames, "item"),
      rating: try number(columns.rating, InteractionColumns.ratingNames).map { Float($0) },
      time: try number(columns.time, InteractionColumns.timeNames), part: try part())
  }

  private func itemName(_ value: JSONValue) -> String? {
    value.string ?? value.integer.map { String($0) }
  }

  private func wrong(
    _ field: String?, _ problem: String, expected: String, found: String, repair: String? = nil
  ) -> DataError {
    DataError(
      file: lines.name, line: lines.number, field: field, problem, expected: "expected \(expected)",
      found: "found \(clipped(found, 120))", repair: repair)
  }

  private func wrongPart(_ field: String, _ text: String) -> DataError {
    wrong(field, "\"\(field)\" names no part", expected: "train, validation or test (or 1, 2, 3)", found: text)
  }
}

extension InteractionLog.Part {
  /// The part as data sets write it.
  init?(named text: String) {
    switch text.lowercased() {
    case "train", "training", "1": self = .train
    case "valid", "validation", "val", "dev", "2": self = .validation
    case "test", "3": self = .test
    default: return nil
    }
  }
}
