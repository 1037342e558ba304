import CCompression

/// Unpacks bzip2 data piece by piece: streams one after the other, as parallel packers write them.
final class Bzip2Stream: Unpacker {
  /// libbz2 keeps the address of this record, so it has a fixed place.
  private let stream: UnsafeMutablePointer<bz_stream>
  private(set) var betweenMembers = false
  private var isOpen = false
  private var finishedOne = false

  init() throws(UnpackFailure) {
    stream = UnsafeMutablePointer<bz_stream>.allocate(capacity: 1)
    stream.initialize(to: bz_stream())
    try open()
  }

  deinit {
    if isOpen { BZ2_bzDecompressEnd(stream) }
    stream.deallocate()
  }

  private func open() throws(UnpackFailure) {
    stream.pointee = bz_stream()
    guard BZ2_bzDecompressInit(stream, 0, 0) == BZ_OK else { throw .memory }
    isOpen = true
  }

  func unpack(
    _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
  ) throws(UnpackFailure) -> (taken: Int, made: Int) {
    if betweenMembers {
      guard !input.isEmpty else { return (0, 0) }
      try open()
      betweenMembers = false
    }
    // The import of libbz2 drops `const`; unpacking only reads its input.
    stream.pointee.next_in = UnsafeMutablePointer(mutating: input.bindMemory(to: CChar.self).baseAddress)
    stream.pointee.avail_in = UInt32(clamping: input.count)
    stream.pointee.next_out = output.bindMemory(to: CChar.self).baseAddress
    stream.pointee.avail_out = UInt32(clamping: output.count)
    let offered = (stream.pointee.avail_in, stream.pointee.avail_out)
    let status = BZ2_bzDecompress(stream)
    let taken = Int(offered.0 - stream.pointee.avail_in)
    let made = Int(offered.1 - stream.pointee.avail_out)
    switch status {
    case BZ_OK: break
    case BZ_STREAM_END:
      BZ2_bzDecompressEnd(stream)
      (isOpen, betweenMembers, finishedOne) = (false, true, true)
    case BZ_MEM_ERROR: throw .memory
    case BZ_DATA_ERROR_MAGIC: throw finishedOne ? .trailing : .corrupt("bad magic bytes")
    case BZ_DATA_ERROR: throw .corrupt("a checksum does not match or a block is damaged")
    default: throw .corrupt("status \(status)")
    }
    return (taken, made)
  }
}
