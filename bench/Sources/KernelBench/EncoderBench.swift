import PenchantKernels

extension BenchCase {
  /// A network of the shape of all-MiniLM-L6-v2 with weights of no meaning: the time does not depend on them.
  static let encoder = [
    BenchCase(
      name: "minilm_embed B=32 L=128",
      work: {
        let (tokens, length, width) = (32.0 * 128, 128.0, 384.0)
        // Six layers of 12 width² multiplications a token, and the two products of attention.
        return Work(flops: 6 * tokens * (2 * 12 * width * width + 4 * length * width), level: .l3)
      }()
    ) {
      let shape = EncoderShape(
        width: 384, heads: 12, inner: 1536, layers: 6, vocabulary: 30522, positions: 512)
      func numbers(_ count: Int, _ seed: UInt64, scale: Float = 0.03) throws -> [Float] {
        try Floats(normal: count, seed: seed, scale: scale).array
      }
      let (ones, zeros) = ([Float](repeating: 1, count: 384), [Float](repeating: 0, count: 384))
      let layers = try (1...6).map { layer in
        try EncoderLayer(
          queryKeyValue: numbers(3 * 384 * 384, layer), queryKeyValueBias: numbers(3 * 384, layer),
          output: numbers(384 * 384, layer + 10), outputBias: zeros, attentionNormScale: ones,
          attentionNormShift: zeros, up: numbers(1536 * 384, layer + 20), upBias: numbers(1536, layer),
          down: numbers(384 * 1536, layer + 30), downBias: zeros, normScale: ones, normShift: zeros)
      }
      let network = try EncoderNetwork(
        shape, words: numbers(30522 * 384, 50), positions: numbers(512 * 384, 51), normScale: ones,
        normShift: zeros, layers: layers)
      let tokens = try Buffer<UInt32>(below: 20000, count: 32 * 128).array
      let offsets = (0...32).map { UInt32($0 * 128) }
      return { _ = try network.encode(tokens: tokens, offsets: offsets, pooling: .mean, normalise: true) }
    }
  ]
}
