/// A `.npy` array (format versions 1 to 3): numbers of 1 to 8 bytes, little-endian, row-major.
public struct NumPyFile: Sendable {
  public var file: String { source.name }
  public let type: ElementType
  public let shape: [Int]
  private let source: FileBytes
  private let data: Range<Int>

  private static let headerLimit = 1 << 20
  private static let types: [String: ElementType] = [
    "<f8": .float64, "<f4": .float32, "<f2": .float16, "<i8": .int64, "<i4": .int32, "<i2": .int16,
    "|i1": .int8,
    "<u8": .uint64, "<u4": .uint32, "<u2": .uint16, "|u1": .uint8, "|b1": .bool,
  ]

  public init(_ path: String) throws(DataError) {
    try self.init(FileBytes(path: path))
  }

  public init(bytes: [UInt8], name: String = "memory") throws(DataError) {
    try self.init(FileBytes(bytes: bytes, name: name))
  }

  private init(_ source: FileBytes) throws(DataError) {
    self.source = source
    let file = source.name
    let head = try source.bytes(0..<min(12, source.count))
    try refuseForeignMagic(head, file: file, wanted: ".npy")
    guard head.count >= 10, head.starts(with: [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59]) else {
      throw DataError(
        file: file, byte: 0, source.count == 0 ? "the file is empty" : "this is not a .npy array",
        expected: "it starts with the byte 0x93 and NUMPY", repair: "write it with np.save(FILE, array)")
    }
    let start: Int
    let length: Int
    switch head[6] {
    case 1: (start, length) = (10, Int(head[8]) | Int(head[9]) << 8)
    case 2, 3:
      guard head.count == 12 else { throw Self.cut(file) }
      (start, length) = (12, (0..<4).reduce(0) { $0 | Int(head[8 + $1]) << (8 * $1) })
    default: throw DataError(file: file, byte: 6, "version \(head[6]) of the .npy format is not known")
    }
    guard length <= Self.headerLimit, length <= source.count - start else { throw Self.cut(file) }
    let header = try source.bytes(start..<start + length)
    guard let fields = NumPyHeader(header) else {
      throw DataError(
        file: file, byte: start, "the header is not well formed",
        expected: "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }",
        found: "found \(clipped(String(decoding: header.prefix(80), as: UTF8.self), 80))")
    }
    guard let type = Self.types[fields.type] else {
      throw DataError(
        file: file, field: "descr", "elements of type '\(clipped(fields.type, 20))' are not read",
        expected: "little-endian numbers, as '<f4'",
        repair: fields.type.contains("O")
          ? "this array holds Python objects as a pickle, which runs code when it is loaded; save numbers only"
          : "convert it: np.save(FILE, array.astype('<f4'))")
    }
    guard !fields.isFortran || fields.shape.count < 2 else {
      throw DataError(
        file: file, field: "fortran_order", "the array is stored column by column",
        repair: "convert it: np.save(FILE, np.ascontiguousarray(array))")
    }
    var size = type.size
    for length in fields.shape {
      let product = size.multipliedReportingOverflow(by: length)
      guard !product.overflow else {
        throw DataError(file: file, field: "shape", "the shape \(fields.shape) is too large")
      }
      size = product.partialValue
    }
    guard size == source.count - start - length else {
      throw DataError(
        file: file, field: "shape", "the data does not fit the shape",
        expected: "\(fields.shape) takes \(size) bytes",
        found: "the file holds \(source.count - start - length)", repair: "was all of the file copied?")
    }
    self.type = type
    shape = fields.shape
    data = start + length..<source.count
  }

  private static func cut(_ file: String) -> DataError {
    DataError(
      file: file, byte: 8, "the header is longer than the file or than \(headerLimit) bytes",
      repair: "was all of the file copied?")
  }

  /// The values, row-major, rounded to `Float` where the file has another type.
  public func floats() throws(DataError) -> [Float] { try readFloats(source, type, data) }

  /// The values of an array of integers, row-major.
  ///
  /// - Throws: `DataError` for elements of another type, and for integers that do not fit `Int`.
  public func integers() throws(DataError) -> [Int] {
    let raw = try source.bytes(data)
    let count = data.count / type.size
    guard let values = raw.withUnsafeBytes({ type.integers($0, count: count) }) else {
      throw DataError(
        file: file, field: "descr", "the array does not hold integers of this machine",
        found: "its type is \(type.rawValue)", repair: "convert it: np.save(FILE, array.astype('<i8'))")
    }
    return values
  }

  /// The bytes of a version 1 file of 32-bit floats.
  ///
  /// - Throws: `DataError` unless the shape has as many elements as there are values.
  public static func bytes(shape: [Int], _ values: [Float]) throws(DataError) -> [UInt8] {
    guard shape.allSatisfy({ $0 >= 0 }),
      shape.reduce(1, { $0.multipliedReportingOverflow(by: $1).partialValue }) == values.count
    else {
      throw DataError(file: ".npy", field: "shape", "the shape \(shape) has not \(values.count) elements")
    }
    let list = shape.map(String.init).joined(separator: ", ") + (shape.count == 1 ? "," : "")
    var header = Array("{'descr': '<f4', 'fortran_order': False, 'shape': (\(list)), }".utf8)
    // The data starts at a multiple of 64 bytes, after a line end.
    header.append(contentsOf: repeatElement(UInt8(ascii: " "), count: 63 - (10 + header.count) % 64))
    header.append(0x0A)
    let length = [UInt8(truncatingIfNeeded: header.count), UInt8(truncatingIfNeeded: header.count >> 8)]
    return [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59, 1, 0] + length + header
      + values.flatMapBytes { $0.bitPattern.littleEndian }
  }
}

/// The dictionary literal of a `.npy` header: exactly the keys `descr`, `fortran_order` and `shape`.
private struct NumPyHeader {
  var type = ""
  var isFortran = false
  var shape: [Int] = []

  init?(_ bytes: [UInt8]) {
    var text = Substring(String(decoding: bytes, as: UTF8.self))
    var seen: Set<String> = []
    guard NumPyHeader.take("{", &text) else { return nil }
    while !NumPyHeader.take("}", &text) {
      guard let key = NumPyHeader.quoted(&text), seen.insert(key).inserted, NumPyHeader.take(":", &text)
      else { return nil }
      switch key {
      case "descr":
        guard let value = NumPyHeader.quoted(&text) else { return nil }
        type = value
      case "fortran_order":
        if NumPyHeader.take("True", &text) {
          isFortran = true
        } else if !NumPyHeader.take("False", &text) {
          return nil
        }
      case "shape":
        guard let value = NumPyHeader.tuple(&text) else { return nil }
        shape = value
      default: return nil
      }
      guard NumPyHeader.take(",", &text) || text.drop(while: \.isWhitespace).first == "}" else { return nil }
    }
    guard seen.count == 3, text.allSatisfy(\.isWhitespace) else { return nil }
  }

  private static func take(_ token: String, _ text: inout Substring) -> Bool {
    let rest = text.drop(while: \.isWhitespace)
    guard rest.hasPrefix(token) else { return false }
    text = rest.dropFirst(token.count)
    return true
  }

  private static func quoted(_ text: inout Substring) -> String? {
    let rest = text.drop(while: \.isWhitespace)
    guard let quote = rest.first, quote == "'" || quote == "\"",
      let end = rest.dropFirst().firstIndex(of: quote)
    else { return nil }
    let value = rest[rest.index(after: rest.startIndex)..<end]
    text = rest[rest.index(after: end)...]
    return String(value)
  }

  private static func tuple(_ text: inout Substring) -> [Int]? {
    guard take("(", &text) else { return nil }
    var values: [Int] = []
    while !take(")", &text) {
      text = text.drop(while: \.isWhitespace)
      let digits = text.prefix { ("0"..."9").contains($0) }
      guard values.count < SafeTensors.rankLimit, let value = Int(digits) else { return nil }
      values.append(value)
      text = text.dropFirst(digits.count)
      guard take(",", &text) || text.drop(while: \.isWhitespace).first == ")" else { return nil }
    }
    return values
  }
}
