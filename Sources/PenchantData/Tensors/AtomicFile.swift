import Foundation

/// Files that are written whole or not at all.
public enum AtomicFile {
  /// Writes beside the destination, syncs, renames over it and syncs the folder. After an error or a crash the
  /// destination is what it was.
  ///
  /// - Throws: `DataError` with the system's reason; the temporary file is removed then.
  public static func write(_ bytes: [UInt8], to path: String) throws(DataError) {
    guard !path.isEmpty, !path.utf8.contains(0) else {
      throw DataError(file: clipped(path), "this is not a path")
    }
    let folder = (path as NSString).deletingLastPathComponent
    let temporary = "\(path).tmp-\(getpid())"
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o666)
    guard descriptor >= 0 else { throw writeError(path, errno) }
    do throws(DataError) {
      try put(bytes, descriptor, path)
      guard fsync(descriptor) == 0 else { throw writeError(path, errno) }
    } catch {
      close(descriptor)
      unlink(temporary)
      throw error
    }
    guard close(descriptor) == 0, rename(temporary, path) == 0 else {
      let code = errno
      unlink(temporary)
      throw writeError(path, code)
    }
    try syncFolder(folder.isEmpty ? "." : folder)
  }

  /// Writes behind what a file holds, which is made when it is not there. What was written is not synced.
  package static func append(_ bytes: [UInt8], to path: String) throws(DataError) {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw writeError(path, errno) }
    defer { close(descriptor) }
    try put(bytes, descriptor, path)
  }

  /// Syncs a file and gives it another name on the same device, replacing what has that name.
  package static func move(_ path: String, to destination: String) throws(DataError) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw writeError(path, errno) }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0, rename(path, destination) == 0 else { throw writeError(destination, errno) }
  }

  /// Waits until the names in a folder are on the device.
  public static func syncFolder(_ path: String) throws(DataError) {
    let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw writeError(path, errno) }
    defer { close(descriptor) }
    // Some file systems cannot sync a folder and say EINVAL.
    guard fsync(descriptor) == 0 || errno == EINVAL else { throw writeError(path, errno) }
  }

  private static func put(_ bytes: [UInt8], _ descriptor: Int32, _ path: String) throws(DataError) {
    let code = writeAll(bytes, to: descriptor)
    guard code == 0 else { throw writeError(path, code) }
  }

  private static func writeError(_ path: String, _ code: Int32) -> DataError {
    let repair: String? =
      switch code {
      case ENOSPC, EDQUOT: "free some space, or write elsewhere"
      case EACCES, EROFS, EPERM: "write where you may, or change the mode of the folder"
      case ENOENT: "make the folder first"
      default: nil
      }
    return DataError(file: path, "cannot be written: \(String(cString: strerror(code)))", repair: repair)
  }
}
