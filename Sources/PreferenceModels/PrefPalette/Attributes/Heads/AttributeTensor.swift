/// What attribute heads say about texts: a vector and a score for every text and attribute.
///
/// N texts, K attributes, vectors of width m. Vectors may be stored as bfloat16 (relative error 2^-9), which halves them:
/// 100,000 texts of 19 × 64 take 243 MB.
public struct AttributeTensor: Sendable, Equatable {
  public enum Storage: Sendable, Equatable {
    case float([Float])
    case bfloat16([UInt16])
  }

  public let attributes: [String]
  public let rows: Int
  public let width: Int
  /// `[N, K, m]`, centred over the training texts.
  public let vectors: Storage
  /// `[N, K]`, mean 0 and standard deviation 1 over the training texts.
  public let scores: [Float]
  /// `[N, K]`, 1 = there, 0 = missing; nil when nothing is.
  public var mask: [UInt8]?

  init(attributes: [String], rows: Int, width: Int, vectors: Storage, scores: [Float]) {
    self.attributes = attributes
    self.rows = rows
    self.width = width
    self.vectors = vectors
    self.scores = scores
  }

  /// Bytes of vectors, scores and mask.
  public var bytes: Int {
    let size = if case .float = vectors { 4 } else { 2 }
    return rows * attributes.count * (width * size + 4) + (mask?.count ?? 0)
  }

  /// Vectors of texts, one after the other, `[indices, K, m]`; `out` has room for them.
  public func gather(_ indices: [Int], into out: inout [Float]) {
    let size = attributes.count * width
    out.withUnsafeMutableBufferPointer { out in
      switch vectors {
      case .float(let values):
        for (place, index) in indices.enumerated() {
          for column in 0..<size { out[place * size + column] = values[index * size + column] }
        }
      case .bfloat16(let values):
        for (place, index) in indices.enumerated() {
          for column in 0..<size {
            out[place * size + column] = Float(bfloat16: values[index * size + column])
          }
        }
      }
    }
  }
}

extension Float {
  /// The upper half of a float.
  init(bfloat16 bits: UInt16) { self.init(bitPattern: UInt32(bits) << 16) }

  /// Rounded to the nearest, ties to even; a NaN stays one.
  var bfloat16: UInt16 {
    if isNaN { return UInt16(bitPattern >> 16) | 0x40 }
    return UInt16((bitPattern &+ 0x7FFF &+ (bitPattern >> 16 & 1)) >> 16)
  }
}
