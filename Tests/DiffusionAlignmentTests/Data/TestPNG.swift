import Foundation
import TestSupport

/// PNG files written from the specification, without libpng and zlib: stored blocks only.
struct TestPNG {
  enum Kind: UInt8 {
    case grey = 0
    case rgb = 2
    case palette = 3
    case greyAlpha = 4
    case rgba = 6

    var parts: Int {
      switch self {
      case .grey, .palette: 1
      case .greyAlpha: 2
      case .rgb: 3
      case .rgba: 4
      }
    }
  }

  var width: Int
  var height: Int
  var kind = Kind.grey
  var depth = 8
  /// `[height, width, parts]`, each below 2^depth.
  var samples: [Int]
  /// Red, green, blue of each entry, and alphas.
  var palette: [UInt8] = []
  var alphas: [UInt8] = []

  var file: [UInt8] {
    var rows: [UInt8] = []
    for row in 0..<height {
      rows.append(0)
      var bits: [Bool] = []
      for sample in samples[row * width * kind.parts..<(row + 1) * width * kind.parts] {
        bits += (0..<depth).map { sample >> (depth - 1 - $0) & 1 == 1 }
      }
      bits += [Bool](repeating: false, count: (8 - bits.count % 8) % 8)
      rows += stride(from: 0, to: bits.count, by: 8).map { start in
        bits[start..<start + 8].reduce(0) { $0 << 1 | ($1 ? 1 : 0) }
      }
    }
    var out: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
    out += Self.chunk(
      "IHDR", big(UInt32(width)) + big(UInt32(height)) + [UInt8(depth), kind.rawValue, 0, 0, 0])
    if !palette.isEmpty { out += Self.chunk("PLTE", palette) }
    if !alphas.isEmpty { out += Self.chunk("tRNS", alphas) }
    return out + Self.chunk("IDAT", Self.stored(rows)) + Self.chunk("IEND", [])
  }

  static func chunk(_ name: String, _ data: [UInt8]) -> [UInt8] {
    let body = Array(name.utf8) + data
    return big(UInt32(data.count)) + body + big(crc32(body))
  }

  /// A zlib stream of stored blocks.
  private static func stored(_ bytes: [UInt8]) -> [UInt8] {
    var out: [UInt8] = [0x78, 0x01]
    var rest = bytes[...]
    repeat {
      let block = rest.prefix(0xFFFF)
      rest = rest.dropFirst(block.count)
      let size = UInt16(block.count)
      out += [
        rest.isEmpty ? 1 : 0, UInt8(size & 255), UInt8(size >> 8), UInt8(~size & 255), UInt8(~size >> 8),
      ]
      out += block
    } while !rest.isEmpty
    var (a, b) = (UInt32(1), UInt32(0))
    for byte in bytes {
      a = (a + UInt32(byte)) % 65521
      b = (b + a) % 65521
    }
    return out + big(b << 16 | a)
  }
}

/// High byte first.
func big(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) } }

extension TestPNG {
  /// A grey picture of one value.
  static func grey(_ height: Int, _ width: Int, _ value: Int) -> [UInt8] {
    TestPNG(width: width, height: height, samples: [Int](repeating: value, count: height * width)).file
  }

  static func rgb(_ height: Int, _ width: Int, _ colour: [Int]) -> [UInt8] {
    TestPNG(
      width: width, height: height, kind: .rgb, samples: (0..<height * width).flatMap { _ in colour }
    ).file
  }
}
