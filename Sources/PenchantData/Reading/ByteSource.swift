import Foundation

/// Bytes of a file, of standard input (`-`) or of memory, in order; packed data is unpacked on the way.
///
/// Packing is recognised by the first bytes, so it may also arrive on standard input.
struct ByteSource: ~Copyable {
  let name: String
  /// Bytes delivered so far, after unpacking.
  private(set) var delivered = 0

  private let descriptor: Int32
  private var input: [UInt8]
  private var inputRange = 0..<0
  private var inputEnded = false
  private var packing: Packing?
  private var unpacker: (any Unpacker)?
  private var started = false

  private static let chunk = 1 << 16

  /// Opens `path`; `-` is standard input.
  init(path: String) throws(DataError) {
    let descriptor = path == "-" ? 0 : try openForReading(path)
    self.init(descriptor: descriptor, name: path == "-" ? "standard input" : path)
  }

  private init(descriptor: Int32, name: String) {
    self.name = name
    self.descriptor = descriptor
    input = [UInt8](repeating: 0, count: Self.chunk)
  }

  init(bytes: [UInt8], name: String) {
    self.name = name
    descriptor = -1
    input = bytes
    inputRange = 0..<bytes.count
    inputEnded = true
  }

  /// Bytes that are as they are, whatever they start with.
  init(plain bytes: [UInt8], name: String) {
    self.init(bytes: bytes, name: name)
    started = true
  }

  deinit {
    if descriptor > 0 { close(descriptor) }
  }

  /// Fills `output` from its start; returns the number of bytes, 0 at the end.
  mutating func read(into output: UnsafeMutableRawBufferPointer) throws(DataError) -> Int {
    if !started { try start() }
    guard let packing, let unpacker else {
      if inputRange.isEmpty { try refill() }
      let count = min(output.count, inputRange.count)
      output.copyBytes(from: input[inputRange.prefix(count)])
      inputRange = inputRange.lowerBound + count..<inputRange.upperBound
      delivered += count
      return count
    }
    while true {
      if inputRange.isEmpty { try refill() }
      // At the end of the input an unpacker may still hold output.
      let range = inputRange
      let step: (taken: Int, made: Int)
      do {
        step = try input.withUnsafeBufferPointer { (bytes) throws(UnpackFailure) in
          try unpacker.unpack(
            UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[range]), into: output)
        }
      } catch {
        throw describe(error, packing)
      }
      inputRange = inputRange.lowerBound + step.taken..<inputRange.upperBound
      delivered += step.made
      if step.made > 0 { return step.made }
      guard range.isEmpty else { continue }
      guard unpacker.betweenMembers else {
        throw DataError(
          file: name, byte: delivered, "the \(packing.name) data ends early",
          expected: "\(packing.name) data ends with a checksum",
          found: "\(delivered) bytes could be unpacked",
          repair: "copy or download the file again")
      }
      return 0
    }
  }

  /// Decides by the first bytes whether and how to unpack.
  private mutating func start() throws(DataError) {
    started = true
    while inputRange.count < Packing.longestMark, !inputEnded { try refill() }
    let head = Array(input[inputRange.prefix(Packing.longestMark)])
    packing = Packing(startingWith: head)
    if let packing {
      do { unpacker = try packing.unpacker() } catch { throw describe(error, packing) }
    } else if let claimed = Packing.allCases.first(where: { name.hasSuffix($0.ending) }) {
      throw DataError(
        file: name, "the name ends in \(claimed.ending) but this is not \(claimed.name) data",
        expected:
          "\(claimed.name) data starts with the bytes \(claimed.mark.map(hex).joined(separator: " "))",
        found: head.isEmpty
          ? "the file is empty"
          : "this one starts with \(head.prefix(claimed.mark.count).map(hex).joined(separator: " "))",
        repair: "rename the file, or compress it with \(claimed.name)")
    }
  }

  /// Reads more input behind what is left.
  private mutating func refill() throws(DataError) {
    guard !inputEnded else { return }
    var end = inputRange.count
    if inputRange.lowerBound > 0, end > 0 { input.replaceSubrange(0..<end, with: input[inputRange]) }
    let file = descriptor
    let got = input.withUnsafeMutableBytes { bytes in
      while true {
        let count = Foundation.read(file, bytes.baseAddress! + end, bytes.count - end)
        if count >= 0 || errno != EINTR { return count }
      }
    }
    guard got >= 0 else { throw systemError(name, "cannot be read", errno) }
    if got == 0 { inputEnded = true }
    end += got
    inputRange = 0..<end
  }

  private func describe(_ failure: UnpackFailure, _ packing: Packing) -> DataError {
    switch failure {
    case .corrupt(let detail):
      DataError(
        file: name, byte: delivered, "the \(packing.name) data is damaged",
        found: "\(packing.library) says: \(detail)",
        repair: "copy or download the file again")
    case .trailing:
      DataError(
        file: name, byte: delivered, "there are other bytes after the \(packing.name) data",
        expected: "\(packing.name) members one after the other\(packing == .gzip ? ", or zero padding" : "")",
        repair: "cut the file, or compress it again")
    case .memory:
      DataError(
        file: name, "memory for unpacking was refused",
        repair: "unpack the file with \(packing.name) -d first")
    }
  }
}

private func hex(_ byte: UInt8) -> String { (byte < 16 ? "0" : "") + String(byte, radix: 16) }

/// An open descriptor of a file that is not a directory.
func openForReading(_ path: String) throws(DataError) -> Int32 {
  guard !path.isEmpty, !path.utf8.contains(0) else {
    throw DataError(
      file: clipped(path), "this is not a path", repair: "give the name of a file, or - for standard input")
  }
  let descriptor = open(path, O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else { throw systemError(path, "cannot be opened", errno) }
  var status = stat()
  guard fstat(descriptor, &status) == 0 else {
    let code = errno
    close(descriptor)
    throw systemError(path, "cannot be opened", code)
  }
  if status.st_mode & S_IFMT == S_IFDIR {
    close(descriptor)
    throw DataError(
      file: path, "this is a directory", expected: "expected a file, or - for standard input",
      repair: "name a file in it")
  }
  return descriptor
}

/// What the system refused, in words.
func systemError(_ path: String, _ problem: String, _ code: Int32) -> DataError {
  switch code {
  case ENOENT:
    var error = DataError(file: path, "there is no such file")
    error.repair = nearestFile(path).map { "did you mean \"\(clipped($0))\"?" }
    return error
  case EACCES, EPERM:
    return DataError(
      file: path, "\(problem): permission denied", repair: "check its owner and mode with ls -l")
  default:
    return DataError(file: path, "\(problem): \(String(cString: strerror(code)))")
  }
}

/// The file of the same folder and ending whose name is nearest.
private func nearestFile(_ path: String) -> String? {
  let url = URL(fileURLWithPath: path)
  let ending = url.pathExtension
  let names =
    (try? FileManager.default.contentsOfDirectory(atPath: url.deletingLastPathComponent().path)) ?? []
  let stems = names.prefix(10_000).filter { ($0 as NSString).pathExtension == ending }.map {
    ($0 as NSString).deletingPathExtension
  }
  return nearestName(to: url.deletingPathExtension().lastPathComponent, among: stems).map {
    ending.isEmpty ? $0 : "\($0).\(ending)"
  }
}
