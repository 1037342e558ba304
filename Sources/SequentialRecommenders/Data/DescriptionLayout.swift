import PenchantData

/// How a file of item descriptions is written.
enum DescriptionLayout {
  /// One object with all items, read as a whole.
  case map
  case jsonLines
  case doubleColon
  case columns(separator: UInt8, item: Int, columns: [Column])

  /// What a column tells of the item.
  struct Column {
    enum Role { case title, text, attributes(separator: Character?), none }
    var name: String
    var role: Role
  }

  static func detect(_ line: String, file: String, number: Int) throws(DataError) -> DescriptionLayout {
    if line.hasPrefix("{") { return .jsonLines }
    if line.contains("::") { return .doubleColon }
    let tab = UInt8(ascii: "\t")
    if line.utf8.contains(tab), line.contains(":token") {
      let header = try AtomicHeader(line, file: file, number: number)
      guard
        let item = header.names.firstIndex(where: { InteractionColumns.itemNames.contains($0.lowercased()) })
      else { throw noItem(header.names, file, number) }
      let columns = zip(header.names, header.types).map { name, type in
        Column(name: name, role: role(name, isList: type == "token_seq", separator: " "))
      }
      return .columns(separator: tab, item: item, columns: columns)
    }
    let separator = line.utf8.contains(tab) ? tab : UInt8(ascii: ",")
    guard let names = delimitedFields(line, separator: separator),
      let item = names.firstIndex(where: { InteractionColumns.itemNames.contains($0.lowercased()) })
    else { throw noItem([line], file, number) }
    return .columns(
      separator: separator, item: item,
      columns: names.map { name in
        let isList = ["genres", "categories", "tags"].contains(name.lowercased())
        return Column(name: name, role: role(name, isList: isList, separator: "|"))
      })
  }

  private static func noItem(_ names: [String], _ file: String, _ number: Int) -> DataError {
    DataError(
      file: file, line: number, field: "item", "no column holds the item",
      expected: "expected a first line of names, or JSON lines, with item_id, item, movieId or asin",
      found: "found \(quotedList(names))")
  }

  private static func role(_ name: String, isList: Bool, separator: Character) -> Column.Role {
    let lower = name.lowercased()
    if lower.contains("title") || lower.hasSuffix("name") { return .title }
    if lower.contains("description") || lower.contains("text") { return .text }
    if isList { return .attributes(separator: separator) }
    return InteractionColumns.itemNames.contains(lower) ? .none : .attributes(separator: nil)
  }

  /// The item of a line; nil when the file should have ended.
  func parse(_ line: String, file: String, number: Int) throws(DataError) -> (
    name: String, description: ItemDescription
  )? {
    switch self {
    case .map: return nil
    case .jsonLines: return try json(line, file, number)
    case .doubleColon:
      let fields = line.split(separator: "::", omittingEmptySubsequences: false).map { String($0).trimmed }
      guard fields.count == 3, !fields[0].isEmpty else {
        throw wrong(
          "the line has \(fields.count) fields", expected: "item::title::genres", line, file, number)
      }
      let genres = fields[2].split(separator: "|").map(String.init)
      return (fields[0], ItemDescription(title: fields[1], attributes: genres))
    case .columns(let separator, let item, let columns):
      let isTab = separator == UInt8(ascii: "\t")
      let fields =
        isTab
        ? line.split(separator: "\t", omittingEmptySubsequences: false).map { String($0).trimmed }
        : delimitedFields(line, separator: separator)
      guard let fields else {
        throw wrong("a quoted field is not closed", expected: "a closing \"", line, file, number)
      }
      guard fields.count == columns.count else {
        throw wrong(
          "the line has \(fields.count) fields",
          expected: "\(columns.count) fields: \(quotedList(columns.map(\.name)))", line, file, number)
      }
      guard !fields[item].isEmpty else {
        throw wrong("\"\(columns[item].name)\" is empty", expected: "an id", line, file, number)
      }
      return (fields[item], describe(fields, columns))
    }
  }

  private func describe(_ fields: [String], _ columns: [Column]) -> ItemDescription {
    var description = ItemDescription()
    for (field, column) in zip(fields, columns) where !field.isEmpty {
      switch column.role {
      case .title: description.title = description.title.map { $0 + " " + field } ?? field
      case .text: description.text = description.text.map { $0 + "\n" + field } ?? field
      case .attributes(let separator):
        let names = separator.map { field.split(separator: $0).map(String.init) } ?? [field]
        for name in names where !description.attributes.contains(name) { description.attributes.append(name) }
      case .none: break
      }
    }
    return description
  }

  private func json(_ line: String, _ file: String, _ number: Int) throws(DataError) -> (
    name: String, description: ItemDescription
  ) {
    let record = try JSONRecord(Array(line.utf8).span, file: file, line: number)
    let key = record.object.keys.first { InteractionColumns.itemNames.contains($0.lowercased()) }
    guard let key, let name = try record.name(key), !name.isEmpty else {
      throw record.missing(
        "item", needs: "\"item\", and maybe \"title\" and \"description\"", known: ["title"])
    }
    var description = ItemDescription()
    description.title = try record.name("title", "name")
    if let (field, value) = record.field("description", "text") {
      guard let parts = attributeNames(value) else {
        throw record.wrong(field, value, expected: "a string or a list of strings")
      }
      description.text = parts.joined(separator: "\n")
    }
    for field in ["categories", "category", "genres", "attributes", "brand"] {
      guard let value = record.object[field], value != .null else { continue }
      guard let names = attributeNames(value) else {
        throw record.wrong(field, value, expected: "a string or a list of strings")
      }
      description.attributes += names.filter { !description.attributes.contains($0) }
    }
    return (name, description)
  }

  private func wrong(
    _ problem: String, expected: String, _ line: String, _ file: String, _ number: Int
  ) -> DataError {
    DataError(
      file: file, line: number, problem, expected: "expected \(expected)",
      found: "found \(clipped(line, 120))")
  }
}
