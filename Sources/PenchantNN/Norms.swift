import PenchantTape

/// Layer normalisation over the last axis (Ba et al. 2016). Parameters: `name.weight` and `name.bias`
/// `[width]`.
public struct LayerNorm: Sendable, Equatable {
  public let scale: Parameter
  public let shift: Parameter
  public let epsilon: Float

  public init(_ width: Int, epsilon: Float = 1e-5, named name: String, in layout: inout ParameterLayout) {
    scale = layout.add("\(name).weight", [width], .constant(1), decays: false)
    shift = layout.add("\(name).bias", [width], .zeros, decays: false)
    self.epsilon = epsilon
  }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    x.layerNorm(scale: x.tape.parameter(scale), shift: x.tape.parameter(shift), epsilon: epsilon)
  }
}

/// Root-mean-square normalisation over the last axis (Zhang & Sennrich 2019). Parameter: `name.weight`
/// `[width]`.
public struct RMSNorm: Sendable, Equatable {
  public let scale: Parameter
  public let epsilon: Float

  public init(_ width: Int, epsilon: Float = 1e-6, named name: String, in layout: inout ParameterLayout) {
    scale = layout.add("\(name).weight", [width], .constant(1), decays: false)
    self.epsilon = epsilon
  }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    x.rmsNorm(scale: x.tape.parameter(scale), epsilon: epsilon)
  }
}

/// Dropout (Srivastava et al. 2014), at rest outside training.
public struct Dropout: Sendable, Equatable {
  public let probability: Float
  public init(_ probability: Float) { self.probability = probability }
  public func callAsFunction(_ x: Tensor) -> Tensor { x.dropout(probability) }
}
