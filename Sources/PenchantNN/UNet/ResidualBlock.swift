import PenchantTape

/// A residual block of pictures: norm, SiLU, convolution, twice. Time and class come in between: they scale
/// and shift the second norm (Dhariwal & Nichol 2021), or are added to what it reads (Ho et al. 2020).
/// Parameters: `name.norm1`, `name.conv1`, `name.film`, `name.norm2`, `name.conv2` and, where the channels
/// change, `name.skip`.
public struct ResidualBlock: Sendable, Equatable {
  /// What becomes of the embedding of time and class.
  public enum Conditioning: Sendable, Equatable {
    /// Behind the second norm: a scale from 1 and a shift of every channel.
    case film
    /// Before the second norm: a number that is added to every channel.
    case sum
  }

  public let norm1: GroupNorm
  public let conv1: Conv2D
  public let film: Linear
  public let norm2: GroupNorm
  public let conv2: Conv2D
  public let skip: Linear?
  public let conditioning: Conditioning
  public let dropout: Float

  /// - Parameters:
  ///   - embedding: width of what conditions.
  ///   - epsilon: of both norms.
  public init(
    _ inputs: Int, _ outputs: Int, embedding: Int, groups: Int, epsilon: Float = 1e-5,
    conditioning: Conditioning = .film, dropout: Float = 0, named name: String,
    in layout: inout ParameterLayout
  ) {
    norm1 = GroupNorm(
      inputs, groups: groups, silu: true, epsilon: epsilon, named: "\(name).norm1", in: &layout)
    conv1 = Conv2D(inputs, outputs, named: "\(name).conv1", in: &layout)
    film = Linear(
      embedding, conditioning == .film ? 2 * outputs : outputs, named: "\(name).film", in: &layout)
    norm2 = GroupNorm(
      outputs, groups: groups, silu: true, epsilon: epsilon, named: "\(name).norm2", in: &layout)
    conv2 = Conv2D(outputs, outputs, named: "\(name).conv2", in: &layout)
    skip = inputs == outputs ? nil : Linear(inputs, outputs, named: "\(name).skip", in: &layout)
    self.conditioning = conditioning
    self.dropout = dropout
  }

  /// - Parameters:
  ///   - x: `[batch, height, width, inputs]`.
  ///   - embedding: `[batch, embedding]`, behind its activation.
  public func callAsFunction(_ x: Tensor, embedding: Tensor) -> Tensor {
    let inner: Tensor
    switch conditioning {
    case .film: inner = norm2(conv1(norm1(x)), film: film(embedding))
    case .sum: inner = norm2(conv1(norm1(x), adding: Self.everywhere(film(embedding), in: x)))
    }
    return conv2(inner.dropout(dropout), adding: skip.map { $0(x) } ?? x)
  }

  /// Rows `[batch, channels]` at every pixel of pictures of the size of `x`: an outer product with ones.
  private static func everywhere(_ rows: Tensor, in x: Tensor) -> Tensor {
    guard x.shape.rank == 4, rows.shape.rank == 2 else {
      return x.tape.refuse("ResidualBlock", "pictures \(x.shape) and embedding \(rows.shape)")
    }
    let (p, channels) = (x.shape.extents, rows.shape.extents[1])
    let ones = x.tape.constant(
      [Float](repeating: 1, count: p[0] * p[1] * p[2]), [p[0], p[1] * p[2], 1])
    return ones.matmul(rows.reshaped([p[0], 1, channels])).reshaped([p[0], p[1], p[2], channels])
  }
}
