import PenchantData

/// One line of a file of interactions.
struct InteractionLine {
  let bytes: [UInt8]
  let file: String
  let number: Int
  let columns: InteractionColumns

  var text: String { String(decoding: bytes, as: UTF8.self) }

  /// Appends the events of the line to `log`, or nothing when it is wrong.
  func parse(
    _ layout: InteractionLayout, into log: inout InteractionLog, _ histories: inout HistoryJoiner
  ) throws(DataError) {
    switch layout {
    case .delimited(let separator, let places, let names):
      if separator != UInt8(ascii: "\t"), bytes.contains(UInt8(ascii: "\"")) {
        guard let fields = delimitedFields(text, separator: separator) else {
          throw wrong(nil, "a quoted field is not closed", expected: "a closing \"", found: text)
        }
        try event(places, names, count: fields.count, into: &log) { fields[$0] }
      } else {
        let ranges = split(bytes, at: separator)
        try event(places, names, count: ranges.count, into: &log) { field(bytes, ranges[$0]) }
      }
    case .doubleColon(let hasTime):
      let names = ["user", "item", "rating"] + (hasTime ? ["timestamp"] : [])
      let places = InteractionColumns.Places(user: 0, item: 1, rating: 2, time: hasTime ? 3 : nil)
      let ranges = splitAtDoubleColons(bytes)
      try event(places, names, count: ranges.count, into: &log) { field(bytes, ranges[$0]) }
    case .sequences:
      let names = words(bytes)
      guard names.count > 1 else {
        throw wrong("item", "the user has no items", expected: "user item item …", found: text)
      }
      for item in names.dropFirst() { log.append(user: names[0], item: item) }
    case .jsonLines: try json(into: &log, &histories)
    }
  }

  private func event(
    _ places: InteractionColumns.Places, _ names: [String], count: Int, into log: inout InteractionLog,
    _ field: (Int) -> String
  ) throws(DataError) {
    guard count == names.count else {
      throw wrong(
        nil, "the line has \(count) fields", expected: "\(names.count) fields: \(quotedList(names))",
        found: text)
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
      guard let value = parseNumber(text), place != places.rating || Float(value).isFinite else {
        throw wrong(
          names[place], "\"\(names[place])\" is not a number", expected: "a finite number", found: text,
          repair: places.time == place ? "write times as seconds since 1970" : nil)
      }
      return value
    }
    let (user, item) = (try name(places.user), try name(places.item))
    let (rating, time) = (try number(places.rating), try number(places.time))
    var part: InteractionLog.Part?
    if let place = places.part { part = try self.part(names[place], field(place)) }
    log.append(user: user, item: item, rating: rating.map { Float($0) }, time: time, part: part)
  }

  private func json(into log: inout InteractionLog, _ histories: inout HistoryJoiner) throws(DataError) {
    let record = try JSONRecord(bytes.span, file: file, line: number)
    func keys(_ asked: String?, _ known: [String]) -> [String] {
      (asked.map { [$0.lowercased()] } ?? known).compactMap { name in
        record.object.keys.first { $0.lowercased() == name }
      }
    }
    func name(_ asked: String?, _ known: [String], _ role: String) throws(DataError) -> String {
      for key in keys(asked, known) {
        if let name = try record.name(key), !name.isEmpty { return name }
      }
      throw record.missing(
        asked ?? role, needs: "\"user\" and \"item\", or \"user\", \"history\" and \"target\"",
        known: ["user", "item", "history", "target", "rating", "timestamp", "split"])
    }
    func value(_ asked: String?, _ known: [String]) throws(DataError) -> Double? {
      for key in keys(asked, known) {
        if let value = try record.number(key) { return value }
      }
      return nil
    }
    var part: InteractionLog.Part?
    for key in keys(columns.part, InteractionColumns.partNames) where part == nil {
      if let name = try record.name(key) { part = try self.part(key, name) }
    }
    let user = try name(columns.user, InteractionColumns.userNames, "user")
    if let (_, list) = record.field("history") {
      let history = list.array?.compactMap(InteractionLine.itemName)
      guard let history, history.count == list.array?.count else {
        throw record.wrong("history", list, expected: "a list of item ids, oldest first")
      }
      guard let target = record.object["target"].flatMap(InteractionLine.itemName) else {
        throw record.missing(
          "target", needs: "\"user\", \"history\" and \"target\"", known: ["user", "history"])
      }
      return try histories.append(
        user: user, history: history, target: target, part: part, to: &log, file: file, line: number)
    }
    let item = try name(columns.item, InteractionColumns.itemNames, "item")
    let rating = try value(columns.rating, InteractionColumns.ratingNames)
    let time = try value(columns.time, InteractionColumns.timeNames)
    log.append(user: user, item: item, rating: rating.map { Float($0) }, time: time, part: part)
  }

  private static func itemName(_ value: JSONValue) -> String? {
    value.string ?? value.integer.map { String($0) }
  }

  private func part(_ field: String, _ text: String) throws(DataError) -> InteractionLog.Part {
    guard let part = InteractionLog.Part(named: text) else {
      throw wrong(
        field, "\"\(field)\" names no part", expected: "train, validation or test (or 1, 2, 3)", found: text)
    }
    return part
  }

  private func wrong(
    _ field: String?, _ problem: String, expected: String, found: String, repair: String? = nil
  ) -> DataError {
    DataError(
      file: file, line: number, field: field, problem, expected: "expected \(expected)",
      found: "found \(clipped(found, 120))", repair: repair)
  }
}
