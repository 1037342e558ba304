import PenchantData
import PenchantKernels
import Synchronization

/// An encoder that encodes a text once, however many stages of a training ask for it.
///
/// Memory: 4 bytes a column of every distinct text.
final class MemoisedEncoder: TextEncoder {
  private let encoder: any TextEncoder
  private let known = Mutex<[String: [Float]]>([:])

  init(_ encoder: any TextEncoder) { self.encoder = encoder }

  var width: Int { encoder.width }

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
        for (row, text) in missing.enumerated() { known[text] = Array(rows.dense[row * width..<(row + 1) * width]) }
      }
    }
    let dense = known.withLock { known in texts.flatMap { known[$0] ?? [] } }
    return try FeatureMatrix(rows: texts.count, width: encoder.width, dense: dense)
  }
}
