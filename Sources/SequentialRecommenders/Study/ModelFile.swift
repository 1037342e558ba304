import PenchantData

extension SafeTensors {
  /// Starts of rows: from 0, ascending, ending with `end`.
  func starts(_ name: String, rows: Int?, end: Int) throws -> [Int] {
    let starts = try integers(name, shape: [rows.map { $0 + 1 }])
    guard starts.first == 0, starts.last == end, zip(starts, starts.dropFirst()).allSatisfy({ $0 <= $1 })
    else {
      throw DataError(
        file: file, field: name, "the tensor \"\(name)\" does not ascend from 0 to \(end)")
    }
    return starts
  }

  /// Numbers below `bound`.
  func places(_ name: String, below bound: Int) throws -> [UInt32] {
    try integers(name, shape: [nil]).map { value in
      guard value >= 0, value < bound, let place = UInt32(exactly: value) else {
        throw DataError(
          file: file, field: name, "the tensor \"\(name)\" names a place that is not there",
          expected: "0 to \(bound - 1)", found: "found \(value)")
      }
      return place
    }
  }

  /// Texts that `SafeTensorsWriter.add(texts:)` wrote.
  func texts(_ name: String) throws -> [String] {
    let bytes = try bytes(name)
    let ends = try starts(name + ".starts", rows: nil, end: bytes.count)
    return zip(ends, ends.dropFirst()).map { String(decoding: bytes[$0..<$1], as: UTF8.self) }
  }
}

extension SafeTensorsWriter {
  /// Adds texts as their bytes behind each other and where each starts.
  mutating func add(texts: [String], _ name: String) throws(DataError) {
    var bytes: [UInt8] = []
    var starts = [0]
    for text in texts {
      bytes += Array(text.utf8)
      starts.append(bytes.count)
    }
    try add(name, shape: [bytes.count], bytes)
    try add(name + ".starts", shape: [starts.count], starts)
  }
}

/// How often each item was seen, as every model's file holds it.
enum ItemCountsTensor {
  static let name = "item_counts"

  static func read(_ file: SafeTensors) throws -> [UInt32] {
    let counts = try file.integers(name, shape: [nil])
    guard !counts.isEmpty, counts.count < Int(Int32.max) else {
      throw DataError(file: file.file, field: name, "a catalogue of \(counts.count) items")
    }
    return try counts.map { count in
      guard let count = UInt32(exactly: count) else {
        throw DataError(
          file: file.file, field: name, "a count is negative or too large", found: "found \(count)")
      }
      return count
    }
  }
}
