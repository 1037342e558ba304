/// 2 GiB: what is larger, after unpacking, is refused, so that a small packed file cannot fill the memory.
private let wholeFileLimit = 2 << 30

/// All bytes of a file, or of standard input (`-`), unpacked.
///
/// - Throws: `DataError` when it is missing, a directory, damaged, or larger than `limit` bytes.
package func wholeFile(_ path: String, limit: Int = wholeFileLimit) throws(DataError) -> [UInt8] {
  try wholeBytes(ByteSource(path: path), limit: limit)
}

/// Bytes in memory, unpacked.
package func unpacked(_ bytes: [UInt8], name: String) throws(DataError) -> [UInt8] {
  try wholeBytes(ByteSource(bytes: bytes, name: name), limit: wholeFileLimit)
}

private func wholeBytes(_ source: consuming ByteSource, limit: Int) throws(DataError) -> [UInt8] {
  var all: [UInt8] = []
  var piece = [UInt8](repeating: 0, count: 1 << 18)
  while true {
    let got = try piece.withUnsafeMutableBufferPointer { (bytes) throws(DataError) in
      try source.read(into: UnsafeMutableRawBufferPointer(bytes))
    }
    guard got > 0 else { return all }
    guard got <= limit - all.count else {
      throw DataError(
        file: source.name, "the file is too large", expected: "at most \(limit) bytes are read",
        repair: "cut it into several files")
    }
    all += piece[..<got]
  }
}
