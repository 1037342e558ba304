/// The fields of a line; one in double quotes may hold the separator, and `""` for a quote. Blanks around a field without
/// quotes are dropped. Nil when a quoted field is not closed.
package func delimitedFields(_ text: String, separator: UInt8) -> [String]? {
  var fields: [String] = []
  var field: [UInt8] = []
  var quoted = false
  var wasQuoted = false
  func finished() -> String {
    let text = String(decoding: field, as: UTF8.self)
    return wasQuoted ? text : text.trimmed
  }
  let bytes = Array(text.utf8)
  var place = 0
  while place < bytes.count {
    let byte = bytes[place]
    if quoted, byte == UInt8(ascii: "\""), place + 1 < bytes.count, bytes[place + 1] == byte {
      field.append(byte)
      place += 1
    } else if byte == UInt8(ascii: "\""), quoted || field.isEmpty {
      quoted.toggle()
      wasQuoted = true
    } else if byte == separator, !quoted {
      fields.append(finished())
      field.removeAll(keepingCapacity: true)
      wasQuoted = false
    } else {
      field.append(byte)
    }
    place += 1
  }
  guard !quoted else { return nil }
  fields.append(finished())
  return fields
}

extension String {
  /// Without blanks and tabs at both ends.
  package var trimmed: String {
    let bytes = utf8
    guard let first = bytes.firstIndex(where: { $0 != 0x20 && $0 != 0x09 && $0 != 0x0D }),
      let last = bytes.lastIndex(where: { $0 != 0x20 && $0 != 0x09 && $0 != 0x0D })
    else { return "" }
    return String(self[first...last])
  }
}
