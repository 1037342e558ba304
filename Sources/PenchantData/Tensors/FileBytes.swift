import Foundation

/// A file of known size that is read in pieces, or bytes in memory.
///
/// Pieces are read into the memory of whoever asks, so a tensor costs its own size and a file that shrinks meanwhile
/// gives an error (a mapping would give a signal).
final class FileBytes: Sendable {
  let name: String
  let count: Int
  private let descriptor: Int32
  private let memory: [UInt8]

  init(path: String) throws(DataError) {
    let descriptor = try openForReading(path)
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      close(descriptor)
      throw DataError(file: path, "this is not a plain file", repair: "copy it to a file first")
    }
    name = path
    self.descriptor = descriptor
    count = Int(status.st_size)
    memory = []
  }

  init(bytes: [UInt8], name: String) {
    self.name = name
    descriptor = -1
    count = bytes.count
    memory = bytes
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
  }

  /// Fills `output` with the bytes from `offset` on.
  func read(at offset: Int, into output: UnsafeMutableRawBufferPointer) throws(DataError) {
    guard !output.isEmpty else { return }
    guard offset >= 0, offset <= count - output.count else { throw shrunk(at: offset) }
    guard descriptor >= 0 else {
      memory.withUnsafeBytes {
        output.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[offset..<offset + output.count]))
      }
      return
    }
    var done = 0
    while done < output.count {
      let got = pread(descriptor, output.baseAddress! + done, output.count - done, off_t(offset + done))
      if got < 0 {
        if errno == EINTR { continue }
        throw systemError(name, "cannot be read", errno)
      }
      guard got > 0 else { throw shrunk(at: offset + done) }
      done += got
    }
  }

  /// The bytes in `range`, which must lie in the file.
  func bytes(_ range: Range<Int>) throws(DataError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: range.count)
    try bytes.withUnsafeMutableBufferPointer { (buffer) throws(DataError) in
      try read(at: range.lowerBound, into: UnsafeMutableRawBufferPointer(buffer))
    }
    return bytes
  }

  private func shrunk(at offset: Int) -> DataError {
    DataError(
      file: name, byte: offset, "the file ended while it was read",
      repair: "was it being written? read it again")
  }
}
