import PenchantNN
import PenchantTape

extension BenchCase {
  /// Whole training steps: forward, backward, Adam over all parameters.
  static let training =
    [mlp(32), mlp(256), mlp(4096)]
    + [sasrec(3706, last: false), sasrec(50000, last: true), sasrec(50000, last: false)] + [denoiser]

  /// 256-512-512-1 with ReLU and binary cross-entropy.
  private static func mlp(_ batch: Int) -> BenchCase {
    let weights = 256.0 * 512 + 512 * 512 + 512
    return BenchCase(
      name: "mlp_step 256-512-512-1 B=\(batch)",
      // No gradient reaches the input; Adam does about twelve operations a parameter and moves 28 bytes.
      work: Work(
        flops: 2 * Double(batch) * (3 * weights - 256 * 512) + 12 * weights, bytes: 28 * weights, level: .l3)
    ) {
      var layout = ParameterLayout()
      let network = MLP([256, 512, 512, 1], named: "mlp", in: &layout)
      let store = try ParameterStore(layout, seed: 1)
      let tape = Tape()
      let x = tape.input("x", [batch, 256])
      let y = tape.input("y", [batch, 1])
      let loss = Loss.binaryCrossEntropy(logits: network(x), targets: y)
      let step = try TrainingStep(loss, optimizer: Optimizer(.adam(1e-3), for: store))
      try step.set(x, to: Floats(normal: batch * 256).array)
      try step.set(y, to: Buffer<UInt32>(below: 2, count: batch).array.map { Float($0) })
      return { try step.run() }
    }
  }

  /// Two causal blocks of width 64 with one head over 128 sequences of 50 items, tied item embeddings, softmax over the
  /// catalogue at every position or at the last.
  private static func sasrec(_ items: Int, last: Bool) -> BenchCase {
    let (batch, length, width) = (128, 50, 64)
    let tokens = Double(batch * length)
    let scored = last ? Double(batch) : tokens
    let d = Double(width)
    let layers = 2 * (2 * tokens * 6 * d * d + 2 * 2 * tokens * Double(length) * d)
    let table = Double(items) * d
    return BenchCase(
      name: "sasrec_step B=128 L=50 d=64 V=\(items) softmax=\(last ? "last" : "all")",
      work: Work(
        flops: 3 * (layers + 2 * scored * table) + 12 * table, bytes: 28 * table, level: .dram,
        exponentials: scored * Double(items))
    ) {
      var layout = ParameterLayout()
      let embedding = Embedding(items, width, named: "items", in: &layout)
      let places = layout.add("places", [length, width], .normal(deviation: 0.02))
      let blocks = (0..<2).map {
        TransformerBlock(
          width, heads: 1, inner: width, causal: true, activation: .relu, named: "block.\($0)", in: &layout)
      }
      let norm = LayerNorm(width, named: "norm", in: &layout)
      let store = try ParameterStore(layout, seed: 1)

      let tape = Tape()
      let history = tape.ids("history", [batch, length])
      let next = tape.ids("next", last ? [batch] : [batch, length])
      var hidden = embedding(history) + tape.parameter(places)
      for block in blocks { hidden = block(hidden) }
      let loss = Loss.catalogueCrossEntropy(
        hidden: norm(last ? hidden.at(axis: 1, -1) : hidden), items: tape.parameter(embedding.weight),
        ids: next)
      let step = try TrainingStep(loss, optimizer: Optimizer(.adam(1e-3), for: store))
      try step.set(history, to: Buffer<UInt32>(below: items, count: batch * length).array)
      try step.set(next, to: Buffer<UInt32>(below: items, count: Int(scored), seed: 2).array)
      return { try step.run() }
    }
  }

  /// A denoiser of points in the plane: 34-128-128-128-2 with SiLU, squared error.
  private static let denoiser: BenchCase = {
    let weights = 34.0 * 128 + 2 * 128 * 128 + 2 * 128
    return BenchCase(
      name: "denoiser_2d_train B=4096",
      work: Work(
        flops: 2 * 4096 * (3 * weights - 34 * 128), level: .l2, exponentials: 4096 * 128 * 3)
    ) {
      var layout = ParameterLayout()
      let network = MLP([34, 128, 128, 128, 2], activation: .silu, named: "denoiser", in: &layout)
      let store = try ParameterStore(layout, seed: 1)
      let tape = Tape()
      let point = tape.input("point", [4096, 2])
      let time = tape.input("time", [4096, 32])
      let target = tape.input("target", [4096, 2])
      let loss = Loss.meanSquaredError(network(point.joined(with: [time])), target: target)
      let step = try TrainingStep(loss, optimizer: Optimizer(.adam(1e-3), for: store))
      try step.set(point, to: Floats(normal: 4096 * 2).array)
      try step.set(time, to: Floats(normal: 4096 * 32, seed: 2).array)
      try step.set(target, to: Floats(normal: 4096 * 2, seed: 3).array)
      return { try step.run() }
    }
  }()
}
