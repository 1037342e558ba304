import PenchantData

extension ItemDescriptions {
  /// Reads descriptions of a file, plain or packed:
  /// - RecBole `.item` (header `item_id:token`, …; a `token_seq` is split at blanks into attributes, unless its name holds
  ///   "title", "name", "text" or "description");
  /// - JSON lines with `item` (or `asin`, `parent_asin`, `movieId` …), `title`, `description` or `text`, `categories`,
  ///   `brand`;
  /// - one JSON object `{"item": [attribute, …], …}`, as S3-Rec writes;
  /// - tables with named columns such as MovieLens' movies.csv, `genres` split at `|`, and `id::title::genres`.
  ///
  /// - Throws: `DataError` for the first line that cannot be read, and when an item stands twice.
  public init(_ path: String) throws(DataError) { try self.init(LineReader(path, lineLimit: Self.lineLimit)) }

  /// Reads bytes in memory, plain or packed.
  public init(bytes: [UInt8], name: String = "memory") throws(DataError) {
    try self.init(LineReader(bytes: bytes, name: name, lineLimit: Self.lineLimit))
  }

  /// The attribute file of a large catalogue is one line.
  private static let lineLimit = 1 << 28

  private init(_ reader: consuming LineReader) throws(DataError) {
    self.init()
    var lines = reader
    var layout: DescriptionLayout?
    while let line = try lines.next() {
      guard line.contains(where: { !$0.isWhitespace }) else { continue }
      let (file, number) = (lines.name, lines.number)
      if layout == nil {
        if let whole = try Self.attributeMap(line, file: file, line: number) {
          for (name, description) in whole { _ = insert(name, description) }
          layout = .map
          continue
        }
        layout = try DescriptionLayout.detect(line, file: file, number: number)
        if case .columns = layout { continue }
      }
      guard let entry = try layout?.parse(line, file: file, number: number) else {
        throw DataError(
          file: file, line: number, "there is more text behind the object of attributes",
          expected: "expected one JSON object", found: "found \(clipped(line))")
      }
      guard insert(entry.name, entry.description) else {
        throw DataError(
          file: file, line: number, field: "item",
          "the item \"\(clipped(entry.name, 40))\" is described twice",
          expected: "expected one line an item", found: "found \"\(clipped(entry.name, 40))\" again")
      }
    }
    guard count > 0 else {
      throw noRecords(lines.name, bytes: lines.bytesRead, needs: "one item a line")
    }
  }

  /// The items of `{"item": [attribute, …], …}`; nil when the line is something else.
  private static func attributeMap(
    _ line: String, file: String, line number: Int
  ) throws(DataError) -> [(String, ItemDescription)]? {
    guard line.hasPrefix("{"), let value = try? JSONValue(parsing: line), let object = value.object,
      !object.isEmpty, object.values.allSatisfy({ $0.array != nil })
    else { return nil }
    var items: [(String, ItemDescription)] = []
    for (name, value) in zip(object.keys, object.values) {
      guard let attributes = attributeNames(value) else {
        throw DataError(
          file: file, line: number, field: name,
          "an attribute of item \"\(clipped(name, 40))\" is no name",
          expected: "expected a list of strings or whole numbers",
          found: "found \(clipped(value.description))")
      }
      items.append((name, ItemDescription(attributes: attributes)))
    }
    return items
  }
}

/// Strings and whole numbers of a list or of lists in it, each once; nil for anything else.
func attributeNames(_ value: JSONValue) -> [String]? {
  var names: [String] = []
  var seen: Set<String> = []
  func add(_ value: JSONValue) -> Bool {
    if let list = value.array { return list.allSatisfy(add) }
    guard let name = value.string ?? value.integer.map({ String($0) }) else { return false }
    if seen.insert(name).inserted { names.append(name) }
    return true
  }
  return add(value) ? names : nil
}
