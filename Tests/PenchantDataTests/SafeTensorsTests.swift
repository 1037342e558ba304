import Foundation
import TestSupport
import Testing

@testable import PenchantData

/// A file from its parts: the header's text and the data.
func safetensors(_ header: String, _ data: [UInt8] = []) -> [UInt8] {
  little(UInt64(header.utf8.count)) + Array(header.utf8) + data
}

struct SafeTensorsTests {
  @Test func whatIsWrittenIsRead() throws {
    var writer = SafeTensorsWriter(metadata: ["system": "bradley-terry", "note": "a \"quoted\"\n line"])
    try writer.add("b", shape: [2, 3], [1, -0.0, .infinity, 0x1p-149, 3.5, -2] as [Float])
    try writer.add("a", shape: [], [7] as [Float])
    try writer.add("empty", shape: [0, 5], [] as [Float])
    try writer.add("n", shape: [2], [-1, 1 << 60])
    try writer.add("d", shape: [1], [0.1] as [Double])
    try writer.add("u", shape: [1], [4_000_000_000] as [UInt32])
    #expect(throws: DataError.self) { try writer.add("a", shape: [1], [1] as [Float]) }
    #expect(throws: DataError.self) { try writer.add("c", shape: [2], [1] as [Float]) }
    #expect(throws: DataError.self) { try writer.add("c", shape: [-1, -1], [1] as [Float]) }
    let file = try SafeTensors(bytes: writer.bytes())
    #expect(file.metadata == writer.metadata)
    #expect(file.entries.map(\.name) == ["d", "n", "a", "b", "empty", "u"])
    #expect(file.entries.allSatisfy { $0.bytes.lowerBound % $0.type.size == 0 })
    #expect(
      try file.floats("b", shape: [2, nil]).map(\.bitPattern)
        == ([1, -0.0, .infinity, 0x1p-149, 3.5, -2] as [Float]).map(\.bitPattern))
    #expect(try file.floats("a") == [7])
    #expect(try file.floats("empty") == [])
    #expect(try file.integers("n") == [-1, 1 << 60])
    #expect(try file.integers("u") == [4_000_000_000])
    #expect(try file.floats("d") == [0.1])
    #expect(throws: DataError.self) { try file.floats("b", finite: true) }
    #expect(throws: DataError.self) { try file.floats("b", shape: [3, 2]) }
    #expect(throws: DataError.self) { try file.integers("b") }
    #expect {
      try file.floats("emty")
    } throws: { "\($0)".contains("did you mean \"empty\"?") }
  }

  @Test func filesOnDiskAreWrittenWhole() throws {
    let folder = try TemporaryFolder()
    var writer = SafeTensorsWriter()
    try writer.add("x", shape: [3], [1, 2, 3] as [Float])
    let path = "\(folder.path)/m.safetensors"
    try writer.write(to: path)
    try writer.write(to: path)
    #expect(try SafeTensors(path).floats("x") == [1, 2, 3])
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["m.safetensors"])
    #expect(throws: DataError.self) { try writer.write(to: "\(folder.path)/none/m.safetensors") }
    #expect(throws: DataError.self) { try writer.write(to: folder.path) }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["m.safetensors"])
    // A file that shrinks after it was opened is an error, not a signal.
    let open = try SafeTensors(path)
    try Data([1, 2, 3]).write(to: URL(fileURLWithPath: path), options: [])
    truncate(path, 20)
    _ = try? open.floats("x")
  }

  @Test func halvesAreExact() {
    #expect(halfToFloat(0x3C00) == 1)
    #expect(halfToFloat(0xC000) == -2)
    #expect(halfToFloat(0x7BFF) == 65504)
    #expect(halfToFloat(0x0001) == 0x1p-24)
    #expect(halfToFloat(0x03FF) == 1023 * 0x1p-24)
    #expect(halfToFloat(0x0400) == 0x1p-14)
    #expect(halfToFloat(0x8000).sign == .minus && halfToFloat(0x8000) == 0)
    #expect(halfToFloat(0x7C00) == .infinity && halfToFloat(0xFC00) == -.infinity)
    #expect(halfToFloat(0x7E00).isNaN)
  }

  @Test(arguments: ElementType.allCases) func everyTypeBecomesFloats(_ type: ElementType) throws {
    let one: [UInt8] =
      switch type {
      case .float64: little(1.0.bitPattern)
      case .float32: little(Float(1).bitPattern)
      case .float16: little(UInt16(0x3C00))
      case .bfloat16: little(UInt16(0x3F80))
      default: [1] + [UInt8](repeating: 0, count: type.size - 1)
      }
    let header = #"{"x":{"dtype":"\#(type.rawValue)","shape":[2],"data_offsets":[0,\#(2 * type.size)]}}"#
    let file = try SafeTensors(bytes: safetensors(header, one + one))
    #expect(try file.floats("x") == [1, 1])
    #expect(file.entry("x")?.count == 2)
    if !type.isFloatingPoint { #expect(try file.integers("x") == [1, 1]) }
  }
}

/// Hostile files: each is refused with a `DataError`, quickly.
struct HostileTensorTests {
  static let gallery: [(String, [UInt8])] = {
    func one(_ dtype: String, _ shape: String, _ offsets: String, _ bytes: Int = 8) -> [UInt8] {
      safetensors(
        #"{"x":{"dtype":"\#(dtype)","shape":\#(shape),"data_offsets":\#(offsets)}}"#,
        [UInt8](repeating: 0, count: bytes))
    }
    func two(_ a: String, _ b: String, _ bytes: Int) -> [UInt8] {
      safetensors(
        #"{"a":{"dtype":"U8","shape":[4],"data_offsets":\#(a)},"b":{"dtype":"U8","shape":[4],"data_offsets":\#(b)}}"#,
        [UInt8](repeating: 0, count: bytes))
    }
    return [
      ("nothing", []), ("seven bytes", [1, 2, 3, 4, 5, 6, 7]), ("header of no bytes", little(UInt64(0))),
      ("header length 2^63", little(UInt64(1) << 63) + [0x7B]),
      ("header length 2^64 - 1", little(UInt64.max) + [0x7B]),
      ("header length behind the file", little(UInt64(100)) + Array("{}".utf8)),
      ("header over the limit", little(UInt64(100_000_001)) + Array("{}".utf8)),
      ("no brace", safetensors(" {}")),
      ("text behind the header", safetensors("{} x")), ("bytes without tensors", safetensors("{}", [1])),
      ("a list", safetensors("[]")), ("not UTF-8", little(UInt64(4)) + [0x7B, 0xFF, 0x7D, 0x20]),
      ("wrap to 0", one("F32", "[4611686018427387904,4]", "[0,0]", 0)),
      ("2^42 + 1 squared", one("U8", "[4398046511105,4194304]", "[0,8]")),
      ("4194305 squared", one("F32", "[4194305,4194305,4194305]", "[0,8]")),
      ("2^63", one("U8", "[9223372036854775808]", "[0,8]")),
      ("negative length", one("U8", "[-8]", "[0,8]")), ("minus zero", one("U8", "[-0]", "[0,0]", 0)),
      ("fraction", one("U8", "[8.0]", "[0,8]")),
      ("negative offset", one("U8", "[8]", "[-8,0]")), ("offsets reversed", one("U8", "[8]", "[8,0]")),
      ("hole at the start", one("U8", "[4]", "[4,8]")),
      ("bytes behind", one("U8", "[4]", "[0,4]")), ("size too small", one("F32", "[1]", "[0,8]")),
      ("size too large", one("F32", "[4]", "[0,8]")),
      ("end behind the file", one("U8", "[9]", "[0,9]")),
      ("rank 9", one("U8", "[1,1,1,1,1,1,1,1,8]", "[0,8]")), ("three offsets", one("U8", "[8]", "[0,8,8]")),
      ("one offset", one("U8", "[8]", "[0]")), ("type unknown", one("F31", "[8]", "[0,8]")),
      ("overlap", two("[0,4]", "[2,6]", 6)),
      ("same place", two("[0,4]", "[0,4]", 4)), ("hole", two("[0,4]", "[8,12]", 12)),
      (
        "duplicate name",
        safetensors(
          #"{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}"#
        )
      ),
      (
        "duplicate name, escaped",
        safetensors(
          #"{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"\u0061":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}"#
        )
      ),
      (
        "duplicate field",
        safetensors(#"{"a":{"dtype":"U8","dtype":"F32","shape":[0],"data_offsets":[0,0]}}"#)
      ),
      ("extra field", safetensors(#"{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0],"strides":[1]}}"#)),
      ("missing field", safetensors(#"{"a":{"dtype":"U8","shape":[0]}}"#)),
      ("metadata of numbers", safetensors(#"{"__metadata__":{"a":1}}"#)),
      ("metadata twice", safetensors(#"{"__metadata__":{},"__metadata__":{}}"#)),
      ("metadata key twice", safetensors(#"{"__metadata__":{"a":"1","a":"2"}}"#)),
      ("deep", safetensors("{\"a\":" + String(repeating: "[", count: 100_000))),
      ("deep shape", one("U8", String(repeating: "[", count: 10_000), "[0,8]")),
      ("pickle", [0x80, 0x04, 0x95, 0, 0, 0, 0, 0, 0, 0]), ("zip", [0x50, 0x4B, 3, 4, 0, 0, 0, 0, 0]),
      ("gguf", Array("GGUF0000000".utf8)),
      ("npy", NumPyTests.file("<f4", "(1,)", [0, 0, 0, 0])),
    ]
  }()

  @Test(arguments: gallery.indices) func isRefused(_ index: Int) {
    let (name, bytes) = Self.gallery[index]
    #expect(throws: DataError.self, "\(name)") { try SafeTensors(bytes: bytes) }
  }

  @Test func picklesAreToldHowToConvert() {
    for magic in [[0x80, 0x02, 0x8A, 0x0A, 1, 1, 1, 1], [0x50, 0x4B, 3, 4, 0, 0, 0, 0]] as [[UInt8]] {
      #expect {
        try SafeTensors(bytes: magic + [0, 0, 0], name: "model.pt")
      } throws: { "\($0)".contains("save_file(torch.load(FILE, weights_only=True)") }
    }
  }

  @Test func aHundredThousandEntriesAreReadAndOneMoreIsRefused() throws {
    func file(_ count: Int) -> [UInt8] {
      var header = "{"
      for i in 0..<count {
        header += (i == 0 ? "" : ",") + "\"t\(i)\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}"
      }
      return safetensors(header + "}")
    }
    let (full, over) = (file(100_000), file(100_001))
    var entries = 0
    let time = try ContinuousClock().measure { entries = try SafeTensors(bytes: full).entries.count }
    #expect(entries == 100_000)
    #expect(throws: DataError.self) { try SafeTensors(bytes: over) }
    #expect(time < .seconds(20))
  }

  /// A file of 2 KB with two tensors, an empty one and metadata.
  static func small() throws -> [UInt8] {
    var writer = SafeTensorsWriter(metadata: ["seed": "7"])
    try writer.add("weights", shape: [16, 29], (0..<464).map { Float($0) })
    try writer.add("bias", shape: [2], [1, 2] as [Double])
    try writer.add("empty", shape: [0], [] as [Float])
    return writer.bytes()
  }

  @Test func everyTruncationIsRefused() throws {
    let bytes = try Self.small()
    #expect((1900...2200).contains(bytes.count))
    #expect(throws: Never.self) { try SafeTensors(bytes: bytes) }
    for length in 0..<bytes.count {
      #expect(throws: DataError.self, "cut at \(length)") {
        try SafeTensors(bytes: Array(bytes.prefix(length)))
      }
    }
  }

  /// A flip in the data or within a name gives another valid file; a flip anywhere else an error. Never anything else.
  @Test func everyFlippedBitIsReadOrRefused() throws {
    let good = try Self.small()
    var refused = 0
    for place in good.indices {
      for bit in 0..<8 {
        var bytes = good
        bytes[place] ^= 1 << bit
        do {
          let file = try SafeTensors(bytes: bytes)
          #expect(file.entries.reduce(0) { $0 + $1.bytes.count } == 464 * 4 + 16)
          for entry in file.entries { #expect(try file.floats(entry.name).count == entry.count) }
        } catch {
          refused += 1
        }
      }
    }
    #expect(refused > 500)
  }

  @Test func randomHeadersNeverTrap() {
    var generator = TestGenerator(stream: "safetensors")
    let pieces = [
      "{", "}", "[", "]", ",", ":", "\"", "\"a\"", "\"dtype\"", "\"F32\"", "\"shape\"", "\"data_offsets\"",
      "0", "4", "8", "-1", "9223372036854775807", "1e9",
      " ", "\\u0000", "\"__metadata__\"", "null",
    ]
    for _ in 0..<3000 {
      let header =
        "{"
        + (0..<Int.random(in: 0...30, using: &generator)).map { _ in
          pieces.randomElement(using: &generator) ?? ""
        }.joined()
      _ = try? SafeTensors(bytes: safetensors(header, [0, 0, 0, 0]))
    }
  }
}

struct NumPyTests {
  static func file(
    _ descr: String, _ shape: String, _ data: [UInt8], fortran: Bool = false, version: UInt8 = 1
  ) -> [UInt8] {
    raw(
      "{'descr': '\(descr)', 'fortran_order': \(fortran ? "True" : "False"), 'shape': \(shape), }\n", data,
      version: version)
  }

  static func raw(_ header: String, _ data: [UInt8], version: UInt8 = 1) -> [UInt8] {
    let length = version == 1 ? little(UInt16(header.utf8.count)) : little(UInt32(header.utf8.count))
    return [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59, version, 0] + length + Array(header.utf8) + data
  }

  @Test func whatIsWrittenIsRead() throws {
    for shape in [[2, 3], [6], [1, 2, 3], [0, 4], []] {
      let values = (0..<shape.reduce(1, *)).map { Float($0) - 1.5 }
      let bytes = try NumPyFile.bytes(shape: shape, values)
      let file = try NumPyFile(bytes: bytes)
      #expect(file.shape == shape)
      #expect(try file.floats() == values)
      #expect((bytes.count - 4 * values.count) % 64 == 0)
    }
    #expect(throws: DataError.self) { try NumPyFile.bytes(shape: [2], [1]) }
  }

  @Test(arguments: [1, 2, 3] as [UInt8]) func allVersionsAreRead(_ version: UInt8) throws {
    let file = try NumPyFile(
      bytes: Self.file("<i4", "(2,)", little(Int32(-5)) + little(Int32(7)), version: version))
    #expect(try file.floats() == [-5, 7])
  }

  @Test(
    arguments: [
      ("<f8", little(2.5.bitPattern), 2.5), ("<f2", [0x00, 0x3C], 1), ("<i8", little(Int64(-3)), -3),
      ("|u1", [200], 200), ("|b1", [1], 1),
      ("<u2", [1, 1], 257),
    ] as [(String, [UInt8], Float)])
  func elementTypes(_ descr: String, _ data: [UInt8], _ value: Float) throws {
    #expect(try NumPyFile(bytes: Self.file(descr, "(1,)", data)).floats() == [value])
  }

  static let hostile: [(String, [UInt8], String)] = [
    ("nothing", [], "the file is empty"), ("text", Array("hello world".utf8), "this is not a .npy array"),
    ("pickle", [0x80, 4, 0x95, 9, 9, 9, 9, 9, 9, 9, 9, 9], "pickle"),
    ("npz", [0x50, 0x4B, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0], "zip"),
    ("objects", file("|O", "(1,)", [0]), "Python objects"),
    ("big endian", file(">f4", "(1,)", [0, 0, 0, 0]), "astype('<f4')"),
    ("columns first", file("<f4", "(1, 1)", [0, 0, 0, 0], fortran: true), "ascontiguousarray"),
    ("too few bytes", file("<f4", "(2,)", [0, 0, 0, 0]), "does not fit the shape"),
    ("too many bytes", file("<f4", "(1,)", [0, 0, 0, 0, 0]), "does not fit the shape"),
    ("wrap", file("<f4", "(4611686018427387904, 4)", []), "too large"),
    ("rank 9", file("|u1", "(1,1,1,1,1,1,1,1,1)", [0]), "not well formed"),
    ("negative", file("|u1", "(-1,)", [0]), "not well formed"),
    ("huge number", file("|u1", "(99999999999999999999,)", [0]), "not well formed"),
    ("version 9", file("<f4", "(1,)", [0, 0, 0, 0], version: 9), "version 9"),
    (
      "header behind the file", [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59, 1, 0, 255, 255, 0, 0], "header is longer"
    ),
    (
      "key twice",
      raw("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}", [0, 0, 0, 0]),
      "not well formed"
    ),
    (
      "code", raw("{'descr': __import__('os'), 'fortran_order': False, 'shape': (1,)}", [0, 0, 0, 0]),
      "not well formed"
    ),
    ("unclosed", raw("{'descr': '<f4", [0, 0, 0, 0]), "not well formed"),
  ]

  @Test(arguments: hostile.indices) func isRefused(_ index: Int) {
    let (name, bytes, part) = Self.hostile[index]
    #expect("\(name)") {
      try NumPyFile(bytes: bytes)
    } throws: { ($0 as? DataError)?.description.contains(part) ?? false }
  }

  @Test func everyTruncationAndFlipIsReadOrRefused() throws {
    let good = try NumPyFile.bytes(shape: [3, 4], (0..<12).map { Float($0) })
    for length in 0..<good.count {
      #expect(throws: DataError.self) { try NumPyFile(bytes: Array(good.prefix(length))) }
    }
    for place in good.indices {
      for bit in 0..<8 {
        var bytes = good
        bytes[place] ^= 1 << bit
        if let file = try? NumPyFile(bytes: bytes) {
          #expect(try file.floats().count == file.shape.reduce(1, *))
        }
      }
    }
  }

  @Test func embeddingsAreMatrices() throws {
    let folder = try TemporaryFolder()
    let array = try folder.write("e.npy", NumPyFile.bytes(shape: [2, 3], [1, 2, 3, 4, 5, 6]))
    let matrix = try FeatureMatrix(embeddings: array)
    #expect(matrix.rows == 2 && matrix.width == 3 && matrix.dense == [1, 2, 3, 4, 5, 6])
    var writer = SafeTensorsWriter()
    try writer.add("e", shape: [2, 3], [1, 2, 3, 4, 5, 6] as [Float])
    let tensors = try folder.write("e.safetensors", writer.bytes())
    #expect(try FeatureMatrix(embeddings: tensors) == matrix)
    #expect(throws: DataError.self) {
      try FeatureMatrix(embeddings: try folder.write("f.npy", NumPyFile.bytes(shape: [3], [1, 2, 3])))
    }
    #expect(throws: DataError.self) {
      try FeatureMatrix(embeddings: try folder.write("g.npy", NumPyFile.bytes(shape: [1, 1], [.nan])))
    }
  }
}
