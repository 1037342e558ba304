/// Unpacks one format piece by piece: members one after the other.
protocol Unpacker: AnyObject {
  /// A member has ended and none has begun since.
  var betweenMembers: Bool { get }
  /// Unpacks from `input`, which is empty at the end of the data, into `output`; returns the bytes taken and made.
  func unpack(
    _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
  ) throws(UnpackFailure) -> (taken: Int, made: Int)
}

enum UnpackFailure: Error, Equatable {
  case corrupt(String)
  /// Bytes behind a member that start no other.
  case trailing
  case memory
}

/// How a file may be packed.
enum Packing: CaseIterable {
  case gzip, zstandard, bzip2

  /// Enough first bytes to tell them apart.
  static let longestMark = 10

  init?(startingWith head: [UInt8]) {
    if head.starts(with: [0x1F, 0x8B]) {
      self = .gzip
    } else if head.starts(with: Packing.zstandard.mark) || ZstandardStream.isSkippable(head) {
      self = .zstandard
    } else if head.count >= 10, head.starts(with: [0x42, 0x5A, 0x68]), (0x31...0x39).contains(head[3]),
      head[4..<10].elementsEqual([0x31, 0x41, 0x59, 0x26, 0x53, 0x59])
        || head[4..<10].elementsEqual([0x17, 0x72, 0x45, 0x38, 0x50, 0x90])
    {
      // A block or the end of an empty stream follows: three letters alone may start a text.
      self = .bzip2
    } else {
      return nil
    }
  }

  func unpacker() throws(UnpackFailure) -> any Unpacker {
    switch self {
    case .gzip: try GzipStream()
    case .zstandard: try ZstandardStream()
    case .bzip2: try Bzip2Stream()
    }
  }

  /// The first bytes, for messages.
  var mark: [UInt8] {
    switch self {
    case .gzip: [0x1F, 0x8B]
    case .zstandard: [0x28, 0xB5, 0x2F, 0xFD]
    case .bzip2: [0x42, 0x5A, 0x68]
    }
  }
  var name: String {
    switch self {
    case .gzip: "gzip"
    case .zstandard: "zstd"
    case .bzip2: "bzip2"
    }
  }
  var ending: String {
    switch self {
    case .gzip: ".gz"
    case .zstandard: ".zst"
    case .bzip2: ".bz2"
    }
  }
  var library: String {
    switch self {
    case .gzip: "zlib"
    case .zstandard: "libzstd"
    case .bzip2: "libbz2"
    }
  }
}
