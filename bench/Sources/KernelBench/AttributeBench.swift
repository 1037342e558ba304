import PenchantKernels

extension BenchCase {
  /// Forward and gradient of attribute attention: 65,536 texts with 19 attributes of width 64, 45 communities.
  static let attribute = [
    BenchCase(
      name: "attr_attention B=65536 A=19 d=64",
      work: {
        let (texts, attributes, width) = (65536.0, 19.0, 64.0)
        return Work(
          flops: texts * attributes * width * 2 * 5,
          // Read forward, read again for the gradient, gradient written; pooled out, upstream gradient in.
          bytes: 4 * (3 * texts * attributes * width + 2 * texts * width), level: .dram,
          exponentials: texts * attributes)
      }()
    ) {
      let (texts, attributes, width, queries) = (65536, 19, 64, 45)
      let vectors = try Floats(normal: texts * attributes * width)
      let gradient = try Floats(zeros: texts * attributes * width)
      let (upstream, pooled) = (try Floats(normal: texts * width, seed: 3), try Floats(zeros: texts * width))
      let community = try Buffer<UInt32>(below: queries, count: texts)
      let model = try AttributeAttention(
        attributes: attributes, width: width, score: .dot(scale: 0.125),
        queries: Floats(normal: queries * width, seed: 2).array)
      return {
        var texts = gradient.storage.mutableSpan
        var out = pooled.storage.mutableSpan
        _ = try model.poolGradient(
          vectors.values.span, ids: community.values.span, pooledGradient: upstream.values.span,
          textsGradient: &texts, pooled: &out)
      }
    }
  ]
}
