import PenchantKernels
import PenchantTape

/// A U-shaped network that predicts the noise in pictures (Ronneberger et al. 2015, Ho et al. 2020), conditioned on a time
/// and, when the configuration has classes, on a class: their embeddings scale and shift every residual block.
///
/// A level of the way down is residual blocks, with attention where the configuration asks for it, then half the size by
/// averages. The way up joins what the same level had on the way down. The last convolution starts at zero.
///
/// Parameters: `name.time`, `name.class`, `name.in`, `name.down.L.B`, `name.middle.B`, `name.up.L.B` with `.block` and
/// `.attention`, `name.up.L.conv`, `name.norm`, `name.out`.
public struct UNet: Sendable, Equatable {
  /// A residual block and the attention behind it.
  struct Stage: Sendable, Equatable {
    let block: ResidualBlock
    let attention: PictureAttention?

    func callAsFunction(_ x: Tensor, embedding: Tensor) -> Tensor {
      let y = block(x, embedding: embedding)
      return attention.map { $0(y) } ?? y
    }
  }

  public let configuration: UNetConfiguration
  public let time: TimeEmbedding
  /// `[classes + 1, embedding]`; the last row stands for no class.
  public let classes: Embedding?
  let input: Conv2D
  let down: [[Stage]]
  let middle: [Stage]
  /// From the smallest level to the largest, like `widening`.
  let up: [[Stage]]
  let widening: [Conv2D]
  let norm: GroupNorm
  let output: Conv2D

  /// - Throws: `TapeError.parameter` with what the configuration should be.
  public init(
    _ configuration: UNetConfiguration, named name: String = "unet", in layout: inout ParameterLayout
  ) throws(TapeError) {
    if let problem = configuration.problem { throw .parameter(name: name, detail: problem) }
    let c = configuration
    self.configuration = c
    time = TimeEmbedding(c.waves, outputs: c.embedding, named: "\(name).time", in: &layout)
    classes =
      c.classes > 0 ? Embedding(c.classes + 1, c.embedding, named: "\(name).class", in: &layout) : nil
    input = Conv2D(c.channels, c.widths[0], named: "\(name).in", in: &layout)

    func stage(
      _ inputs: Int, _ outputs: Int, attends: Bool, _ place: String, _ layout: inout ParameterLayout
    ) -> Stage {
      let block = ResidualBlock(
        inputs, outputs, embedding: c.embedding, groups: c.groups, dropout: c.dropout,
        named: "\(name).\(place).block", in: &layout)
      let attention =
        attends
        ? PictureAttention(
          outputs, heads: c.heads, groups: c.groups, named: "\(name).\(place).attention", in: &layout) : nil
      return Stage(block: block, attention: attention)
    }

    var width = c.widths[0]
    var skips: [Int] = []
    var levels: [[Stage]] = []
    for (level, next) in c.widths.enumerated() {
      var stages: [Stage] = []
      for b in 0..<c.blocks {
        stages.append(
          stage(width, next, attends: c.attention.contains(c.side(level)), "down.\(level).\(b)", &layout))
        width = next
        skips.append(width)
      }
      levels.append(stages)
    }
    down = levels
    var between: [Stage] = []
    for b in 0..<c.middleBlocks {
      between.append(stage(width, width, attends: b == 0, "middle.\(b)", &layout))
    }
    middle = between
    levels = []
    var convolutions: [Conv2D] = []
    for (level, next) in c.widths.enumerated().reversed() {
      var stages: [Stage] = []
      for b in 0..<c.blocks {
        let joined = width + (skips.popLast() ?? 0)
        stages.append(
          stage(joined, next, attends: c.attention.contains(c.side(level)), "up.\(level).\(b)", &layout))
        width = next
      }
      levels.append(stages)
      if level > 0 {
        convolutions.append(Conv2D(width, width, named: "\(name).up.\(level).conv", in: &layout))
      }
    }
    up = levels
    widening = convolutions
    norm = GroupNorm(width, groups: c.groups, silu: true, named: "\(name).norm", in: &layout)
    output = Conv2D(width, c.channels, named: "\(name).out", in: &layout, initializer: .zeros)
  }

  /// The id of "no class", for guidance without a classifier (Ho & Salimans 2022).
  public var noClass: UInt32 { UInt32(configuration.classes) }

  /// Records the network.
  ///
  /// - Parameters:
  ///   - x: `[batch · size · size, channels]`: pixels row by row, picture by picture; or any shape of as many elements.
  ///   - waves: `[batch, waves]`, from `time.waves`.
  ///   - ids: `[batch]`: classes, or ``noClass``; left out exactly when the configuration has none.
  /// - Returns: the noise, of the shape of `x`.
  public func callAsFunction(_ x: Tensor, waves: Tensor, classes ids: Ids? = nil) -> Tensor {
    let c = configuration
    let tape = x.tape
    let batch = waves.shape.extents.first ?? 0
    let pictures: Shape = [batch, c.size, c.size, c.channels]
    guard waves.shape == [batch, c.waves], x.shape.count == pictures.count,
      ids.map({ $0.shape == [batch] && c.classes > 0 }) ?? (c.classes == 0)
    else {
      return tape.refuse(
        "UNet",
        "pixels \(x.shape), waves \(waves.shape), classes \(ids.map { "\($0.shape)" } ?? "none"); expected pictures \(pictures), waves [batch, \(c.waves)], classes \(c.classes > 0 ? "[batch]" : "none")"
      )
    }
    var embedding = time(waves)
    if let classes, let ids { embedding = embedding + classes(ids) }
    embedding = embedding.silu()

    var h = input(x.reshaped(pictures))
    var skips: [Tensor] = []
    for (level, stages) in down.enumerated() {
      if level > 0 { h = h.downsampled() }
      for stage in stages {
        h = stage(h, embedding: embedding)
        skips.append(h)
      }
    }
    for stage in middle { h = stage(h, embedding: embedding) }
    for (place, stages) in up.enumerated() {
      for stage in stages {
        if let skip = skips.popLast() { h = h.joined(with: [skip]) }
        h = stage(h, embedding: embedding)
      }
      if place < widening.count { h = widening[place](h.upsampled()) }
    }
    return output(norm(h)).reshaped(x.shape)
  }
}
