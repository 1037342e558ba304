import Foundation
import Synchronization

/// A file of JSON lines that grows by whole lines: what was appended survives a killed process, and a line
/// that a crash cut is dropped when the file is opened again. One process writes at a time.
public final class AppendLog: Sendable {
  public let path: String
  private let durable: Bool
  private let descriptor: Mutex<Int32>

  /// Opens the file, or makes it, and hands every line that is there to `each`, with its number. A last line
  /// that is cut is removed from the file after all others have been accepted.
  ///
  /// - Parameters:
  ///   - durable: whether a line is on the device when `append` returns; false leaves that to the system,
  ///   which loses lines with the machine, not with the process.
  ///   - warn: told about a line that was dropped.
  /// - Throws: `DataError` when the file may not be written, is gzipped or is being written by another
  ///   process, and what `each` throws; the file is unchanged then.
  public init(
    _ path: String, durable: Bool = true, warn: (String) -> Void = { _ in },
    each: (String, Int) throws(DataError) -> Void
  ) throws(DataError) {
    self.path = path
    self.durable = durable
    guard !path.isEmpty, !path.utf8.contains(0) else {
      throw DataError(file: clipped(path), "this is not a path")
    }
    let file = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0o666)
    guard file >= 0 else { throw AppendLog.failure(path, errno) }
    descriptor = Mutex(file)
    guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
      throw DataError(
        file: path, "another process is writing this file", repair: "wait for it, or choose another file")
    }
    var magic: [UInt8] = [0, 0]
    if pread(file, &magic, 2, 0) == 2, magic == [0x1F, 0x8B] {
      throw DataError(
        file: path, "nothing can be appended to a gzipped file",
        repair: "unpack it with gunzip, or choose another file")
    }
    let torn = try AppendLog.read(path, each: each)
    guard let torn else { return }
    if torn.isWhole {
      try append(bytes: [UInt8(ascii: "\n")])
    } else {
      warn("\(path): the last line was cut while it was written (\(torn.bytes) bytes) and is dropped")
      guard ftruncate(file, off_t(torn.start)) == 0 else { throw AppendLog.failure(path, errno) }
    }
  }

  deinit { descriptor.withLock { _ = close($0) } }

  /// Appends one line. After an error the file ends as it did before.
  public func append(_ line: JSONValue) throws(DataError) {
    try append(bytes: Array(line.description.utf8) + [UInt8(ascii: "\n")])
  }

  private func append(bytes: [UInt8]) throws(DataError) {
    let (path, durable) = (path, durable)
    let code: Int32 = descriptor.withLock { file in
      let start = lseek(file, 0, SEEK_END)
      guard start >= 0 else { return errno }
      let code = writeAll(bytes, to: file)
      guard code == 0 else {
        _ = ftruncate(file, start)
        return code
      }
      if durable, fdatasync(file) != 0, errno != EINVAL, errno != ENOTSUP { return errno }
      return 0
    }
    guard code == 0 else { throw AppendLog.failure(path, code) }
  }

  /// A last line without an end.
  private struct Torn {
    var start: Int
    var bytes: Int
    /// Whether only its end is missing.
    var isWhole: Bool
  }

  /// Hands every whole line to `each`, blank ones left out; changes nothing.
  ///
  /// - Returns: how many bytes at the end belong to a line that was cut.
  public static func lines(of path: String, each: (String, Int) throws(DataError) -> Void) throws(DataError)
    -> Int
  {
    guard let torn = try read(path, each: each), !torn.isWhole else { return 0 }
    return torn.bytes
  }

  private static func read(
    _ path: String, each: (String, Int) throws(DataError) -> Void
  ) throws(DataError) -> Torn? {
    var torn = try tail(path)
    var reader = try LineReader(path)
    var pending: (text: String, number: Int)?
    while true {
      let line: String?
      do throws(DataError) { line = try reader.next() } catch {
        // A cut in the middle of a character is no damage, if nothing follows.
        let number = reader.number
        guard torn != nil, error.line == number, try reader.next() == nil else { throw error }
        if let pending { try each(pending.text, pending.number) }
        return torn
      }
      guard let line else { break }
      if let pending { try each(pending.text, pending.number) }
      pending = line.contains { !$0.isWhitespace } ? (line, reader.number) : nil
    }
    guard let pending else { return torn }
    torn?.isWhole = (try? JSONValue(parsing: pending.text)) != nil
    if torn?.isWhole ?? true { try each(pending.text, pending.number) }
    return torn
  }

  /// What stands behind the last line end.
  private static func tail(_ path: String) throws(DataError) -> Torn? {
    let file = try openForReading(path)
    defer { close(file) }
    let size = Int(lseek(file, 0, SEEK_END))
    var end = size
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while end > 0 {
      let start = max(0, end - chunk.count)
      let got = pread(file, &chunk, end - start, off_t(start))
      guard got == end - start else { throw systemError(path, "cannot be read", got < 0 ? errno : EIO) }
      if let newline = chunk[..<got].lastIndex(of: UInt8(ascii: "\n")) {
        let from = start + newline + 1
        return from < size ? Torn(start: from, bytes: size - from, isWhole: false) : nil
      }
      end = start
    }
    return size > 0 ? Torn(start: 0, bytes: size, isWhole: false) : nil
  }

  private static func failure(_ path: String, _ code: Int32) -> DataError {
    let repair: String? =
      switch code {
      case ENOSPC, EDQUOT: "free some space; what was written before is kept"
      case EACCES, EROFS, EPERM: "write where you may"
      case ENOENT: "make the folder first"
      case EISDIR: "name a file, not a folder"
      default: nil
      }
    return DataError(file: path, "cannot be written: \(String(cString: strerror(code)))", repair: repair)
  }
}
