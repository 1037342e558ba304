import PenchantKernels
import PenchantTape

/// Times of a diffusion as vectors: sines and cosines (Ho et al. 2020), which are the graph's input, and two linear layers
/// with SiLU between them. Parameters: `name.0` and `name.1`, each with weight and bias.
public struct TimeEmbedding: Sendable, Equatable {
  /// Sines and cosines.
  public let width: Int
  public let period: Double
  /// Of the frequencies: 0 as in Stable Diffusion, 1 as in the first DDPM code.
  public let shift: Double
  public let cosineFirst: Bool
  public let network: MLP

  /// - Parameter outputs: width of the hidden layer and the result.
  public init(
    _ width: Int, outputs: Int, period: Double = 10_000, shift: Double = 0, cosineFirst: Bool = true,
    named name: String, in layout: inout ParameterLayout
  ) {
    self.width = width
    self.period = period
    self.shift = shift
    self.cosineFirst = cosineFirst
    network = MLP([width, outputs, outputs], activation: .silu, named: name, in: &layout)
  }

  /// The graph's input for a batch of times: `[times, width]`. Times are steps; negative ones and fractions are fine.
  ///
  /// - Throws: `KernelError` for a time that is not finite.
  public func waves(_ times: [Double]) throws(KernelError) -> [Float] {
    var waves = [Float](repeating: 0, count: times.count * width)
    var span = waves.mutableSpan
    try timeEmbedding(
      times.span, width: width, period: period, shift: shift, cosineFirst: cosineFirst, into: &span)
    return waves
  }

  /// From ``waves(_:)`` `[batch, width]` to `[batch, outputs]`.
  public func callAsFunction(_ waves: Tensor) -> Tensor { network(waves) }
}
