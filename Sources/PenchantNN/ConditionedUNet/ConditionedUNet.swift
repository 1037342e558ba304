import PenchantKernels
import PenchantTape

/// The U-shaped network of latent diffusion (Rombach et al. 2022, Podell et al. 2023) and of DDPM (Ho et al.
/// 2020), block by block as it is published: the sides halve by convolutions, every result of the way down is
/// joined on the way up, and the pixels attend to each other and to a context.
///
/// What a network is told besides the time is a class: its context, the vector that is added and its row of a
/// table are rows of the parameters `context.tokens` and `context.added`, which no training changes, and
/// `class_embedding`. The last row of each stands for "no class".
///
/// Parameters: `conv_in`, `time_embedding`, `add_embedding`, `class_embedding`, `down_blocks.L` with
/// `resnets.B`, `attentions.B` and `downsamplers.0.conv`, `mid_block` with `resnets.B` and `attentions.0`,
/// `up_blocks.L` (coarsest first) with `upsamplers.0.conv`, `conv_norm_out`, `conv_out`.
public struct ConditionedUNet: Sendable, Equatable {
  enum Attention: Sendable, Equatable {
    case pixels(PictureAttention)
    case context(ContextTransformer)
  }

  struct Stage: Sendable, Equatable {
    let block: ResidualBlock
    let attention: Attention?

    func callAsFunction(_ x: Tensor, embedding: Tensor, context: Tensor?) -> Tensor {
      let y = block(x, embedding: embedding)
      switch (attention, context) {
      case (.pixels(let attention)?, _): return attention(y)
      case (.context(let transformer)?, let context?): return transformer(y, context: context)
      case (.context?, nil):
        return x.tape.refuse("ConditionedUNet", "a level reads a context, and there is none")
      case (nil, _): return y
      }
    }
  }

  public let configuration: ConditionedUNetConfiguration
  public let time: TimeEmbedding
  /// Contexts of the classes, `[rows, places · context]`.
  public let tokens: Parameter?
  /// Added vectors of the classes, `[rows, added]`.
  public let added: Parameter?
  /// `[rows, embedding]`.
  public let labels: Embedding?
  let adding: MLP?
  let input: Conv2D
  let down: [[Stage]]
  let halving: [Conv2D]
  let middle: [Stage]
  /// From the smallest level to the largest, like `doubling`.
  let up: [[Stage]]
  let doubling: [Conv2D]
  let norm: GroupNorm
  let output: Conv2D

  /// - Throws: `TapeError.parameter` with what the configuration should be.
  public init(
    _ configuration: ConditionedUNetConfiguration, in layout: inout ParameterLayout
  ) throws(TapeError) {
    if let problem = configuration.problem { throw .parameter(name: "ConditionedUNet", detail: problem) }
    let c = configuration
    self.configuration = c
    tokens =
      c.context > 0
      ? layout.add(
        "context.tokens", [c.rows, c.places * c.context], .zeros, decays: false, isTrainable: false) : nil
    added =
      c.added > 0
      ? layout.add("context.added", [c.rows, c.added], .zeros, decays: false, isTrainable: false) : nil
    input = Conv2D(c.channels, c.widths[0], named: "conv_in", in: &layout)
    time = TimeEmbedding(
      c.widths[0], outputs: c.embedding, shift: c.timeShift, cosineFirst: c.cosineFirst,
      named: "time_embedding", in: &layout)
    labels = c.hasLabels ? Embedding(c.rows, c.embedding, named: "class_embedding", in: &layout) : nil
    adding =
      c.added > 0
      ? MLP([c.added, c.embedding, c.embedding], activation: .silu, named: "add_embedding", in: &layout)
      : nil

    /// Stage `b` of the block `place`.
    func stage(
      _ inputs: Int, level: Int, _ kind: ConditionedUNetConfiguration.Attention, _ place: String, _ b: Int,
      _ layout: inout ParameterLayout
    ) -> Stage {
      let outputs = c.widths[level]
      let block = ResidualBlock(
        inputs, outputs, embedding: c.embedding, groups: c.groups, epsilon: c.epsilon,
        conditioning: c.scalesAndShifts ? .film : .sum, named: "\(place).resnets.\(b)", in: &layout)
      let name = "\(place).attentions.\(b)"
      let attention: Attention?
      switch kind {
      case .none: attention = nil
      case .pixels:
        attention = .pixels(
          PictureAttention(
            outputs, heads: c.heads[level], groups: c.groups, epsilon: c.epsilon, named: name, in: &layout))
      case .context:
        attention = .context(
          ContextTransformer(
            outputs, context: c.context, heads: c.heads[level], depth: c.depths[level], groups: c.groups,
            named: name, in: &layout))
      }
      return Stage(block: block, attention: attention)
    }

    var width = c.widths[0]
    var skips = [width]
    let last = c.widths.count - 1
    var levels: [[Stage]] = []
    var convolutions: [Conv2D] = []
    for level in c.widths.indices {
      var stages: [Stage] = []
      for b in 0..<c.blocks[level] {
        stages.append(stage(width, level: level, c.down[level], "down_blocks.\(level)", b, &layout))
        width = c.widths[level]
        skips.append(width)
      }
      levels.append(stages)
      if level < last {
        convolutions.append(
          Conv2D(
            width, width, stride: 2, padding: c.padsAfter ? 0 : 1,
            named: "down_blocks.\(level).downsamplers.0.conv", in: &layout))
        skips.append(width)
      }
    }
    (down, halving) = (levels, convolutions)

    var between: [Stage] = []
    for b in 0..<c.middleBlocks {
      between.append(stage(width, level: last, b == 0 ? c.middle : .none, "mid_block", b, &layout))
    }
    middle = between

    (levels, convolutions) = ([], [])
    for level in c.widths.indices.reversed() {
      let place = "up_blocks.\(last - level)"
      var stages: [Stage] = []
      for b in 0...c.blocks[level] {
        stages.append(stage(width + (skips.popLast() ?? 0), level: level, c.up[level], place, b, &layout))
        width = c.widths[level]
      }
      levels.append(stages)
      if level > 0 {
        convolutions.append(Conv2D(width, width, named: "\(place).upsamplers.0.conv", in: &layout))
      }
    }
    (up, doubling) = (levels, convolutions)
    norm = GroupNorm(
      width, groups: c.groups, silu: true, epsilon: c.epsilon, named: "conv_norm_out", in: &layout)
    output = Conv2D(width, c.channels, named: "conv_out", in: &layout)
  }

  /// Records the network.
  ///
  /// - Parameters:
  ///   - x: pictures `[batch, height, width, channels]`, or any shape of as many elements.
  ///   - waves: `[batch, widths[0]]`, from `time.waves`.
  ///   - ids: `[batch]`: classes, below `configuration.rows`; left out exactly when nothing depends on one.
  /// - Returns: the prediction, of the shape of `x`.
  public func callAsFunction(_ x: Tensor, waves: Tensor, classes ids: Ids? = nil) -> Tensor {
    let c = configuration
    let batch = waves.shape.extents.first ?? 0
    let pictures: Shape = [batch, c.height, c.width, c.channels]
    guard waves.shape == [batch, c.widths[0]], x.shape.count == pictures.count,
      ids.map({ $0.shape == [batch] && c.rows > 0 }) ?? (c.rows == 0)
    else {
      return x.tape.refuse(
        "ConditionedUNet",
        "pictures \(x.shape), waves \(waves.shape), classes \(ids.map { "\($0.shape)" } ?? "none"); expected "
          + "pictures \(pictures), waves [batch, \(c.widths[0])], classes \(c.rows > 0 ? "[batch]" : "none")"
      )
    }
    func row(_ table: Parameter?) -> Tensor? {
      guard let table, let ids else { return nil }
      return x.tape.parameter(table).embedding(ids)
    }
    var embedding = time(waves)
    if let labels, let ids { embedding = embedding + labels(ids) }
    if let adding, let added = row(added) { embedding = embedding + adding(added) }
    embedding = embedding.silu()
    let context = row(tokens)?.reshaped([batch, c.places, c.context])

    var h = input(x.reshaped(pictures))
    var skips = [h]
    for (level, stages) in down.enumerated() {
      for stage in stages {
        h = stage(h, embedding: embedding, context: context)
        skips.append(h)
      }
      if level < halving.count {
        h = halving[level](c.padsAfter ? padded(h) : h)
        skips.append(h)
      }
    }
    for stage in middle { h = stage(h, embedding: embedding, context: context) }
    for (place, stages) in up.enumerated() {
      for stage in stages {
        if let skip = skips.popLast() { h = h.joined(with: [skip]) }
        h = stage(h, embedding: embedding, context: context)
      }
      if place < doubling.count { h = doubling[place](h.upsampled()) }
    }
    return output(norm(h)).reshaped(x.shape)
  }

  /// A column and a row of zeros on the right and below.
  private func padded(_ x: Tensor) -> Tensor {
    var shape = x.shape.extents
    guard shape.count == 4 else { return x }
    func zeros(_ shape: [Int]) -> Tensor {
      let shape = Shape(shape)
      return x.tape.constant([Float](repeating: 0, count: shape.count), shape)
    }
    let wide = x.joined(with: [zeros([shape[0], shape[1], 1, shape[3]])], axis: 2)
    shape[2] += 1
    return wide.joined(with: [zeros([shape[0], 1, shape[2], shape[3]])], axis: 1)
  }
}
