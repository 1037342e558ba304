import PenchantTape

/// Attention of the pixels to each other and to a context, and a gated network, each with a norm before it
/// and a residual (Rombach et al. 2022). Parameters: `name.norm1`, `name.attn1`, `name.norm2`, `name.attn2`,
/// `name.norm3`, `name.ff.inner`, `name.ff.outer`.
public struct ContextBlock: Sendable, Equatable {
  public let norm1: LayerNorm
  public let attention: MultiHeadAttention
  public let norm2: LayerNorm
  public let cross: CrossAttention
  public let norm3: LayerNorm
  /// To the hidden layer and its gate, side by side.
  public let inner: Linear
  public let outer: Linear

  /// - Parameters:
  ///   - width: of the rows, a multiple of `heads`; the hidden layer has four times as many.
  ///   - context: width of the context's rows.
  public init(
    _ width: Int, context: Int, heads: Int, named name: String, in layout: inout ParameterLayout
  ) {
    norm1 = LayerNorm(width, named: "\(name).norm1", in: &layout)
    attention = MultiHeadAttention(
      width, heads: heads, causal: false, named: "\(name).attn1", in: &layout, projectionBias: false)
    norm2 = LayerNorm(width, named: "\(name).norm2", in: &layout)
    cross = CrossAttention(width, context: context, heads: heads, named: "\(name).attn2", in: &layout)
    norm3 = LayerNorm(width, named: "\(name).norm3", in: &layout)
    inner = Linear(width, 8 * width, named: "\(name).ff.inner", in: &layout)
    outer = Linear(4 * width, width, named: "\(name).ff.outer", in: &layout)
  }

  /// Rows `[batch, length, width]` and a context `[batch, places, context]`; gives `[batch, length, width]`.
  public func callAsFunction(_ x: Tensor, context: Tensor) -> Tensor {
    let seen = x + attention(norm1(x))
    let told = seen + cross(norm2(seen), context: context)
    return told + outer(gated(inner(norm3(told))))
  }

  /// GEGLU (Shazeer 2020): the first half times GELU of the second.
  private func gated(_ both: Tensor) -> Tensor {
    let half = (both.shape.extents.last ?? 0) / 2
    return both.slice(axis: -1, from: 0, count: half) * both.slice(axis: -1, from: half, count: half).gelu()
  }
}

/// Blocks of attention over the pixels of pictures, between two linear maps, with a residual around all of
/// it. Parameters: `name.norm`, `name.proj_in`, `name.transformer_blocks.B`, `name.proj_out`.
public struct ContextTransformer: Sendable, Equatable {
  public let norm: GroupNorm
  public let input: Linear
  public let blocks: [ContextBlock]
  public let output: Linear

  public init(
    _ channels: Int, context: Int, heads: Int, depth: Int, groups: Int, named name: String,
    in layout: inout ParameterLayout
  ) {
    // The published networks use this epsilon here, whatever their other norms use.
    norm = GroupNorm(channels, groups: groups, epsilon: 1e-6, named: "\(name).norm", in: &layout)
    input = Linear(channels, channels, named: "\(name).proj_in", in: &layout)
    var blocks: [ContextBlock] = []
    for b in 0..<depth {
      blocks.append(
        ContextBlock(
          channels, context: context, heads: heads, named: "\(name).transformer_blocks.\(b)", in: &layout))
    }
    self.blocks = blocks
    output = Linear(channels, channels, named: "\(name).proj_out", in: &layout)
  }

  /// Pictures `[batch, height, width, channels]` and a context `[batch, places, context]`; gives pictures.
  public func callAsFunction(_ x: Tensor, context: Tensor) -> Tensor {
    let shape = x.shape.extents
    guard shape.count == 4 else {
      return x.tape.refuse(
        "ContextTransformer", "pictures are [batch, height, width, channels], not \(x.shape)")
    }
    var rows = input(norm(x).reshaped([shape[0], shape[1] * shape[2], shape[3]]))
    for block in blocks { rows = block(rows, context: context) }
    return x + output(rows).reshaped(x.shape)
  }
}
