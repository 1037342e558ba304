import Foundation

/// Lines of a file, of standard input or of memory, plain or packed (gzip, zstd, bzip2), in bounded memory.
///
/// A line ends at `\n`, a `\r` before it is dropped, and so is a byte order mark at the start. Every line is checked
/// to be UTF-8 and to fit the limit. An error about one line leaves the reader at the next, so that a caller may
/// collect several; after an error of the file itself the reader is at its end.
public struct LineReader: ~Copyable {
  /// 8 MiB: longer lines are refused, so that a file without line ends cannot fill the memory.
  public static let defaultLineLimit = 8 << 20

  /// The path, or the name given to bytes in memory; for messages.
  public var name: String { source.name }
  /// The number of the line that was read last, counted from 1.
  public private(set) var number = 0
  /// Bytes of the file read so far, after unpacking.
  public var bytesRead: Int { source.delivered }

  private var source: ByteSource
  private let limit: Int
  private var buffer: [UInt8]
  private var filled = 0..<0
  private var line = 0..<0
  private var ended = false
  private var skipping = false

  /// Opens a file; `-` is standard input.
  ///
  /// - Throws: `DataError` when it is missing, a directory, or may not be read.
  public init(_ path: String, lineLimit: Int = defaultLineLimit) throws(DataError) {
    self.init(source: try ByteSource(path: path), lineLimit: lineLimit)
  }

  /// Reads bytes in memory, plain or packed.
  public init(bytes: [UInt8], name: String = "memory", lineLimit: Int = defaultLineLimit) {
    self.init(source: ByteSource(bytes: bytes, name: name), lineLimit: lineLimit)
  }

  /// Reads bytes that have been unpacked before.
  package init(plain bytes: [UInt8], name: String) {
    self.init(source: ByteSource(plain: bytes, name: name), lineLimit: Self.defaultLineLimit)
  }

  private init(source: consuming ByteSource, lineLimit: Int) {
    self.source = source
    limit = max(1, lineLimit)
    buffer = [UInt8](repeating: 0, count: min(1 << 18, limit + 2))
  }

  /// The next line without its end, or `nil` after the last.
  public mutating func next() throws(DataError) -> String? {
    guard try advance() else { return nil }
    return withLine { bytes in bytes.withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) } }
  }

  /// Moves to the next line; false after the last.
  public mutating func advance() throws(DataError) -> Bool {
    if skipping {
      guard try skipRest() else { return false }
    }
    guard let end = try findEnd() else { return false }
    number += 1
    line = filled.lowerBound..<end.content
    filled = end.next..<filled.upperBound
    if number == 1, line.count >= 3, buffer[line.prefix(3)].elementsEqual([0xEF, 0xBB, 0xBF]) {
      line = line.lowerBound + 3..<line.upperBound
    }
    if let byte = firstInvalidUTF8(buffer.span.extracting(line)) {
      throw DataError(
        file: name, line: number, byte: byte, "this is not UTF-8 text", expected: "every line is UTF-8",
        found: "byte 0x\(String(buffer[line.lowerBound + byte], radix: 16)) cannot stand here",
        repair: "convert the file, for example with: iconv -f latin1 -t utf-8")
    }
    return true
  }

  /// Calls `body` with the bytes of the line that `advance` moved to.
  public func withLine<Result, Failure: Error>(
    _ body: (Span<UInt8>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(buffer.span.extracting(line))
  }

  /// Where the next line ends (without its terminator) and where the one after it starts.
  private mutating func findEnd() throws(DataError) -> (content: Int, next: Int)? {
    var searched = filled.lowerBound
    while true {
      if let newline = position(of: 0x0A, in: searched..<filled.upperBound) {
        guard newline - filled.lowerBound <= limit else { throw tooLong(known: newline) }
        let carriage = newline > filled.lowerBound && buffer[newline - 1] == 0x0D
        return (carriage ? newline - 1 : newline, newline + 1)
      }
      guard filled.count <= limit else { throw tooLong(known: nil) }
      if ended {
        guard !filled.isEmpty else { return nil }
        let carriage = buffer[filled.upperBound - 1] == 0x0D
        return (carriage ? filled.upperBound - 1 : filled.upperBound, filled.upperBound)
      }
      let done = filled.count
      try fill()
      searched = filled.lowerBound + done
    }
  }

  private mutating func tooLong(known newline: Int?) -> DataError {
    number += 1
    line = 0..<0
    if let newline { filled = newline + 1..<filled.upperBound } else { skipping = true }
    return DataError(
      file: name, line: number, "the line is too long", expected: "at most \(limit) bytes a line are read",
      found: "there is no line end in them",
      repair: "write one record a line (JSON lines), not one array or document a file")
  }

  /// Drops the rest of a line that was too long; false at the end of the file.
  private mutating func skipRest() throws(DataError) -> Bool {
    while true {
      if let newline = position(of: 0x0A, in: filled) {
        filled = newline + 1..<filled.upperBound
        skipping = false
        return true
      }
      filled = 0..<0
      if ended { return false }
      try fill()
    }
  }

  private mutating func fill() throws(DataError) {
    if filled.lowerBound > 0 {
      let range = filled
      buffer.withUnsafeMutableBytes { bytes in
        _ = memmove(bytes.baseAddress!, bytes.baseAddress! + range.lowerBound, range.count)
      }
      filled = 0..<range.count
    }
    if filled.upperBound == buffer.count {
      buffer.append(contentsOf: repeatElement(0, count: min(buffer.count, limit + 2 - buffer.count)))
    }
    let from = filled.upperBound
    do throws(DataError) {
      let got = try buffer.withUnsafeMutableBufferPointer { (bytes) throws(DataError) in
        try source.read(
          into: UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(bytes)[from...]))
      }
      if got == 0 { ended = true }
      filled = 0..<from + got
    } catch {
      ended = true
      skipping = false
      filled = 0..<0
      throw error
    }
  }

  private func position(of byte: UInt8, in range: Range<Int>) -> Int? {
    guard !range.isEmpty else { return nil }
    return buffer.withUnsafeBytes { bytes in
      memchr(bytes.baseAddress! + range.lowerBound, Int32(byte), range.count).map {
        $0 - UnsafeMutableRawPointer(mutating: bytes.baseAddress!)
      }
    }
  }
}
