import PenchantKernels
import PenchantTrain

/// The numbers of K heads on inputs of width D: e = GELU(W x + b) as `[K, m]`, s_i = v_i · e_i.
struct HeadWeights: Sendable {
  let attributes: Int
  let width: Int
  let inputs: Int
  /// `[K m, D]`, `[K m]`, `[K, m]`.
  var weight: [Float]
  var bias: [Float]
  var direction: [Float]

  /// Texts of one product; the vectors of a tile stay in the cache until they are reduced.
  static let tile = 512

  /// Calls `body` with the first text of a tile, the vectors `[texts, K, m]` and the scores `[texts, K]` of its texts.
  func forward(
    _ rows: DenseRows, _ body: (_ first: Int, _ vectors: Span<Float>, _ scores: Span<Float>) throws -> Void
  ) throws {
    let outputs = attributes * width
    var (vectors, scores) = ([Float](), [Float]())
    for first in stride(from: 0, to: rows.count, by: Self.tile) {
      let count = min(Self.tile, rows.count - first)
      if scores.count != count * attributes {
        vectors = [Float](repeating: 0, count: count * outputs)
        scores = [Float](repeating: 0, count: count * attributes)
      }
      var out = vectors.mutableSpan
      try multiply(
        ProductShape(rows: count, columns: outputs, inner: inputs, transposesB: true),
        rows.values.span.extracting(first * inputs..<(first + count) * inputs), weight.span,
        columnBias: bias.span,
        activation: .gelu, into: &out)
      let (e, v) = (vectors.span, direction.span)
      for place in 0..<count * attributes {
        let (start, own) = (place * width, place % attributes * width)
        var sum: Float = 0
        for column in 0..<width { sum += e[start + column] * v[own + column] }
        scores[place] = sum
      }
      try body(first, vectors.span, scores.span)
    }
  }

  /// Scores `[N, K]` as the network gives them.
  func scores(_ rows: DenseRows) throws -> [Float] {
    var all: [Float] = []
    all.reserveCapacity(rows.count * attributes)
    try forward(rows) { _, _, scores in for place in scores.indices { all.append(scores[place]) } }
    return all
  }
}
