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
      let bytes = lines.withLine { line in line.withUnsafeBufferPointer { Array($0) } }
      let line = InteractionLine(bytes: bytes, file: lines.name, number: lines.number, columns: columns)
      if layout == nil {
        let (found, isHeader) = try InteractionLayout.detect(
          line.text, format: format, columns: columns, file: lines.name, number: lines.number)
        layout = found
        if isHeader { return true }
      }
      if let layout { try line.parse(layout, into: &read, &histories) }
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
