import PenchantData
import Testing

@Suite struct WholeFileTests {
  @Test func packedFilesAreUnpackedUpToALimit() throws {
    let folder = try TemporaryFolder()
    let bytes = (0..<400_000).map { UInt8(truncatingIfNeeded: $0 * $0 >> 3) }
    let plain = try folder.write("a.bin", bytes)
    let packed = try folder.write("a.bin.gz", gzipped(bytes))
    for path in [plain, packed] {
      #expect(try wholeFile(path) == bytes)
      #expect(try wholeFile(path, limit: bytes.count) == bytes)
      let error = #expect(throws: DataError.self) { try wholeFile(path, limit: bytes.count - 1) }
      #expect(error?.description.contains("\(path): the file is too large") == true)
    }
    #expect(try unpacked(gzipped(bytes), name: "memory") == bytes)
    #expect(try wholeFile(folder.write("empty", [])).isEmpty)
    #expect(throws: DataError.self) { try wholeFile(folder.path) }
    #expect(throws: DataError.self) { try wholeFile(folder.path + "/none") }
  }

  @Test func unpackedBytesAreLines() throws {
    // The name would ask for gzip data, the bytes look like it.
    var lines = LineReader(plain: [0x31, 0x0A, 0x32], name: "a.csv.gz")
    #expect(try lines.next() == "1")
    #expect(try lines.next() == "2")
    #expect(try lines.next() == nil)
  }

  @Test(arguments: ["<i8", "<i2", "|u1", "|b1"]) func integersOfAnArray(_ type: String) throws {
    let size = Int(type.suffix(1)) ?? 1
    let floats = try NumPyFile.bytes(shape: [3], [0, 0, 0])
    var file = Array(floats.dropLast(12))
    let place = try #require(file.indices.first { file[$0...].starts(with: Array("<f4".utf8)) })
    file.replaceSubrange(place..<place + 3, with: Array(type.utf8))
    for value in [1, 0, 1] { file += [UInt8(value)] + [UInt8](repeating: 0, count: size - 1) }
    #expect(try NumPyFile(bytes: file).integers() == [1, 0, 1])
    #expect(throws: DataError.self) { try NumPyFile(bytes: floats).integers() }
  }
}
