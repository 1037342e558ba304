import PenchantKernels
import PreferenceModels

extension BenchCase {
  /// PrefPalette's preference model at full size: whole trainings of the pooled signed model by `fit` with the defaults,
  /// and utilities of 100,000 texts under 45 communities, at once and by 45 calls.
  ///
  /// A step reads 400 texts where they lie; keys and query are passed forward, and their gradients make twice the work.
  static let palette: [BenchCase] =
    [1, PrefPaletteConfiguration().run.epochs].map { epochs in
      let size = PaletteProblem.Size()
      let texts = 2 * Double(size.pairs * epochs)
      return BenchCase(
        name: "palette_train C=45 P=90000 K=19 m=64 epochs=\(epochs)",
        work: Work(
          flops: 2 * texts * size.flops, bytes: texts * size.bytes, level: .dram,
          exponentials: texts * size.tanhs)
      ) {
        var configuration = PrefPaletteConfiguration()
        configuration.run.epochs = epochs
        let (data, model) = (try PaletteProblem().data, try PrefPalette(configuration, seed: 1))
        return { _ = try model.fit(to: data) }
      }
    } + [scoring("multi", shared: true), scoring("loop", shared: false)]

  private static func scoring(_ name: String, shared: Bool) -> BenchCase {
    let size = PaletteProblem.Size()
    let (texts, communities) = (Double(size.texts), Double(size.communities))
    // Keys once a text, or once a text and community; a score is r products and sums; then a softmax.
    let softmaxes = communities * Double(size.attributes)
    let work =
      shared
      ? Work(
        flops: texts * (size.flops + 2 * (communities * (size.tanhs + Double(size.content)) + softmaxes)),
        bytes: texts * (size.bytes + 4 * communities), level: .dram,
        exponentials: texts * (size.tanhs + softmaxes))
      : Work(
        flops: texts * communities * size.flops, bytes: texts * communities * size.bytes, level: .dram,
        exponentials: texts * (communities * size.tanhs + softmaxes))
    return BenchCase(
      name: "palette_\(name) N=1e5 C=45 K=19 m=64",
      work: work
    ) {
      let texts = try PaletteProblem().texts()
      let (shape, count) = (size.shape, size.texts)
      let parameters = try Floats(normal: shape.count, seed: 9, scale: 0.2).array
      let utilities = try Floats(zeros: count * size.communities)
      let ids = try (0..<size.communities).map { community in
        try Buffer<UInt32>(shared ? 0 : count) { _ in UInt32(community) }
      }
      return {
        if shared {
          var out = utilities.storage.mutableSpan
          return try shape.utilities(texts, use: true, parameters: parameters.span, into: &out)
        }
        var alpha = MutableSpan<Float>()
        var kappa = MutableSpan<Float>()
        for (community, ids) in ids.enumerated() {
          var out = UnsafeMutableBufferPointer(
            rebasing: utilities.storage[community * count..<(community + 1) * count]
          ).mutableSpan
          try shape.utility(
            texts, community: ids.values.span, use: true, parameters: parameters.span, utility: &out,
            alpha: &alpha, kappa: &kappa)
        }
      }
    }
  }
}
