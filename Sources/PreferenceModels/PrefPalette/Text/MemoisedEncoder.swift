import PenchantData
import PenchantKernels
import Synchronization

/// An encoder that encodes a text once, however many stages of a training ask for it.
///
/// Memory: 4 bytes a column of every distinct text.
final class MemoisedEncoder: LayeredTextEncoder {
  private let encoder: any TextEncoder
  private let known = Mutex<[String: [Float]]>([:])
  private let inner = Mutex<[Int: MemoisedEncoder]>([:])

  init(_ encoder: any TextEncoder) { self.encoder = encoder }

  var width: Int { encoder.width }

  /// 0 when the encoder shows none.
  var layers: Int { (encoder as? any LayeredTextEncoder)?.layers ?? 0 }

  func reading(layer: Int) throws -> any TextEncoder {
    try inner.withLock { inner in
      if let known = inner[layer] { return known }
      guard let layered = encoder as? any LayeredTextEncoder else {
        throw KernelError.value("MemoisedEncoder", "the encoder shows no layers")
      }
      let made = MemoisedEncoder(try layered.reading(layer: layer))
      inner[layer] = made
      return made
    }
  }

  func encode(_ texts: [String]) throws -> FeatureMatrix {
    var missing: [String] = []
    known.withLock { known in
      var asked: Set<String> = []
      for text in texts where known[text] == nil && asked.insert(text).inserted { missing.append(text) }
    }
    if !missing.isEmpty {
      let rows = try encoder.encode(missing)
      guard rows.sparseWidth == 0 else {
        throw KernelError.shape("MemoisedEncoder", "\(rows.sparseWidth) sparse columns; dense rows are kept")
      }
      let width = rows.denseWidth
      known.withLock { known in
        for (row, text) in missing.enumerated() {
          known[text] = Array(rows.dense[row * width..<(row + 1) * width])
        }
      }
    }
    let dense = known.withLock { known in texts.flatMap { known[$0] ?? [] } }
    return try FeatureMatrix(rows: texts.count, width: encoder.width, dense: dense)
  }
}
