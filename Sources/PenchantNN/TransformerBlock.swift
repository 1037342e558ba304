import PenchantTape

/// Attention and a two-layer network, each with a residual and a norm before (pre) or after (post) it.
/// Parameters:
/// `name.attention`, `name.norm1`, `name.inner`, `name.outer`, `name.norm2`.
public struct TransformerBlock: Sendable, Equatable {
  public enum NormPlace: String, Sendable, Codable { case pre, post }

  public let attention: MultiHeadAttention
  public let norm1: LayerNorm
  public let norm2: LayerNorm
  public let inner: Linear
  public let outer: Linear
  public let activation: Activation
  public let place: NormPlace
  public let dropout: Float

  public init(
    _ width: Int, heads: Int, inner innerWidth: Int, causal: Bool, activation: Activation = .gelu,
    place: NormPlace = .pre, dropout: Float = 0, epsilon: Float = 1e-5, named name: String,
    in layout: inout ParameterLayout
  ) {
    norm1 = LayerNorm(width, epsilon: epsilon, named: "\(name).norm1", in: &layout)
    attention = MultiHeadAttention(
      width, heads: heads, causal: causal, named: "\(name).attention", in: &layout)
    norm2 = LayerNorm(width, epsilon: epsilon, named: "\(name).norm2", in: &layout)
    inner = Linear(width, innerWidth, named: "\(name).inner", in: &layout)
    outer = Linear(innerWidth, width, named: "\(name).outer", in: &layout)
    self.activation = activation
    self.place = place
    self.dropout = dropout
  }

  /// - Parameter mask: `[batch, length]`, 1 keeps a position.
  public func callAsFunction(_ x: Tensor, mask: Mask? = nil) -> Tensor {
    self(x) { attention($0, mask: mask) }
  }

  /// The same over rows `[rows, width]` of packed sequences.
  public func callAsFunction(_ x: Tensor, packing: Packing) -> Tensor {
    self(x) { attention($0, packing: packing) }
  }

  /// The same around another attention: `attend` is given what the block's own would read, `[…, width]`.
  public func callAsFunction(_ x: Tensor, attending attend: (Tensor) -> Tensor) -> Tensor {
    switch place {
    case .pre:
      let middle = x + attend(norm1(x)).dropout(dropout)
      return middle + feedForward(norm2(middle)).dropout(dropout)
    case .post:
      let middle = norm1(x + attend(x).dropout(dropout))
      return norm2(middle + feedForward(middle).dropout(dropout))
    }
  }

  private func feedForward(_ x: Tensor) -> Tensor { outer(inner(x).applying(activation).dropout(dropout)) }
}
