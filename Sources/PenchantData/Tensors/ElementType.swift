/// The type of a tensor's elements, named as in safetensors files.
public enum ElementType: String, Sendable, CaseIterable, Codable {
  case float64 = "F64"
  case float32 = "F32"
  case float16 = "F16"
  case bfloat16 = "BF16"
  case int64 = "I64"
  case int32 = "I32"
  case int16 = "I16"
  case int8 = "I8"
  case uint64 = "U64"
  case uint32 = "U32"
  case uint16 = "U16"
  case uint8 = "U8"
  case bool = "BOOL"

  /// Bytes of an element.
  public var size: Int {
    switch self {
    case .float64, .int64, .uint64: 8
    case .float32, .int32, .uint32: 4
    case .float16, .bfloat16, .int16, .uint16: 2
    case .int8, .uint8, .bool: 1
    }
  }

  public var isFloatingPoint: Bool {
    switch self {
    case .float64, .float32, .float16, .bfloat16: true
    default: false
    }
  }

  /// Little-endian elements as `Float`, rounded to nearest.
  func floats(_ bytes: UnsafeRawBufferPointer, into out: UnsafeMutableBufferPointer<Float>) {
    func convert<Raw: FixedWidthInteger>(_: Raw.Type, _ value: (Raw) -> Float) {
      for i in out.indices {
        out[i] = value(
          Raw(littleEndian: bytes.loadUnaligned(fromByteOffset: i * MemoryLayout<Raw>.size, as: Raw.self)))
      }
    }
    switch self {
    case .float64: convert(UInt64.self) { Float(Double(bitPattern: $0)) }
    case .float32: convert(UInt32.self) { Float(bitPattern: $0) }
    case .float16: convert(UInt16.self, halfToFloat)
    case .bfloat16: convert(UInt16.self) { Float(bitPattern: UInt32($0) << 16) }
    case .int64: convert(Int64.self) { Float($0) }
    case .int32: convert(Int32.self) { Float($0) }
    case .int16: convert(Int16.self) { Float($0) }
    case .int8: convert(Int8.self) { Float($0) }
    case .uint64: convert(UInt64.self) { Float($0) }
    case .uint32: convert(UInt32.self) { Float($0) }
    case .uint16: convert(UInt16.self) { Float($0) }
    case .uint8, .bool: convert(UInt8.self) { Float($0) }
    }
  }

  /// Little-endian integers; `nil` when one does not fit `Int` or the type is not an integer's.
  func integers(_ bytes: UnsafeRawBufferPointer, count: Int) -> [Int]? {
    func convert<Raw: FixedWidthInteger>(_: Raw.Type) -> [Int]? {
      var out: [Int] = []
      out.reserveCapacity(count)
      for i in 0..<count {
        let raw = Raw(
          littleEndian: bytes.loadUnaligned(fromByteOffset: i * MemoryLayout<Raw>.size, as: Raw.self))
        guard let value = Int(exactly: raw) else { return nil }
        out.append(value)
      }
      return out
    }
    return switch self {
    case .int64: convert(Int64.self)
    case .int32: convert(Int32.self)
    case .int16: convert(Int16.self)
    case .int8: convert(Int8.self)
    case .uint64: convert(UInt64.self)
    case .uint32: convert(UInt32.self)
    case .uint16: convert(UInt16.self)
    case .uint8, .bool: convert(UInt8.self)
    case .float64, .float32, .float16, .bfloat16: nil
    }
  }
}

/// IEEE binary16 to binary32; exact.
func halfToFloat(_ half: UInt16) -> Float {
  let sign = UInt32(half & 0x8000) << 16
  let exponent = UInt32(half >> 10) & 0x1F
  let fraction = UInt32(half & 0x3FF)
  switch exponent {
  case 0:
    // Subnormal: fraction * 2^-24.
    let magnitude = Float(fraction) * 0x1p-24
    return sign == 0 ? magnitude : -magnitude
  case 31: return Float(bitPattern: sign | 0x7F80_0000 | fraction << 13)
  default: return Float(bitPattern: sign | (exponent + 112) << 23 | fraction << 13)
  }
}
