import PenchantKernels
import PenchantNN
import PenchantTape
import TapeSupport
import TestSupport
import Testing

struct UNetTests {
  @Test func layersOfPictures() throws {
    try checkLayers("Conv2D") { Conv2D(3, 4, named: "c", in: &$1)($0.input([2, 5, 5, 3])) }
    try checkLayers("Conv2D with a stride") {
      Conv2D(3, 4, stride: 2, named: "c", in: &$1, bias: false)($0.input([2, 6, 6, 3]))
    }
    try checkLayers("GroupNorm") {
      GroupNorm(6, groups: 3, silu: true, named: "n", in: &$1)(
        $0.input([2, 3, 3, 6]), film: $0.input([2, 12]))
    }
    try checkLayers("TimeEmbedding") { TimeEmbedding(6, outputs: 5, named: "t", in: &$1)($0.input([3, 6])) }
    try checkLayers("PictureAttention") {
      PictureAttention(8, heads: 2, groups: 2, named: "a", in: &$1)($0.input([2, 3, 3, 8]))
    }
    try checkLayers("CrossAttention") {
      CrossAttention(8, context: 5, heads: 2, named: "a", in: &$1)(
        $0.input([2, 6, 8]), context: $0.input([2, 3, 5]))
    }
    try checkLayers("ResidualBlock") {
      ResidualBlock(4, 6, embedding: 5, groups: 2, named: "r", in: &$1)(
        $0.input([2, 4, 4, 4]), embedding: $0.input([2, 5]))
    }
  }

  @Test(.enabled(if: isOptimised, "runs in release")) func gradientOfTheWholeNetwork() throws {
    let small = UNetConfiguration(
      size: 4, channels: 2, widths: [4, 6], attention: [2], middleBlocks: 1, heads: 2, groups: 2, waves: 4,
      embedding: 6, classes: 3)
    try checkLayers("UNet") { graph, layout in
      let network = try UNet(small, in: &layout)
      return network(
        graph.input([2 * 16, 2]), waves: graph.input([2, 4]), classes: graph.ids([2], below: 4))
    }
    var free = small
    free.classes = 0
    free.blocks = 2
    try checkLayers("UNet without classes") { graph, layout in
      let network = try UNet(free, in: &layout)
      return network(graph.input([16, 2]), waves: graph.input([1, 4]))
    }
  }

  @Test func digitsHaveTheSizeOfTheReference() throws {
    var layout = ParameterLayout()
    _ = try UNet(.digits, in: &layout)
    let count = layout.entries.reduce(0) { $0 + $1.parameter.count }
    #expect(abs(count - 112_641) < 112_641 / 20, "\(count) parameters")
  }

  @Test func itStartsByPredictingNothing() throws {
    var layout = ParameterLayout()
    let network = try UNet(.digits, in: &layout)
    let store = try ParameterStore(layout, seed: 4)
    let tape = Tape()
    let (x, waves, ids) = (tape.input("x", [3 * 64, 1]), tape.input("t", [3, 16]), tape.ids("c", [3]))
    let y = network(x, waves: waves, classes: ids)
    let inference = try Inference([y], on: store)
    var draw = Draw(testSeed)
    try inference.set(x, to: draw.floats(192))
    try inference.set(waves, to: network.time.waves([0, 500, 999]))
    try inference.set(ids, to: [3, network.noClass, 9])
    try inference.run()
    #expect(try inference.values(of: y).allSatisfy { $0 == 0 })
  }

  /// Learns to tell the noise from two kinds of pictures; the same bits for any number of threads, and a picture's
  /// prediction does not depend on its batch.
  @Test func itLearnsToPredictNoise() throws {
    func train(threads: Int) throws -> (losses: [Float], store: ParameterStore, network: UNet) {
      try Team.with(threads: threads) { () throws in
        var layout = ParameterLayout()
        let network = try UNet(.digits, in: &layout)
        let store = try ParameterStore(layout, seed: 3)
        let tape = Tape()
        let batch = 16
        let (x, target) = (tape.input("x", [batch * 64, 1]), tape.input("noise", [batch * 64, 1]))
        let (waves, ids) = (tape.input("t", [batch, 16]), tape.ids("c", [batch]))
        let loss = Loss.meanSquaredError(network(x, waves: waves, classes: ids), target: target)
        let step = try TrainingStep(loss, optimizer: try Optimizer(.adam(0.003), for: store, seed: 5))
        var draw = Draw(testSeed)
        var losses: [Float] = []
        for _ in 0..<60 {
          let classes = (0..<batch).map { _ in UInt32(draw.below(2)) }
          let noise = draw.floats(batch * 64, -1.7...1.7)
          let clean: [Float] = classes.flatMap { c in
            (0..<64).map { pixel in (pixel / 8 + pixel * Int(c)) % 2 == 0 ? 1 : -1 }
          }
          try step.set(x, to: zip(clean, noise).map { (a: Float, b: Float) in 0.6 * a + 0.8 * b })
          try step.set(target, to: noise)
          try step.set(waves, to: network.time.waves([Double](repeating: 400, count: batch)))
          try step.set(ids, to: classes)
          losses.append(try step.run().loss)
        }
        return (losses, store, network)
      }
    }
    let (losses, store, network) = try train(threads: 1)
    #expect(losses[0] > 0.8 && losses[59] < 0.3, "from \(losses[0]) to \(losses[59])")
    #expect(bits(try train(threads: 3).losses) == bits(losses))

    func predict(_ pixels: [Float], _ times: [Double], _ classes: [UInt32]) throws -> [Float] {
      let tape = Tape()
      let x = tape.input("x", [pixels.count, 1])
      let (waves, ids) = (tape.input("t", [times.count, 16]), tape.ids("c", [classes.count]))
      let y = network(x, waves: waves, classes: ids)
      let inference = try Inference([y], on: store)
      try inference.set(x, to: pixels)
      try inference.set(waves, to: network.time.waves(times))
      try inference.set(ids, to: classes)
      try inference.run()
      return try inference.values(of: y)
    }
    var draw = Draw(testSeed &+ 1)
    let pixels = draw.floats(5 * 64)
    let (times, classes): ([Double], [UInt32]) = ([0, 10, 400, 700, -20], [0, 1, 10, 1, 0])
    let together = try predict(pixels, times, classes)
    for p in 0..<5 {
      let alone = try predict(Array(pixels[p * 64..<(p + 1) * 64]), [times[p]], [classes[p]])
      let mine = together[p * 64..<(p + 1) * 64]
      #expect(zip(alone, mine).allSatisfy { abs($0 - $1) <= 1e-5 * max(1, abs($1)) })
    }
  }

  @Test func configurationsThatCannotBeAreNamed() {
    func problem(_ change: (inout UNetConfiguration) -> Void) -> String {
      var configuration = UNetConfiguration.digits
      change(&configuration)
      var layout = ParameterLayout()
      do {
        _ = try UNet(configuration, in: &layout)
        return ""
      } catch { return "\(error)" }
    }
    #expect(UNetConfiguration.digits.problem == nil && UNetConfiguration.mnist.problem == nil)
    #expect(problem { $0.size = 9 }.contains("size 9"))
    #expect(problem { $0.size = 0 }.contains("size is 0"))
    #expect(problem { $0.widths = [] }.contains("widths has 0"))
    #expect(problem { $0.widths = [16, 20] }.contains("width 20"))
    #expect(problem { $0.heads = 3 }.contains("heads (3)"))
    #expect(problem { $0.groups = 0 }.contains("groups is 0"))
    #expect(problem { $0.attention = [5] }.contains("attention at 5"))
    #expect(problem { $0.waves = 1 }.contains("waves is 1"))
    #expect(problem { $0.classes = -1 }.contains("classes is -1"))
    #expect(problem { $0.dropout = 1 }.contains("dropout is 1"))
    #expect(problem { $0.dropout = .nan }.contains("dropout is nan"))
  }

  @Test func inputsThatDoNotFitAreNamed() throws {
    var layout = ParameterLayout()
    let network = try UNet(.digits, in: &layout)
    #expect(
      refusal { network($0.input("x", [64, 1]), waves: $0.input("t", [1, 16])) }.contains("classes none"))
    #expect(
      refusal { network($0.input("x", [63, 1]), waves: $0.input("t", [1, 16]), classes: $0.ids("c", [1])) }
        .contains("[63, 1]"))
    #expect(
      refusal { network($0.input("x", [64, 1]), waves: $0.input("t", [1, 8]), classes: $0.ids("c", [1])) }
        .contains("[1, 8]"))
    #expect(
      refusal { network($0.input("x", [64, 1]), waves: $0.input("t", [1, 16]), classes: $0.ids("c", [2])) }
        .contains("[2]"))
  }
}
