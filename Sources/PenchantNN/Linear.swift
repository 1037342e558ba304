import PenchantTape

/// `x weightᵀ + bias`. Parameters: `name.weight` `[outputs, inputs]`, `name.bias` `[outputs]`.
public struct Linear: Sendable, Equatable {
  public let weight: Parameter
  public let bias: Parameter?

  /// - Parameter initializer: of the weight; by default uniform with bound 1/√inputs, as the bias.
  public init(
    _ inputs: Int, _ outputs: Int, named name: String, in layout: inout ParameterLayout, bias: Bool = true,
    initializer: Initializer? = nil
  ) {
    weight = layout.add("\(name).weight", [outputs, inputs], initializer ?? .fanIn(inputs))
    self.bias = bias ? layout.add("\(name).bias", [outputs], .fanIn(inputs), decays: false) : nil
  }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    x.linear(x.tape.parameter(weight), bias: bias.map(x.tape.parameter))
  }
}
