import PenchantData

/// The first line of a RecBole atomic file: `name:type` between tabs, types token, token_seq, float and float_seq.
struct AtomicHeader: Equatable {
  let names: [String]
  let types: [String]

  static let types = ["token", "token_seq", "float", "float_seq"]

  init(_ line: String, file: String, number: Int) throws(DataError) {
    var names: [String] = []
    var types: [String] = []
    for field in line.split(separator: "\t", omittingEmptySubsequences: false) {
      let colon = field.lastIndex(of: ":")
      let type = colon.map { String(field[field.index(after: $0)...]) }
      guard let colon, let type, Self.types.contains(type) else {
        let name = clipped(String(field), 40)
        throw DataError(
          file: file, line: number, field: String(field),
          colon == nil
            ? "the header field \"\(name)\" has no type" : "the header field \"\(name)\" has an unknown type",
          expected: "expected name:type with the types \(quotedList(Self.types))",
          found: "found \(clipped(line, 120))",
          repair: "write for instance: user_id:token, item_id:token, rating:float, timestamp:float")
      }
      names.append(String(field[..<colon]))
      types.append(type)
    }
    self.names = names
    self.types = types
  }
}
