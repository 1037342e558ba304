import PenchantKernels
import PenchantTrain

/// Standardises attribute scores and centres representations with statistics of the training texts (section 11, row 13:
/// heads of a Bradley–Terry loss have an arbitrary scale and offset).
public struct PaletteScaling: Sendable, Codable, Equatable {
  /// `[K]`
  public var scoreMean: [Float]
  /// `[K]`, 1 / standard deviation; 0 for a score that does not vary.
  public var scoreScale: [Float]
  /// `[K, m]`
  public var representationMean: [Float]

  /// Statistics of the texts that the given pairs name, each text once.
  public init(fittingTo data: PaletteData) throws {
    let texts = data.texts
    let used = Set(data.chosen).union(data.rejected).sorted()
    let (K, m) = (texts.attributes, texts.width)
    guard !used.isEmpty else { throw ConfigurationError("there is no pair to take statistics from") }
    var (mean, square) = ([Double](repeating: 0, count: K), [Double](repeating: 0, count: K))
    var centre = [Double](repeating: 0, count: K * m)
    for text in used {
      for i in 0..<K {
        mean[i] += Double(texts.scores[Int(text) * K + i])
        for (j, value) in texts.representation(Int(text), i).enumerated() {
          centre[i * m + j] += Double(value)
        }
      }
    }
    let count = Double(used.count)
    for i in 0..<K { mean[i] /= count }
    for text in used {
      for i in 0..<K {
        let distance = Double(texts.scores[Int(text) * K + i]) - mean[i]
        square[i] += distance * distance
      }
    }
    scoreMean = mean.map(Float.init)
    scoreScale = square.map { $0 > 1e-12 * count ? Float((count / $0).squareRoot()) : 0 }
    representationMean = centre.map { Float($0 / count) }
  }

  /// - Throws: `KernelError.shape` when the texts have other sizes.
  public func apply(to texts: PaletteTexts) throws -> PaletteTexts {
    let (K, m) = (texts.attributes, texts.width)
    guard scoreMean.count == K, representationMean.count == K * m else {
      throw KernelError.shape(
        "PaletteScaling.apply", "\(K) attributes of width \(m), the statistics are of \(scoreMean.count)")
    }
    var scores = texts.scores
    var values = [Float](repeating: 0, count: texts.count * K * m)
    for text in 0..<texts.count {
      for i in 0..<K {
        let at = text * K + i
        scores[at] = (scores[at] - scoreMean[i]) * scoreScale[i]
        let row = texts.representation(text, i)
        for j in 0..<m { values[at * m + j] = row[j] - representationMean[i * m + j] }
      }
    }
    return try PaletteTexts(
      contentWidth: texts.contentWidth, attributes: K, width: m, content: texts.content,
      representations: .float(values), scores: scores, mask: texts.mask)
  }
}
