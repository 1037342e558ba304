import CCompression

/// Unpacks Zstandard data piece by piece: frames one after the other, skippable ones passed over.
///
/// Windows up to 2 GiB are accepted, as forum dumps are packed with `--long=31`; memory for one is taken only when a
/// frame asks for it.
final class ZstandardStream: Unpacker {
  private let context: OpaquePointer
  private(set) var betweenMembers = false
  /// Bytes of the present frame have been taken.
  private var inside = false
  private var finishedOne = false

  init() throws(UnpackFailure) {
    guard let context = ZSTD_createDCtx() else { throw .memory }
    self.context = context
    guard ZSTD_isError(ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, 31)) == 0 else {
      throw .corrupt("this build does not unpack windows of 2 GiB")
    }
  }

  deinit { ZSTD_freeDCtx(context) }

  /// Frames that hold no data start with 0x184D2A50 to 0x184D2A5F, little-endian.
  static func isSkippable(_ head: [UInt8]) -> Bool {
    head.count >= 4 && head[0] & 0xF0 == 0x50 && head[1] == 0x2A && head[2] == 0x4D && head[3] == 0x18
  }

  func unpack(
    _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
  ) throws(UnpackFailure) -> (taken: Int, made: Int) {
    if betweenMembers, input.isEmpty { return (0, 0) }
    var source = ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
    var target = ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
    let status = ZSTD_decompressStream(context, &target, &source)
    guard ZSTD_isError(status) == 0 else {
      switch ZSTD_getErrorCode(status) {
      case ZSTD_error_memory_allocation: throw .memory
      case ZSTD_error_prefix_unknown where finishedOne && !inside: throw .trailing
      default: throw .corrupt(String(cString: ZSTD_getErrorName(status)))
      }
    }
    inside = status != 0
    betweenMembers = status == 0
    if betweenMembers { finishedOne = true }
    return (source.pos, target.pos)
  }
}
