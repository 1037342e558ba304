/// A safetensors file, checked whole before any tensor is read.
///
/// Refused with a `DataError`: a header over 100,000,000 bytes or longer than the file, more than 100,000 tensors, ranks
/// above 8, unknown element types, duplicate names, sizes that do not equal shape × element size, and tensors that
/// overlap, leave holes or do not end with the file. Opening reads the header only; a tensor is read when it is asked
/// for, straight into its own memory. Nothing in a file is ever executed.
public struct SafeTensors: Sendable {
  public struct Entry: Sendable, Equatable {
    public let name: String
    public let type: ElementType
    public let shape: [Int]
    /// Place within the file.
    public let bytes: Range<Int>

    public var count: Int { bytes.count / type.size }
  }

  static let headerLimit = 100_000_000
  static let entryLimit = 100_000
  static let rankLimit = 8

  /// The path, or the name given to bytes in memory.
  public var file: String { source.name }
  public let metadata: [String: String]
  /// In the order of their bytes.
  public let entries: [Entry]

  private let source: FileBytes
  /// Places in `entries`, sorted by name.
  private let byName: [Int]

  public init(_ path: String) throws(DataError) {
    try self.init(FileBytes(path: path))
  }

  public init(bytes: [UInt8], name: String = "memory") throws(DataError) {
    try self.init(FileBytes(bytes: bytes, name: name))
  }

  private init(_ source: FileBytes) throws(DataError) {
    self.source = source
    let file = source.name
    let magic = try source.bytes(0..<min(8, source.count))
    try refuseForeignMagic(magic, file: file, wanted: "safetensors")
    guard magic.count == 8 else {
      throw DataError(
        file: file, source.count == 0 ? "the file is empty" : "the file is too short",
        expected: "a safetensors file starts with the 8 bytes of its header's length",
        found: "found \(source.count) bytes")
    }
    let length = magic.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    guard length <= Self.headerLimit, Int(length) <= source.count - 8 else {
      throw DataError(
        file: file, byte: 0, "the header is longer than allowed",
        expected: "at most \(min(Self.headerLimit, source.count - 8)) bytes in this file",
        found: "it says \(length)",
        repair: "is this a safetensors file, and was all of it copied?")
    }
    let bytes = try source.bytes(8..<8 + Int(length))
    guard bytes.first == UInt8(ascii: "{") else {
      throw DataError(
        file: file, byte: 8, "the header does not start with {", expected: "a JSON object",
        found: bytes.first.map { "found byte 0x\(String($0, radix: 16))" } ?? "it is empty",
        repair: "is this a safetensors file?")
    }
    if let bad = firstInvalidUTF8(bytes.span) {
      throw DataError(
        file: file, byte: 8 + bad, "the header is not UTF-8 text", repair: "was the file damaged on its way?")
    }
    var header = SafeTensorsHeader(file: file)
    try header.read(bytes.span)
    metadata = header.metadata
    entries = try header.places(dataStart: 8 + Int(length), dataCount: source.count - 8 - Int(length))
    byName = try Self.order(entries, file: file)
  }

  private static func order(_ entries: [Entry], file: String) throws(DataError) -> [Int] {
    let order = entries.indices.sorted { entries[$0].name < entries[$1].name }
    for (a, b) in zip(order, order.dropFirst()) where entries[a].name == entries[b].name {
      throw DataError(
        file: file, field: entries[a].name,
        "the tensor \"\(clipped(entries[a].name))\" stands twice in the header")
    }
    return order
  }

  /// The tensor of that name, or `nil`.
  public func entry(_ name: String) -> Entry? {
    var (low, high) = (0, byName.count)
    while low < high {
      let middle = (low + high) / 2
      if entries[byName[middle]].name < name { low = middle + 1 } else { high = middle }
    }
    guard low < byName.count, entries[byName[low]].name == name else { return nil }
    return entries[byName[low]]
  }

  /// The tensor of that name.
  ///
  /// - Parameter shape: what it must be; `nil` within it allows any length there.
  /// - Throws: `DataError` when it is missing (with the nearest name) or has another shape.
  public func require(_ name: String, shape: [Int?]? = nil) throws(DataError) -> Entry {
    guard let entry = entry(name) else {
      throw DataError(
        file: file, field: name, "the tensor \"\(clipped(name))\" is missing",
        found: "the file has \(quotedList(entries.map(\.name), limit: 6))",
        repair: nearestName(to: name, among: entries.map(\.name)).map { "did you mean \"\(clipped($0))\"?" })
    }
    if let shape {
      guard shape.count == entry.shape.count, zip(shape, entry.shape).allSatisfy({ $0 == nil || $0 == $1 })
      else {
        let wanted = shape.map { $0.map(String.init) ?? "any" }.joined(separator: ", ")
        throw DataError(
          file: file, field: name, "the tensor \"\(clipped(name))\" has another shape",
          expected: "expected [\(wanted)]",
          found: "found \(entry.shape)")
      }
    }
    return entry
  }

  /// The values of a tensor, row-major, rounded to `Float` where the file has another type.
  ///
  /// - Parameters:
  ///   - shape: as in `require`.
  ///   - finite: refuse NaN and infinity.
  public func floats(_ name: String, shape: [Int?]? = nil, finite: Bool = false) throws(DataError) -> [Float]
  {
    let entry = try require(name, shape: shape)
    let values = try readFloats(source, entry.type, entry.bytes)
    if finite, let place = values.firstIndex(where: { !$0.isFinite }) {
      throw DataError(
        file: file, field: name, "the tensor \"\(clipped(name))\" holds \(values[place])",
        expected: "finite values",
        found: "found at element \(place)",
        repair: "the model that wrote it had diverged; use an earlier checkpoint")
    }
    return values
  }

  /// The values of a tensor of 64-bit floats, with their bits; NaN and infinity are refused.
  public func doubles(_ name: String, shape: [Int?]? = nil) throws(DataError) -> [Double] {
    let entry = try require(name, shape: shape)
    guard entry.type == .float64 else {
      throw DataError(
        file: file, field: name, "the tensor \"\(clipped(name))\" does not hold 64-bit floats",
        found: "its type is \(entry.type.rawValue)")
    }
    let raw = try source.bytes(entry.bytes)
    let values = raw.withUnsafeBytes { bytes in
      (0..<entry.count).map {
        Double(
          bitPattern: UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: $0 * 8, as: UInt64.self)))
      }
    }
    if let place = values.firstIndex(where: { !$0.isFinite }) {
      throw DataError(
        file: file, field: name, "the tensor \"\(clipped(name))\" holds \(values[place])",
        expected: "finite values", found: "found at element \(place)")
    }
    return values
  }

  /// A tensor of bytes.
  public func bytes(_ name: String) throws(DataError) -> [UInt8] {
    let entry = try require(name, shape: [nil])
    guard entry.type == .uint8 else {
      throw DataError(
        file: file, field: name, "the tensor \"\(clipped(name))\" does not hold bytes",
        found: "its type is \(entry.type.rawValue)")
    }
    return try source.bytes(entry.bytes)
  }

  /// The values of a tensor of integers.
  public func integers(_ name: String, shape: [Int?]? = nil) throws(DataError) -> [Int] {
    let entry = try require(name, shape: shape)
    let raw = try source.bytes(entry.bytes)
    guard let values = raw.withUnsafeBytes({ entry.type.integers($0, count: entry.count) }) else {
      throw DataError(
        file: file, field: name, "the tensor \"\(clipped(name))\" does not hold integers of this machine",
        found: "its type is \(entry.type.rawValue)")
    }
    return values
  }
}

/// Elements of a file as floats; `F32` is read in place.
func readFloats(_ source: FileBytes, _ type: ElementType, _ range: Range<Int>) throws(DataError) -> [Float] {
  var values = [Float](repeating: 0, count: range.count / type.size)
  if type == .float32, 1.littleEndian == 1 {
    try values.withUnsafeMutableBufferPointer { (buffer) throws(DataError) in
      try source.read(at: range.lowerBound, into: UnsafeMutableRawBufferPointer(buffer))
    }
    return values
  }
  let raw = try source.bytes(range)
  raw.withUnsafeBytes { bytes in values.withUnsafeMutableBufferPointer { type.floats(bytes, into: $0) } }
  return values
}

/// A file of another kind gets told what it is and how it can be converted without running code from it.
func refuseForeignMagic(_ magic: [UInt8], file: String, wanted: String) throws(DataError) {
  let convert =
    "convert it where it was made: safetensors.torch.save_file(torch.load(FILE, weights_only=True), \"model.safetensors\")"
  func refuse(_ what: String, _ repair: String) -> DataError {
    DataError(file: file, byte: 0, "this is \(what), not \(wanted)", repair: repair)
  }
  if magic.starts(with: [0x50, 0x4B, 0x03, 0x04]) || magic.starts(with: [0x50, 0x4B, 0x05, 0x06]) {
    throw refuse(
      "a zip archive (a PyTorch or .npz file?), which may hold pickles that run code",
      convert + ", or np.save one array")
  }
  if magic.count >= 2, magic[0] == 0x80, (2...5).contains(magic[1]),
    !magic.dropFirst(2).allSatisfy({ $0 == 0 })
  {
    throw refuse("a pickle, which runs code when it is loaded", convert)
  }
  if magic.starts(with: Array("GGUF".utf8)) {
    throw refuse("a GGUF file", "export the weights as safetensors")
  }
  if magic.starts(with: [0x89, 0x48, 0x44, 0x46]) {
    throw refuse("an HDF5 file", "export the weights as safetensors")
  }
  if magic.starts(with: [0x1F, 0x8B]) { throw refuse("gzip data", "unpack it with gunzip") }
  if wanted != ".npy", magic.starts(with: [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59]) {
    throw refuse("a .npy array", "name it with the ending .npy")
  }
}
