import Foundation
import Testing

@testable import PenchantData

struct LineReaderTests {
  private func lines(_ bytes: [UInt8], limit: Int = 1 << 20) throws -> [String] {
    var reader = LineReader(bytes: bytes, name: "x", lineLimit: limit)
    var all: [String] = []
    while let line = try reader.next() { all.append(line) }
    return all
  }

  private func failure(_ bytes: [UInt8], limit: Int = 1 << 20) -> DataError? {
    do {
      _ = try lines(bytes, limit: limit)
      return nil
    } catch { return error as? DataError }
  }

  @Test(
    arguments: [
      ("", []), ("\n", [""]), ("a", ["a"]), ("a\n", ["a"]), ("a\nb", ["a", "b"]), ("a\r\nb\r\n", ["a", "b"]),
      ("\u{FEFF}a\n\u{FEFF}b", ["a", "\u{FEFF}b"]), ("a\n\nb\n", ["a", "", "b"]), ("a\rb\n", ["a\rb"]),
      ("a\r", ["a"]),
      ("ä€😀\n", ["ä€😀"]),
    ] as [(String, [String])])
  func splitsLines(_ text: String, _ expected: [String]) throws {
    #expect(try lines(Array(text.utf8)) == expected)
    #expect(try lines(gzipped(text)) == expected)
  }

  @Test func readsLinesAcrossBuffers() throws {
    let long = (0..<5000).map { i in
      String(repeating: Character(Unicode.Scalar(97 + UInt8(i % 26))), count: i % 1200)
    }
    let text = long.joined(separator: "\n")
    #expect(try lines(Array(text.utf8)) == long)
    #expect(try lines(gzipped(text)) == long)
  }

  @Test func refusesLongLinesAndGoesOn() throws {
    let bytes = Array(("ok\n" + String(repeating: "x", count: 500) + "\nlast").utf8)
    var reader = LineReader(bytes: bytes, name: "x", lineLimit: 100)
    #expect(try reader.next() == "ok")
    #expect(throws: DataError.self) { try reader.next() }
    #expect(try reader.next() == "last")
    #expect(reader.number == 3)
    #expect(try lines(Array("12345\n1234".utf8), limit: 5) == ["12345", "1234"])
    #expect(failure(Array("123456".utf8), limit: 5)?.line == 1)
    #expect(failure(Array("123456\n".utf8), limit: 5)?.line == 1)
  }

  @Test func tenMegabytesOnOneLineAreADataError() throws {
    let bytes = [UInt8](repeating: 0x61, count: 10 << 20)
    var reader = LineReader(bytes: bytes, name: "big.jsonl")
    #expect {
      try reader.next()
    } throws: { error in
      "\(error)".hasPrefix("big.jsonl:1: the line is too long\n  at most 8388608 bytes a line")
    }
    #expect(try reader.next() == nil)
  }

  @Test(
    arguments: [
      ([0x61, 0xFF], 1), ([0xC0, 0x80], 0), ([0xC2], 0), ([0xE0, 0x80, 0x80], 0), ([0xED, 0xA0, 0x80], 0),
      ([0xF4, 0x90, 0x80, 0x80], 0), ([0xF8, 0x88, 0x80, 0x80, 0x80], 0), ([0x61, 0xE2, 0x82], 1),
      ([0xE2, 0x82, 0x61], 0),
      ([0xF0, 0x9F, 0x98, 0x0A], 0),
    ] as [([UInt8], Int)])
  func namesTheByteThatIsNotUTF8(_ bytes: [UInt8], _ place: Int) {
    let error = failure([0x6F, 0x6B, 0x0A] + bytes)
    #expect(error?.line == 2)
    #expect(error?.byte == place)
  }

  @Test func everyValidScalarIsUTF8() {
    for value in stride(from: UInt32(0), through: 0x10FFFF, by: 37) {
      guard let scalar = Unicode.Scalar(value) else { continue }
      #expect(firstInvalidUTF8(Array(String(scalar).utf8).span) == nil)
    }
  }

  @Test func everyTruncationOfGzipIsAnError() throws {
    let bytes = gzipped("one\ntwo\n" + String(repeating: "three", count: 40))
    for length in 2..<bytes.count {
      let error = failure(Array(bytes.prefix(length)))
      #expect(error?.problem == "the gzip data ends early", "cut at \(length)")
    }
  }

  @Test func membersFollowEachOther() throws {
    #expect(try lines(gzipped("a\nb") + gzipped("c\nd\n")) == ["a", "bc", "d"])
    #expect(try lines(gzipped("a\n") + [UInt8](repeating: 0, count: 700)) == ["a"])
    #expect(failure(gzipped("a\n") + [1, 2, 3])?.problem == "there are other bytes after the gzip data")
    #expect(failure(gzipped("a\n") + [0, 0, 9])?.problem == "there are other bytes after the gzip data")
  }

  @Test func aFlippedBitOfGzipIsFound() {
    let good = gzipped("one\ntwo\nthree\n")
    // Byte 10 holds the block type and five bits of padding.
    for place in 11..<good.count {
      for bit in 0..<8 {
        var bytes = good
        bytes[place] ^= 1 << bit
        #expect(failure(bytes) != nil, "byte \(place) bit \(bit)")
      }
    }
  }

  @Test func namesWhatCannotBeOpened() throws {
    let folder = try TemporaryFolder()
    let file = try folder.write("pairs.jsonl", Array("a\n".utf8))
    func message(_ path: String) -> String {
      do {
        var reader = try LineReader(path)
        _ = try reader.next()
        return "read"
      } catch { return "\(error)" }
    }
    #expect(message(file) == "read")
    #expect(message(folder.path).contains("this is a directory"))
    #expect(
      message("\(folder.path)/pair.jsonl").contains("there is no such file\n  did you mean \"pairs.jsonl\"?"))
    #expect(message("").contains("this is not a path"))
    #expect(
      message(try folder.write("a.gz", [0x61])).contains("the name ends in .gz but this is not gzip data"))
    #expect(message(try folder.write("empty.gz", [])).contains("the file is empty"))
    let compressed = try folder.write("b.txt", gzipped("x\n"))
    #expect(message(compressed) == "read")
  }
}
