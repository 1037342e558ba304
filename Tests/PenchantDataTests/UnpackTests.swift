import CCompression
import Testing

@testable import PenchantData

struct UnpackTests {
  private func lines(_ bytes: [UInt8], name: String = "x") throws -> [String] {
    var reader = LineReader(bytes: bytes, name: name)
    var all: [String] = []
    while let line = try reader.next() { all.append(line) }
    return all
  }

  private func problem(_ bytes: [UInt8], name: String = "x") -> String {
    do {
      _ = try lines(bytes, name: name)
      return "none"
    } catch { return (error as? DataError)?.problem ?? "\(error)" }
  }

  private static let text = (0..<30_000).map { "line \($0 * $0 % 9973) of some text" }
  private static let packers: [@Sendable ([UInt8]) -> [UInt8]] = [
    { bzip2($0) }, { zstandard($0) }, { storedZstandard($0) }, { gzipped($0) },
  ]

  @Test(arguments: 0..<4) func packedTextIsRead(_ packer: Int) throws {
    let pack = Self.packers[packer]
    let bytes = Array(Self.text.joined(separator: "\n").utf8)
    #expect(try lines(pack(bytes)) == Self.text)
    #expect(try lines(pack([])) == [])
    #expect(try lines(pack(Array("a\nb".utf8)) + pack(Array("c\n".utf8)) + pack([])) == ["a", "bc"])
  }

  @Test(arguments: [("bzip2", 0), ("zstd", 1), ("zstd", 2)])
  func damageIsNamed(_ name: String, _ packer: Int) {
    let good = Self.packers[packer](Array("one\ntwo\nthree\n".utf8))
    for length in 11..<good.count {
      #expect(problem(Array(good.prefix(length))) == "the \(name) data ends early", "cut at \(length)")
    }
    #expect(problem(good + [1, 2, 3, 4, 5]) == "there are other bytes after the \(name) data")
    for place in 11..<good.count {
      var bad = good
      bad[place] ^= 0x10
      // Whatever is reported, nothing crashes; stored blocks without a checksum may pass.
      _ = problem(bad)
    }
  }

  @Test func windowsOfTwoGibibytesAreAllowed() throws {
    // Exponent 21 in the window byte: 2 GiB, as `zstd --ultra --long=31` writes.
    let bytes = storedZstandard(Array("a\nb\n".utf8), windowByte: 21 << 3)
    #expect(try lines(bytes) == ["a", "b"])
  }

  @Test func skippableFramesArePassedOver() throws {
    let skip: [UInt8] = [0x51, 0x2A, 0x4D, 0x18, 3, 0, 0, 0, 9, 9, 9]
    #expect(try lines(skip + zstandard(Array("a\n".utf8)) + skip) == ["a"])
  }

  @Test func namesPromiseWhatIsInside() {
    #expect(problem([0x61], name: "a.zst") == "the name ends in .zst but this is not zstd data")
    #expect(
      problem(Array("BZhello".utf8), name: "a.bz2") == "the name ends in .bz2 but this is not bzip2 data")
    #expect(problem(Array("BZh9 is a text".utf8)) == "none")
  }
}

/// bzip2 data by libbz2.
func bzip2(_ bytes: [UInt8]) -> [UInt8] {
  var input = bytes.map(CChar.init(bitPattern:))
  var output = [CChar](repeating: 0, count: bytes.count + bytes.count / 50 + 700)
  var count = UInt32(output.count)
  let size = UInt32(input.count)
  input.append(0)
  guard BZ2_bzBuffToBuffCompress(&output, &count, &input, size, 1, 0, 0) == BZ_OK else { return [] }
  return output.prefix(Int(count)).map(UInt8.init(bitPattern:))
}

/// Zstandard data by libzstd.
func zstandard(_ bytes: [UInt8]) -> [UInt8] {
  var output = [UInt8](repeating: 0, count: ZSTD_compressBound(bytes.count))
  let count = ZSTD_compress(&output, output.count, bytes, bytes.count, 3)
  return ZSTD_isError(count) == 0 ? Array(output.prefix(count)) : []
}

/// Zstandard data made without libzstd: stored blocks, no size and no checksum in the frame.
func storedZstandard(_ bytes: [UInt8], windowByte: UInt8 = 7 << 3) -> [UInt8] {
  var out: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD, 0, windowByte]
  var rest = bytes[...]
  repeat {
    let block = rest.prefix(1 << 16)
    rest = rest.dropFirst(block.count)
    out += little(UInt32(block.count) << 3 | (rest.isEmpty ? 1 : 0)).prefix(3) + block
  } while !rest.isEmpty
  return out
}
