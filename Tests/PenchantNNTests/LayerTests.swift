import PenchantKernels
import PenchantNN
import PenchantTape
import TapeSupport
import TestSupport
import Testing

/// Layers: what they register, and that their graphs and gradients agree with Double.
struct LayerTests {
  @Test func linearAndNetwork() throws {
    try checkLayers("Linear") { Linear(5, 3, named: "l", in: &$1)($0.input([4, 5])) }
    try checkLayers("Linear without bias") {
      Linear(5, 3, named: "l", in: &$1, bias: false)($0.input([2, 4, 5]))
    }
    try checkLayers("MLP") { MLP([5, 7, 6, 2], activation: .silu, named: "m", in: &$1)($0.input([4, 5])) }
  }

  @Test func normsAndEmbedding() throws {
    try checkLayers("LayerNorm") { LayerNorm(8, named: "n", in: &$1)($0.input([4, 8])) }
    try checkLayers("RMSNorm") { RMSNorm(8, named: "n", in: &$1)($0.input([4, 8])) }
    try checkLayers("Embedding") { Embedding(9, 4, named: "e", in: &$1)($0.ids([3, 5], below: 9)) }
    try checkLayers("ScoreHead") { ScoreHead(8, named: "s", in: &$1)($0.input([4, 8])) }
  }

  @Test(arguments: [TransformerBlock.NormPlace.pre, .post], [true, false])
  func transformerBlock(_ place: TransformerBlock.NormPlace, _ causal: Bool) throws {
    try checkLayers("TransformerBlock, \(place), causal \(causal)") { graph, layout in
      let block = TransformerBlock(
        8, heads: 2, inner: 12, causal: causal, place: place, named: "b", in: &layout)
      return block(graph.input([2, 5, 8]), mask: causal ? nil : graph.mask([2, 5]))
    }
  }

  @Test func attributeAttention() throws {
    try checkLayers("AttributeAttention") { graph, layout in
      let attention = AttributeAttention(queries: 3, rank: 4, width: 6, named: "a", in: &layout)
      return attention(graph.input([5, 4, 6]), queries: graph.ids([5], below: 3), mask: graph.mask([5, 4]))
        .pooled
    }
  }

  @Test func namesAreThoseOfFiles() {
    var layout = ParameterLayout()
    _ = TransformerBlock(8, heads: 2, inner: 12, causal: true, named: "blocks.0", in: &layout)
    #expect(
      layout.entries.map(\.parameter.name) == [
        "blocks.0.norm1.weight", "blocks.0.norm1.bias", "blocks.0.attention.qkv.weight",
        "blocks.0.attention.qkv.bias",
        "blocks.0.attention.out.weight", "blocks.0.attention.out.bias", "blocks.0.norm2.weight",
        "blocks.0.norm2.bias",
        "blocks.0.inner.weight", "blocks.0.inner.bias", "blocks.0.outer.weight", "blocks.0.outer.bias",
      ])
    #expect(
      layout.entries.filter { !$0.decays }.map(\.parameter.name).allSatisfy {
        $0.contains("norm") || $0.hasSuffix("bias")
      })
    #expect(layout.entries.allSatisfy { $0.parameter.offset % 16 == 0 })
  }

  @Test func twoLayersOfOneNameAreRefused() {
    var layout = ParameterLayout()
    _ = Linear(3, 3, named: "same", in: &layout)
    _ = Linear(3, 3, named: "same", in: &layout)
    #expect(throws: TapeError.self) { try ParameterStore(layout) }
  }

  /// A model of the whole length: tied catalogue, two blocks, dropout; its loss falls and inference agrees
  /// with training.
  @Test func sequenceModelLearnsToRepeat() throws {
    var layout = ParameterLayout()
    let items = Embedding(20, 16, named: "items", in: &layout, initializer: .normal(deviation: 0.2))
    let places = layout.add("places", [6, 16], .normal(deviation: 0.1))
    let blocks = (0..<2).map {
      TransformerBlock(
        16, heads: 2, inner: 16, causal: true, dropout: 0.05, named: "blocks.\($0)", in: &layout)
    }
    let norm = LayerNorm(16, named: "norm", in: &layout)
    let store = try ParameterStore(layout, seed: 3)
    let tape = Tape()
    let history = tape.ids("history", [32, 6])
    let next = tape.ids("next", [32, 6])
    var x = items(history) + tape.parameter(places)
    for block in blocks { x = block(x) }
    let hidden = norm(x)
    let loss = Loss.catalogueCrossEntropy(hidden: hidden, items: tape.parameter(items.weight), ids: next)
    let step = try TrainingStep(loss, optimizer: try Optimizer(.adam(0.01), for: store, seed: 5))
    var draw = Draw(testSeed)
    var losses: [Float] = []
    for _ in 0..<120 {
      let starts = (0..<32).map { _ in draw.below(20) }
      try step.set(history, to: starts.flatMap { start in (0..<6).map { UInt32((start + $0) % 20) } })
      try step.set(next, to: starts.flatMap { start in (1...6).map { UInt32((start + $0) % 20) } })
      losses.append(try step.run().loss)
    }
    #expect(losses[0] > 2.5 && losses[119] < 0.5, "from \(losses[0]) to \(losses[119])")
    let inference = try Inference([loss, hidden], on: store)
    try inference.set(history, to: [UInt32](repeating: 3, count: 32 * 6))
    try inference.set(next, to: [UInt32](repeating: 4, count: 32 * 6))
    try inference.run()
    #expect(try inference.values(of: hidden).allSatisfy(\.isFinite))
  }
}
