import PenchantData

/// The settings of a JSON file, each asked for by name. What nobody asked for is something that we do not
/// have.
struct PublishedSettings {
  let file: String
  private let object: JSONObject
  private var asked: Set<String> = []

  private static let sizeLimit = 1 << 24

  init(_ path: String) throws(DataError) {
    file = path
    let bytes = try wholeFile(path, limit: Self.sizeLimit)
    let value: JSONValue
    do throws(JSONError) { value = try JSONValue(parsing: bytes.span) } catch {
      throw DataError(file: path, byte: error.byte, "this is not JSON: \(error.problem)")
    }
    guard let object = value.object else {
      throw DataError(file: path, "the settings are \(value.kind)", expected: "expected an object")
    }
    self.object = object
  }

  /// What is set; `nil` for a setting that is missing or null.
  mutating func value(_ key: String) -> JSONValue? {
    asked.insert(key)
    guard let value = object[key], value != .null else { return nil }
    return value
  }

  /// Whether the setting is given as null.
  mutating func isNull(_ key: String) -> Bool {
    asked.insert(key)
    return object[key] == .null
  }

  func wrong(_ key: String, expected: String) -> DataError {
    DataError(
      file: file, field: key,
      object[key] == nil ? "\"\(key)\" is missing" : "\"\(key)\" has a value that cannot be used",
      expected: "expected \(expected)",
      found: object[key].map { "found \(clipped($0.description, 80))" })
  }

  mutating func integer(
    _ key: String, _ range: ClosedRange<Int>, default standard: Int? = nil
  ) throws(DataError) -> Int {
    guard let value = value(key)?.integer ?? (object[key] == nil ? standard : nil), range.contains(value)
    else {
      throw wrong(key, expected: "a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return value
  }

  /// One number for all levels, or a list of one a level.
  mutating func integers(
    _ key: String, _ range: ClosedRange<Int>, count: Int, default standard: Int? = nil
  ) throws(DataError) -> [Int] {
    guard let list = value(key)?.array else {
      return [Int](repeating: try integer(key, range, default: standard), count: count)
    }
    let numbers = list.compactMap(\.integer).filter(range.contains)
    guard numbers.count == count, list.count == count else {
      throw wrong(
        key, expected: "one number, or a list of \(count), from \(range.lowerBound) to \(range.upperBound)")
    }
    return numbers
  }

  mutating func number(_ key: String, default standard: Double) throws(DataError) -> Double {
    guard let value = value(key) else {
      if object[key] == nil { return standard }
      throw wrong(key, expected: "a number")
    }
    guard let number = value.number, number.isFinite else { throw wrong(key, expected: "a number") }
    return number
  }

  mutating func flag(_ key: String, default standard: Bool) throws(DataError) -> Bool {
    guard let value = value(key) else { return standard }
    guard let flag = value.bool else { throw wrong(key, expected: "true or false") }
    return flag
  }

  /// A text that is one of the keys of `known`.
  mutating func choice<Choice>(
    _ key: String, _ known: KeyValuePairs<String, Choice>, default standard: Choice? = nil
  ) throws(DataError) -> Choice {
    let given = value(key)
    if given == nil, object[key] == nil, let standard { return standard }
    guard let text = given?.string, let choice = known.first(where: { $0.key == text }) else {
      throw wrong(key, expected: Self.alternatives(known.map { "\"\($0.key)\"" }))
    }
    return choice.value
  }

  /// A list of texts that are keys of `known`.
  mutating func choices<Choice>(
    _ key: String, _ known: KeyValuePairs<String, Choice>, count: Int
  ) throws(DataError) -> [Choice] {
    let list = value(key)?.array ?? []
    let choices = list.compactMap { item in known.first { $0.key == item.string }?.value }
    guard choices.count == count, list.count == count else {
      throw wrong(
        key,
        expected: "a list of \(count), each " + Self.alternatives(known.map { "\"\($0.key)\"" }))
    }
    return choices
  }

  /// Settings of which we have one way only: a setting that is given says it, or is null.
  mutating func only(_ settings: KeyValuePairs<String, [JSONValue]>) throws(DataError) {
    for (key, allowed) in settings {
      guard let value = value(key) else { continue }
      let holds = allowed.contains { $0 == value || $0.number != nil && $0.number == value.number }
      guard holds else {
        throw wrong(key, expected: Self.alternatives(allowed.map(\.description) + ["null"]))
      }
    }
  }

  /// Settings that change nothing here.
  mutating func ignore(_ keys: String...) { asked.formUnion(keys) }

  /// - Throws: `DataError` for a setting that nobody asked for, unless it says that something is not there.
  func refuseUnknown() throws(DataError) {
    for (key, value) in zip(object.keys, object.values)
    where !asked.contains(key) && !key.hasPrefix("_") && value != .null && value != .bool(false) {
      throw DataError(
        file: file, field: key, "\"\(clipped(key, 40))\" is a setting that is not known",
        expected: "null, false, or to be left out", found: "found \(clipped(value.description, 80))",
        repair: "a network that needs it would not be the same here")
    }
  }

  private static func alternatives(_ names: [String]) -> String {
    names.count < 2
      ? names.joined() : names.dropLast().joined(separator: ", ") + " or " + names[names.count - 1]
  }
}
