import PenchantKernels

/// What attribute scores explain of the content, taken out of it: h − s̃ B, with B by least squares over training texts
/// (Frisch and Waugh 1933). The model can say the same as before; what goes with an attribute is now said by the attribute.
struct PaletteResidual: Sendable, Equatable {
  /// B `[K, d]`.
  let weights: [Float]
  let width: Int

  init(weights: [Float], width: Int) {
    self.weights = weights
    self.width = width
  }

  /// - Parameters:
  ///   - content: `[N, d]`. scores: `[N, K]`, centred over the texts `inside`.
  init(_ content: [Float], width d: Int, scores: [Float], attributes K: Int, inside: [Int]) throws {
    var gram = [Double](repeating: 0, count: K * K)
    var products = [Double](repeating: 0, count: K * d)
    for text in inside {
      for i in 0..<K {
        let s = Double(scores[text * K + i])
        for j in 0...i { gram[i * K + j] += s * Double(scores[text * K + j]) }
        for j in 0..<d { products[i * d + j] += s * Double(content[text * d + j]) }
      }
    }
    // A little ridge: two attributes may say the same, and one may be constant.
    for i in 0..<K { gram[i * K + i] += 1e-3 * Double(max(1, inside.count)) }
    weights = try Cholesky(gram, order: K).solve(products, columns: d).map(Float.init)
    width = d
  }

  /// What is left of the content of texts, `[N, d]`.
  func callAsFunction(_ content: [Float], scores: [Float]) -> [Float] {
    let K = weights.count / max(1, width)
    var left = content
    for text in 0..<content.count / max(1, width) {
      for i in 0..<K {
        let s = scores[text * K + i]
        for j in 0..<width { left[text * width + j] -= s * weights[i * width + j] }
      }
    }
    return left
  }
}
