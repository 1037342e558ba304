import PenchantTape

/// Attention between the pixels of each picture (Ho et al. 2020): `x + out(attention(norm(x)))`. Parameters: `name.norm`,
/// `name.qkv`, `name.out`, each with weight and bias.
public struct PictureAttention: Sendable, Equatable {
  public let norm: GroupNorm
  public let attention: MultiHeadAttention

  /// - Parameter epsilon: of the norm.
  public init(
    _ channels: Int, heads: Int, groups: Int, epsilon: Float = 1e-5, named name: String,
    in layout: inout ParameterLayout
  ) {
    norm = GroupNorm(channels, groups: groups, epsilon: epsilon, named: "\(name).norm", in: &layout)
    attention = MultiHeadAttention(channels, heads: heads, causal: false, named: name, in: &layout)
  }

  /// `[batch, height, width, channels]`, and the same back.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    let shape = x.shape.extents
    guard shape.count == 4 else {
      return x.tape.refuse(
        "PictureAttention", "pictures are [batch, height, width, channels], not \(x.shape)")
    }
    let pixels: Shape = [shape[0], shape[1] * shape[2], shape[3]]
    return x + attention(norm(x).reshaped(pixels)).reshaped(x.shape)
  }
}

/// Attention of pixels, or of other rows, to a context such as the tokens of a prompt (Vaswani et al. 2017, Rombach et al.
/// 2022). Parameters: `name.query`, `name.key`, `name.value` without bias, `name.out` with one.
public struct CrossAttention: Sendable, Equatable {
  public let query: Linear
  public let key: Linear
  public let value: Linear
  public let output: Linear
  public let heads: Int

  /// - Parameters:
  ///   - width: of the rows that ask, a multiple of `heads`.
  ///   - context: width of the context's rows.
  public init(
    _ width: Int, context: Int, heads: Int, named name: String, in layout: inout ParameterLayout
  ) {
    query = Linear(width, width, named: "\(name).query", in: &layout, bias: false)
    key = Linear(context, width, named: "\(name).key", in: &layout, bias: false)
    value = Linear(context, width, named: "\(name).value", in: &layout, bias: false)
    output = Linear(width, width, named: "\(name).out", in: &layout)
    self.heads = heads
  }

  /// Rows `[batch, length, width]` and a context `[batch, places, context]`; gives `[batch, length, width]`.
  public func callAsFunction(_ x: Tensor, context: Tensor) -> Tensor {
    output(query(x).crossAttention(keys: key(context), values: value(context), heads: heads))
  }
}
