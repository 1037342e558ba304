/// The header of a safetensors file, read step by step so that its limits hold before memory is taken.
struct SafeTensorsHeader {
  let file: String
  private(set) var metadata: [String: String] = [:]
  private var found: [Found] = []
  private static let metadataLimit = 10_000

  /// Offsets are relative to the end of the header.
  private struct Found {
    let name: String
    let type: ElementType
    let shape: [Int]
    let start: Int
    let end: Int
  }

  init(file: String) { self.file = file }

  mutating func read(_ bytes: Span<UInt8>) throws(DataError) {
    var parser = JSONParser(depthLimit: 4)
    do throws(JSONError) {
      var sawMetadata = false
      try members(&parser, bytes) { (key, parser) throws(JSONError) in
        if key == "__metadata__" {
          guard !sawMetadata else { throw parser.failure("the key \"__metadata__\" stands twice") }
          sawMetadata = true
          try readMetadata(&parser, bytes)
        } else {
          guard found.count < SafeTensors.entryLimit else {
            throw parser.failure("there are more than \(SafeTensors.entryLimit) tensors")
          }
          try readEntry(key, &parser, bytes)
        }
      }
      // Writers pad the header with spaces.
      parser.skipSpace(bytes)
      guard parser.at == bytes.count else {
        throw parser.failure("there is more text after the end of the header")
      }
    } catch {
      throw DataError(
        file: file, byte: 8 + error.byte, "the header is not well formed: \(error.problem)",
        repair: "was the file damaged or cut on its way? copy it again")
    }
  }

  /// The entries in the order of their bytes, each checked to begin where the one before ends.
  func places(dataStart: Int, dataCount: Int) throws(DataError) -> [SafeTensors.Entry] {
    let order = found.sorted { ($0.start, $0.end) < ($1.start, $1.end) }
    var end = 0
    var entries: [SafeTensors.Entry] = []
    entries.reserveCapacity(order.count)
    for tensor in order {
      guard tensor.start == end else {
        throw DataError(
          file: file, field: tensor.name,
          "the tensor \"\(clipped(tensor.name))\" \(tensor.start < end ? "overlaps the one before it" : "leaves a hole before it")",
          expected: "it should start at byte \(end) of the data", found: "it starts at \(tensor.start)")
      }
      guard tensor.end <= dataCount else {
        throw DataError(
          file: file, field: tensor.name, "the tensor \"\(clipped(tensor.name))\" ends behind the file",
          expected: "the file holds \(dataCount) bytes of data", found: "it ends at \(tensor.end)",
          repair: "was all of the file copied?")
      }
      end = tensor.end
      entries.append(
        SafeTensors.Entry(
          name: tensor.name, type: tensor.type, shape: tensor.shape,
          bytes: dataStart + tensor.start..<dataStart + tensor.end))
    }
    guard end == dataCount else {
      throw DataError(
        file: file, byte: dataStart + end, "there are bytes behind the last tensor",
        expected: "the data ends after \(end) bytes", found: "the file holds \(dataCount)")
    }
    return entries
  }

  private mutating func readMetadata(_ parser: inout JSONParser, _ bytes: Span<UInt8>) throws(JSONError) {
    try members(&parser, bytes) { (key, parser) throws(JSONError) in
      guard parser.at < bytes.count, bytes[parser.at] == UInt8(ascii: "\"") else {
        throw parser.failure("the metadata \"\(clipped(key, 40))\" should be a string")
      }
      guard metadata.count < Self.metadataLimit else {
        throw parser.failure("there are more than \(Self.metadataLimit) metadata")
      }
      let value = try parser.string(bytes)
      guard metadata.updateValue(value, forKey: key) == nil else {
        throw parser.failure("the metadata \"\(clipped(key, 40))\" stands twice")
      }
    }
  }

  private mutating func readEntry(_ name: String, _ parser: inout JSONParser, _ bytes: Span<UInt8>)
    throws(JSONError)
  {
    var type: ElementType?
    var shape: [Int]?
    var offsets: [Int]?
    try members(&parser, bytes) { (key, parser) throws(JSONError) in
      switch key {
      case "dtype" where type == nil:
        guard parser.at < bytes.count, bytes[parser.at] == UInt8(ascii: "\"") else {
          throw parser.failure("\"dtype\" should be a string")
        }
        let text = try parser.string(bytes)
        type = ElementType(rawValue: text)
        guard type != nil else {
          throw parser.failure("the type \"\(clipped(text, 20))\" of \"\(clipped(name, 40))\" is not known")
        }
      case "shape" where shape == nil:
        shape = try sizes(&parser, bytes, limit: SafeTensors.rankLimit, of: "a shape")
      case "data_offsets" where offsets == nil:
        offsets = try sizes(&parser, bytes, limit: 2, of: "data_offsets")
      default:
        throw parser.failure(
          "the key \"\(clipped(key, 40))\" of \"\(clipped(name, 40))\" is not known or stands twice")
      }
    }
    guard let type, let shape, let offsets, offsets.count == 2 else {
      throw parser.failure("\"\(clipped(name, 40))\" lacks \"dtype\", \"shape\" or two \"data_offsets\"")
    }
    var size = type.size
    for length in shape {
      let product = size.multipliedReportingOverflow(by: length)
      guard !product.overflow else {
        throw parser.failure("the shape \(shape) of \"\(clipped(name, 40))\" is too large")
      }
      size = product.partialValue
    }
    guard offsets[0] <= offsets[1], offsets[1] - offsets[0] == size else {
      throw parser.failure(
        "\"\(clipped(name, 40))\" of shape \(shape) and type \(type.rawValue) takes \(size) bytes, its offsets are \(offsets)"
      )
    }
    found.append(Found(name: name, type: type, shape: shape, start: offsets[0], end: offsets[1]))
  }

  /// A list of sizes: whole numbers from 0.
  private func sizes(
    _ parser: inout JSONParser, _ bytes: Span<UInt8>, limit: Int, of what: String
  ) throws(JSONError) -> [Int] {
    var list: [Int] = []
    try elements(&parser, bytes, UInt8(ascii: "["), UInt8(ascii: "]")) { (parser) throws(JSONError) in
      guard list.count < limit else { throw parser.failure("\(what) may have \(limit) numbers at most") }
      guard parser.at < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[parser.at]),
        case .integer(let value) = try parser.number(bytes)
      else { throw parser.failure("\(what) should hold whole numbers from 0 that fit 63 bits") }
      list.append(value)
    }
    return list
  }

  /// Calls `body` at the value of every member of an object.
  private func members(
    _ parser: inout JSONParser, _ bytes: Span<UInt8>,
    _ body: (String, inout JSONParser) throws(JSONError) -> Void
  ) throws(JSONError) {
    try elements(&parser, bytes, UInt8(ascii: "{"), UInt8(ascii: "}")) { (parser) throws(JSONError) in
      guard parser.at < bytes.count, bytes[parser.at] == UInt8(ascii: "\"") else {
        throw parser.failure("a key in double quotes should stand here")
      }
      let key = try parser.string(bytes)
      parser.skipSpace(bytes)
      guard parser.at < bytes.count, bytes[parser.at] == UInt8(ascii: ":") else {
        throw parser.failure("a colon should stand after the key")
      }
      parser.at += 1
      parser.skipSpace(bytes)
      try body(key, &parser)
    }
  }

  /// Calls `body` at the start of every element between `open` and `close`.
  private func elements(
    _ parser: inout JSONParser, _ bytes: Span<UInt8>, _ open: UInt8, _ close: UInt8,
    _ body: (inout JSONParser) throws(JSONError) -> Void
  ) throws(JSONError) {
    guard parser.at < bytes.count, bytes[parser.at] == open else {
      throw parser.failure("a \(Character(Unicode.Scalar(open))) should stand here")
    }
    parser.at += 1
    parser.skipSpace(bytes)
    if parser.at < bytes.count, bytes[parser.at] == close {
      parser.at += 1
      return
    }
    while true {
      parser.skipSpace(bytes)
      try body(&parser)
      parser.skipSpace(bytes)
      guard parser.at < bytes.count else { throw parser.failure("the text ends too early") }
      if bytes[parser.at] == close {
        parser.at += 1
        return
      }
      guard bytes[parser.at] == UInt8(ascii: ",") else {
        throw parser.failure("a comma or \(Character(Unicode.Scalar(close))) should stand here")
      }
      parser.at += 1
    }
  }
}
