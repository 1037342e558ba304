import Foundation
import PenchantData

/// A stream that the process was started with, written at once and whole. (`FileHandle` traps where a write fails, and
/// `print` says nothing.)
public enum StandardStream: Sendable {
  case output, error

  /// - Throws: `FileError` when not all of it could be written, as on a full disk.
  public func write(_ bytes: some Sequence<UInt8>) throws(FileError) {
    let (file, name) =
      self == .output ? (STDOUT_FILENO, "standard output") : (STDERR_FILENO, "standard error")
    let code = writeAll(Array(bytes), to: file)
    if code != 0 { throw FileError("write", name, code: code) }
  }

  /// Makes every failure to write an error, at the start of a command: a reader that has left ends nothing, and where the
  /// process was started without a stream no file gets its number and what is meant for people.
  public static func prepare() {
    signal(SIGPIPE, SIG_IGN)
    var file = Foundation.open("/dev/null", O_RDONLY)
    while (0...STDERR_FILENO).contains(file) { file = Foundation.open("/dev/null", O_RDONLY) }
    if file >= 0 { close(file) }
  }
}
