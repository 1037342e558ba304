import Foundation
import PenchantData

/// What a checkpoint needs from a file system, small enough that a test can stand in for it: record every operation,
/// drop what was not synced, tear a write, or say "no space left".
///
/// Paths are plain strings with `/`. Every call throws `FileError` with the path and the system's reason.
public protocol FileLayer: Sendable {
  /// Creates a directory and the ones above it; an existing one is fine.
  func createDirectory(_ path: String) throws
  /// Creates or truncates a file and writes all bytes.
  func write(_ bytes: [UInt8], to path: String) throws
  /// Waits until the bytes of a file are on the device.
  func syncFile(_ path: String) throws
  /// Waits until the names in a directory are on the device.
  func syncDirectory(_ path: String) throws
  /// Renames within a file system; a file or link at the destination is replaced.
  func rename(_ source: String, to destination: String) throws
  /// Creates a symbolic link.
  func link(_ path: String, to target: String) throws
  /// Where a symbolic link points; nil when there is no link at `path`.
  func target(of path: String) -> String?
  /// The whole file.
  func read(_ path: String) throws -> [UInt8]
  /// Names in a directory, sorted; empty when there is no such directory.
  func names(in path: String) -> [String]
  /// Removes a file, a link, or a directory with all below it; nothing there is fine.
  func remove(_ path: String) throws
}

/// A file operation that failed.
public struct FileError: Error, Sendable, CustomStringConvertible {
  public let operation: String
  public let path: String
  /// The system's error number.
  public let code: Int32

  public init(_ operation: String, _ path: String, code: Int32) {
    self.operation = operation
    self.path = path
    self.code = code
  }

  public var description: String {
    let repair =
      switch code {
      case ENOSPC, EDQUOT: "; free some space, or write to another disk"
      case EACCES, EROFS, EPERM: "; choose an --out that you may write to"
      default: ""
      }
    return "\(path.isEmpty ? "\"\"" : path): \(operation) failed: \(String(cString: strerror(code)))\(repair)"
  }
}

/// The file system of the machine.
public struct SystemFiles: FileLayer {
  public init() {}

  public func createDirectory(_ path: String) throws {
    var partial = path.hasPrefix("/") ? "/" : ""
    for part in path.split(separator: "/") {
      partial += (partial.isEmpty || partial.hasSuffix("/") ? "" : "/") + part
      if mkdir(partial, 0o777) != 0, errno != EEXIST {
        throw FileError("create directory", partial, code: errno)
      }
    }
    var information = stat()
    guard stat(path, &information) == 0, information.st_mode & S_IFMT == S_IFDIR else {
      throw FileError("create directory", path, code: ENOTDIR)
    }
  }

  public func write(_ bytes: [UInt8], to path: String) throws {
    let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
    guard file >= 0 else { throw FileError("create", path, code: errno) }
    let code = writeAll(bytes, to: file)
    if code != 0 {
      close(file)
      throw FileError("write", path, code: code)
    }
    if close(file) != 0 { throw FileError("close", path, code: errno) }
  }

  public func syncFile(_ path: String) throws { try sync(path, O_RDONLY | O_CLOEXEC) }
  public func syncDirectory(_ path: String) throws { try sync(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }

  private func sync(_ path: String, _ flags: Int32) throws {
    let file = open(path, flags)
    guard file >= 0 else { throw FileError("open for sync", path, code: errno) }
    defer { close(file) }
    while fsync(file) != 0 {
      if errno == EINTR { continue }
      if errno == EINVAL || errno == ENOTSUP { return }  // a file system that has no sync
      throw FileError("sync", path, code: errno)
    }
  }

  public func rename(_ source: String, to destination: String) throws {
    if Foundation.rename(source, destination) != 0 { throw FileError("rename to", destination, code: errno) }
  }

  public func link(_ path: String, to target: String) throws {
    if symlink(target, path) != 0 { throw FileError("link", path, code: errno) }
  }

  public func target(of path: String) -> String? {
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = buffer.withUnsafeMutableBytes {
      readlink(path, $0.baseAddress!.assumingMemoryBound(to: CChar.self), $0.count)
    }
    return count < 0 ? nil : String(decoding: buffer[..<count], as: UTF8.self)
  }

  public func read(_ path: String) throws -> [UInt8] {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw FileError("open", path, code: errno) }
    defer { close(file) }
    var information = stat()
    guard fstat(file, &information) == 0 else { throw FileError("stat", path, code: errno) }
    guard information.st_mode & S_IFMT == S_IFREG else { throw FileError("read", path, code: EISDIR) }
    let size = Int(information.st_size)
    var failure: Int32 = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, initialized in
      while initialized < size {
        let count = Foundation.read(file, buffer.baseAddress! + initialized, size - initialized)
        if count < 0 {
          if errno == EINTR { continue }
          failure = errno
          return
        }
        if count == 0 { return }
        initialized += count
      }
    }
    if failure != 0 { throw FileError("read", path, code: failure) }
    return bytes
  }

  public func names(in path: String) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
  }

  public func remove(_ path: String) throws {
    do {
      try FileManager.default.removeItem(atPath: path)
    } catch let error as CocoaError where error.code == .fileNoSuchFile {
      return
    } catch {
      throw FileError("remove", path, code: errno == 0 ? EIO : errno)
    }
  }
}
