import PenchantTape

/// A residual block of pictures as in guided diffusion (Dhariwal & Nichol 2021): norm, SiLU, convolution, twice; the second
/// norm is scaled and shifted by the embedding. Parameters: `name.norm1`, `name.conv1`, `name.film`, `name.norm2`,
/// `name.conv2` and, where the channels change, `name.skip`.
public struct ResidualBlock: Sendable, Equatable {
  public let norm1: GroupNorm
  public let conv1: Conv2D
  public let film: Linear
  public let norm2: GroupNorm
  public let conv2: Conv2D
  public let skip: Linear?
  public let dropout: Float

  /// - Parameter embedding: width of what scales and shifts.
  public init(
    _ inputs: Int, _ outputs: Int, embedding: Int, groups: Int, dropout: Float = 0, named name: String,
    in layout: inout ParameterLayout
  ) {
    norm1 = GroupNorm(inputs, groups: groups, silu: true, named: "\(name).norm1", in: &layout)
    conv1 = Conv2D(inputs, outputs, named: "\(name).conv1", in: &layout)
    film = Linear(embedding, 2 * outputs, named: "\(name).film", in: &layout)
    norm2 = GroupNorm(outputs, groups: groups, silu: true, named: "\(name).norm2", in: &layout)
    conv2 = Conv2D(outputs, outputs, named: "\(name).conv2", in: &layout)
    skip = inputs == outputs ? nil : Linear(inputs, outputs, named: "\(name).skip", in: &layout)
    self.dropout = dropout
  }

  /// - Parameters:
  ///   - x: `[batch, height, width, inputs]`.
  ///   - embedding: `[batch, embedding]`, behind its activation.
  public func callAsFunction(_ x: Tensor, embedding: Tensor) -> Tensor {
    let inner = conv1(norm1(x))
    let outer = norm2(inner, film: film(embedding)).dropout(dropout)
    return conv2(outer, adding: skip.map { $0(x) } ?? x)
  }
}
