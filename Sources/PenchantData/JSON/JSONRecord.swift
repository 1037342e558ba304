/// One JSON object of a file: typed access to its fields with errors that name the place.
package struct JSONRecord {
  package let file: String
  package let line: Int
  package let object: JSONObject

  package init(_ bytes: Span<UInt8>, file: String, line: Int) throws(DataError) {
    self.file = file
    self.line = line
    let value: JSONValue
    do {
      value = try JSONValue(parsing: bytes)
    } catch {
      throw DataError(
        file: file, line: line, byte: error.byte, "this is not JSON: \(error.problem)",
        expected: "expected one JSON object a line", found: JSONRecord.excerpt(bytes, around: error.byte),
        repair: "see: penchant help data")
    }
    guard case .object(let object) = value else {
      throw DataError(
        file: file, line: line, "the record is \(value.kind)", expected: "expected one JSON object a line",
        found: "found \(value.kind)", repair: "see: penchant help data")
    }
    self.object = object
  }

  init(_ object: JSONObject, file: String, line: Int) {
    (self.file, self.line, self.object) = (file, line, object)
  }

  private static func excerpt(_ bytes: Span<UInt8>, around byte: Int) -> String {
    guard bytes.count > 0 else { return "found an empty line" }
    let first = max(0, min(byte, bytes.count) - 20)
    let part = bytes.extracting(first..<min(bytes.count, byte + 12))
    return "found here: " + clipped(part.withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }, 40)
  }

  /// The first of `names` that the record has and that is not null.
  package func field(_ names: String...) -> (name: String, value: JSONValue)? {
    for name in names {
      if let value = object[name], value != .null { return (name, value) }
    }
    return nil
  }

  package func wrong(_ field: String, _ value: JSONValue, expected: String) -> DataError {
    DataError(
      file: file, line: line, field: field, "\"\(field)\" is \(value.kind)",
      expected: "\"\(field)\" is \(expected)",
      found: "found \(clipped(value.description, 60))", repair: "see: penchant help data")
  }

  package func missing(_ field: String, needs: String, known: [String]) -> DataError {
    let unknown = object.keys.filter { !known.contains($0) }
    let near = nearestName(to: field, among: unknown)
    return DataError(
      file: file, line: line, field: field, "\"\(field)\" is missing", expected: "a record needs \(needs)",
      found: "this one has \(quotedList(object.keys))",
      repair: (near.map { "did you mean \"\(field)\" by \"\(clipped($0, 40))\"?   " } ?? "")
        + "see: penchant help data")
  }

  /// A name: a string, or a whole number written out.
  package func name(_ names: String...) throws(DataError) -> String? {
    for name in names {
      switch object[name] {
      case nil, .null?: continue
      case .string(let text)?: return text
      case .integer(let number)?: return String(number)
      case let value?: throw wrong(name, value, expected: "a string")
      }
    }
    return nil
  }

  package func number(_ name: String) throws(DataError) -> Double? {
    guard let (_, value) = field(name) else { return nil }
    guard let number = value.number else { throw wrong(name, value, expected: "a number") }
    return number
  }
}
