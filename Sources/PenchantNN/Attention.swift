import PenchantTape

/// Multi-head self-attention (Vaswani et al. 2017) over `[batch, length, width]`. Parameters: `name.qkv`
/// (one projection to
/// queries, keys and values) and `name.out`, each with weight and bias.
public struct MultiHeadAttention: Sendable, Equatable {
  public let projection: Linear
  public let output: Linear
  public let heads: Int
  public let causal: Bool

  /// - Parameters:
  ///   - bias: of both linear maps.
  ///   - projectionBias: of the first one alone, where it differs from that of the second.
  public init(
    _ width: Int, heads: Int, causal: Bool, named name: String, in layout: inout ParameterLayout,
    bias: Bool = true, projectionBias: Bool? = nil
  ) {
    projection = Linear(width, 3 * width, named: "\(name).qkv", in: &layout, bias: projectionBias ?? bias)
    output = Linear(width, width, named: "\(name).out", in: &layout, bias: bias)
    self.heads = heads
    self.causal = causal
  }

  /// - Parameter mask: `[batch, length]`, 1 keeps a position.
  public func callAsFunction(_ x: Tensor, mask: Mask? = nil) -> Tensor {
    output(projection(x).attention(heads: heads, mask: mask, causal: causal))
  }

  /// The same over rows `[rows, width]` of packed sequences.
  public func callAsFunction(_ x: Tensor, packing: Packing) -> Tensor {
    output(projection(x).attention(heads: heads, packing: packing, causal: causal))
  }
}

/// Attention of learned queries over attribute vectors, additive as in PrefPalette (Li et al. 2025).
/// Parameters: `name.query`
/// `[queries, rank]`, `name.key` `[rank, width]`, `name.bias` and `name.score` `[rank]`.
public struct AttributeAttention: Sendable, Equatable {
  public let query: Parameter
  public let key: Parameter
  public let bias: Parameter
  public let score: Parameter

  public init(
    queries: Int, rank: Int, width: Int, named name: String, in layout: inout ParameterLayout
  ) {
    query = layout.add("\(name).query", [queries, rank], .glorot(queries, rank))
    key = layout.add("\(name).key", [rank, width], .fanIn(width))
    bias = layout.add("\(name).bias", [rank], .zeros, decays: false)
    score = layout.add("\(name).score", [rank], .fanIn(rank))
  }

  /// Attributes `[texts, attributes, width]` and the query of each text.
  public func callAsFunction(
    _ attributes: Tensor, queries ids: Ids, mask: Mask? = nil
  ) -> (pooled: Tensor, weights: Tensor) {
    let tape = attributes.tape
    return attributes.attributeAttention(
      queries: tape.parameter(query), ids: ids, mask: mask,
      score: .additive(key: tape.parameter(key), bias: tape.parameter(bias), score: tape.parameter(score)))
  }
}
