import CCompression

/// Inflates gzip data piece by piece: members one after the other, zero padding after the last one.
final class GzipStream: Unpacker {
  /// zlib keeps the address of this record, so it has a fixed place.
  private let stream: UnsafeMutablePointer<z_stream>
  /// A member has ended and none has begun since.
  private(set) var betweenMembers = false
  private var padding = false

  init() throws(UnpackFailure) {
    let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    stream.initialize(to: z_stream())
    // 15 bits of window, + 16: gzip wrapping only.
    guard inflateInit2_(stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
      stream.deallocate()
      throw .memory
    }
    self.stream = stream
  }

  deinit {
    inflateEnd(stream)
    stream.deallocate()
  }

  /// Inflates from `input` into `output`; returns the bytes taken and made.
  func unpack(
    _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
  ) throws(UnpackFailure) -> (taken: Int, made: Int) {
    if betweenMembers {
      guard let first = input.first else { return (0, 0) }
      if first == 0 { padding = true }
      if padding {
        guard input.allSatisfy({ $0 == 0 }) else { throw .trailing }
        return (input.count, 0)
      }
      guard first == 0x1F else { throw .trailing }
      guard inflateReset(stream) == Z_OK else { throw .corrupt("the member could not be started") }
      betweenMembers = false
    }
    // The import of zlib drops `const`; inflate only reads its input.
    stream.pointee.next_in = UnsafeMutablePointer(mutating: input.bindMemory(to: UInt8.self).baseAddress)
    stream.pointee.avail_in = UInt32(clamping: input.count)
    stream.pointee.next_out = output.bindMemory(to: UInt8.self).baseAddress
    stream.pointee.avail_out = UInt32(clamping: output.count)
    let offered = (stream.pointee.avail_in, stream.pointee.avail_out)
    let status = CCompression.inflate(stream, Z_NO_FLUSH)
    let taken = Int(offered.0 - stream.pointee.avail_in)
    let made = Int(offered.1 - stream.pointee.avail_out)
    switch status {
    case Z_OK, Z_BUF_ERROR: break
    case Z_STREAM_END: betweenMembers = true
    case Z_MEM_ERROR: throw .memory
    default: throw .corrupt(stream.pointee.msg.map { String(cString: $0) } ?? "damaged data")
    }
    return (taken, made)
  }
}
