/// Collects tensors and writes them as one safetensors file.
///
/// The bytes are a function of what was added: names are sorted (larger element types first, so that every tensor is
/// aligned), metadata keys too.
public struct SafeTensorsWriter: Sendable {
  private struct Tensor {
    let name: String
    let type: ElementType
    let shape: [Int]
    let bytes: [UInt8]
  }
  private var tensors: [Tensor] = []
  private var names: Set<String> = []
  /// Written as `__metadata__`.
  public var metadata: [String: String]

  public init(metadata: [String: String] = [:]) { self.metadata = metadata }

  /// Adds a tensor of 32-bit floats.
  ///
  /// - Throws: `DataError` when the name is taken or the shape does not have as many elements as there are values.
  public mutating func add(_ name: String, shape: [Int], _ values: [Float]) throws(DataError) {
    try add(name, .float32, shape, count: values.count, values.flatMapBytes { $0.bitPattern.littleEndian })
  }

  /// Adds a tensor of 64-bit floats.
  public mutating func add(_ name: String, shape: [Int], _ values: [Double]) throws(DataError) {
    try add(name, .float64, shape, count: values.count, values.flatMapBytes { $0.bitPattern.littleEndian })
  }

  /// Adds a tensor of 64-bit integers.
  public mutating func add(_ name: String, shape: [Int], _ values: [Int]) throws(DataError) {
    try add(name, .int64, shape, count: values.count, values.flatMapBytes { Int64($0).littleEndian })
  }

  /// Adds a tensor of unsigned 32-bit integers.
  public mutating func add(_ name: String, shape: [Int], _ values: [UInt32]) throws(DataError) {
    try add(name, .uint32, shape, count: values.count, values.flatMapBytes { $0.littleEndian })
  }

  /// Adds a tensor of bytes.
  public mutating func add(_ name: String, shape: [Int], _ values: [UInt8]) throws(DataError) {
    try add(name, .uint8, shape, count: values.count, values)
  }

  private mutating func add(
    _ name: String, _ type: ElementType, _ shape: [Int], count: Int, _ bytes: [UInt8]
  ) throws(DataError) {
    var size = 1
    for length in shape {
      let product = size.multipliedReportingOverflow(by: length)
      size = length < 0 || product.overflow ? -1 : product.partialValue
      if size < 0 { break }
    }
    guard size == count, shape.count <= SafeTensors.rankLimit else {
      throw DataError(
        file: "safetensors", field: name,
        "the tensor \"\(clipped(name))\" of shape \(shape) has \(count) values")
    }
    guard name != "__metadata__", names.insert(name).inserted else {
      throw DataError(file: "safetensors", field: name, "the name \"\(clipped(name))\" is taken")
    }
    tensors.append(Tensor(name: name, type: type, shape: shape, bytes: bytes))
  }

  /// The whole file.
  public func bytes() -> [UInt8] {
    var header = JSONObject()
    if !metadata.isEmpty {
      var object = JSONObject()
      for key in metadata.keys.sorted() { object[key] = metadata[key].map(JSONValue.string) }
      header["__metadata__"] = .object(object)
    }
    let order = tensors.sorted { ($1.type.size, $0.name) < ($0.type.size, $1.name) }
    var end = 0
    for tensor in order {
      header.append(
        tensor.name,
        .object(
          JSONObject([
            "dtype": .string(tensor.type.rawValue), "shape": .array(tensor.shape.map(JSONValue.integer)),
            "data_offsets": [.integer(end), .integer(end + tensor.bytes.count)],
          ])))
      end += tensor.bytes.count
    }
    var text = Array(JSONValue.object(header).description.utf8)
    text.append(contentsOf: repeatElement(UInt8(ascii: " "), count: (8 - text.count % 8) % 8))
    var file: [UInt8] = []
    file.reserveCapacity(8 + text.count + end)
    withUnsafeBytes(of: UInt64(text.count).littleEndian) { file.append(contentsOf: $0) }
    file.append(contentsOf: text)
    for tensor in order { file.append(contentsOf: tensor.bytes) }
    return file
  }

  /// Writes the file whole or not at all.
  public func write(to path: String) throws(DataError) {
    try AtomicFile.write(bytes(), to: path)
  }
}

extension Array {
  func flatMapBytes<Raw: FixedWidthInteger>(_ raw: (Element) -> Raw) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: count * MemoryLayout<Raw>.size) { buffer, filled in
      for i in indices {
        UnsafeMutableRawBufferPointer(buffer).storeBytes(
          of: raw(self[i]), toByteOffset: i * MemoryLayout<Raw>.size, as: Raw.self)
      }
      filled = count * MemoryLayout<Raw>.size
    }
  }
}
