import PenchantTape

/// Group norm of pictures (Wu & He 2018), with SiLU behind it when asked for. Parameters: `name.weight` and `name.bias`
/// `[channels]`.
public struct GroupNorm: Sendable, Equatable {
  public let scale: Parameter
  public let shift: Parameter
  public let groups: Int
  public let silu: Bool
  public let epsilon: Float

  public init(
    _ channels: Int, groups: Int, silu: Bool = false, epsilon: Float = 1e-5, named name: String,
    in layout: inout ParameterLayout
  ) {
    scale = layout.add("\(name).weight", [channels], .constant(1), decays: false)
    shift = layout.add("\(name).bias", [channels], .zeros, decays: false)
    self.groups = groups
    self.silu = silu
    self.epsilon = epsilon
  }

  /// - Parameter film: `[batch, 2 · channels]`: a scale (from 1) and a shift a picture, before SiLU.
  public func callAsFunction(_ x: Tensor, film: Tensor? = nil) -> Tensor {
    x.groupNorm(
      groups: groups, scale: x.tape.parameter(scale), shift: x.tape.parameter(shift), film: film, silu: silu,
      epsilon: epsilon)
  }
}
