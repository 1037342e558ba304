/// Preference pairs of a JSON lines file, one after the other.
///
/// ```swift
/// let pairs = try PairReader("pairs.jsonl.gz").pairs()
/// ```
/// Reads what TRL and OpenRLHF write (`prompt`, `chosen`, `rejected` as strings or message lists; docs/formats.md has
/// the whole list), the columns of the Stanford Human Preferences, the votes of MultiPref, and the files of `PairBuilder`. Blank lines are passed over. An error about one
/// line leaves the reader at the next line, so a caller may go on.
public struct PairReader: ~Copyable {
  private var lines: LineReader
  private let keepsExtra: Bool
  private var count = 0
  /// Votes of the line that was read last, the next one last.
  private var votes: [JSONRecord] = []

  /// Opens a file, plain or packed; `-` is standard input.
  ///
  /// - Parameters:
  ///   - keepExtra: keep fields that have no meaning here in `PreferencePair.extra`.
  ///   - lineLimit: the longest line in bytes.
  public init(_ path: String, keepExtra: Bool = false, lineLimit: Int = LineReader.defaultLineLimit)
    throws(DataError)
  {
    lines = try LineReader(path, lineLimit: lineLimit)
    keepsExtra = keepExtra
  }

  /// Reads bytes in memory, plain or packed.
  public init(
    bytes: [UInt8], name: String = "memory", keepExtra: Bool = false,
    lineLimit: Int = LineReader.defaultLineLimit
  ) {
    lines = LineReader(bytes: bytes, name: name, lineLimit: lineLimit)
    keepsExtra = keepExtra
  }

  /// The number of the line that was read last, counted from 1.
  public var line: Int { lines.number }
  /// The path, or the name given to bytes in memory.
  public var name: String { lines.name }
  var bytesRead: Int { lines.bytesRead }

  /// The next pair, or `nil` after the last.
  public mutating func next() throws(DataError) -> PreferencePair? {
    guard let record = try lines.nextVote(&votes) else { return nil }
    let pair = try PreferencePair(record, keepExtra: keepsExtra)
    count += 1
    return pair
  }

  /// All pairs that are left.
  ///
  /// - Throws: the first error, and an error when the file holds no record at all.
  public consuming func pairs() throws(DataError) -> [PreferencePair] {
    var all: [PreferencePair] = []
    while let pair = try next() { all.append(pair) }
    guard count > 0 else {
      throw noRecords(lines.name, bytes: lines.bytesRead, needs: "one JSON object a line")
    }
    return all
  }
}

extension LineReader {
  /// The next record of the line that was read last or of the next one with any; `nil` after the last.
  ///
  /// - Parameter votes: records of that line that are left, the next one last.
  mutating func nextVote(_ votes: inout [JSONRecord]) throws(DataError) -> JSONRecord? {
    let name = name
    while votes.isEmpty {
      guard try advance() else { return nil }
      let number = number
      votes = try withLine { (bytes) throws(DataError) -> [JSONRecord] in
        isBlank(bytes) ? [] : try JSONRecord(bytes, file: name, line: number).votes().reversed()
      }
    }
    return votes.popLast()
  }
}

package func isBlank(_ bytes: Span<UInt8>) -> Bool {
  for i in bytes.indices where bytes[i] != 0x20 && bytes[i] != 0x09 && bytes[i] != 0x0D { return false }
  return true
}

package func noRecords(_ file: String, bytes: Int, needs: String) -> DataError {
  DataError(
    file: file, bytes == 0 ? "the file is empty" : "there is no record in it", expected: "expected \(needs)",
    found: "found \(bytes) bytes", repair: "see: penchant help data")
}
