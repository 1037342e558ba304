import PenchantTape

/// Convolution of pictures `[batch, height, width, inputs]`. Parameters: `name.weight`
/// `[outputs, kernel, kernel, inputs]`, `name.bias` `[outputs]`.
public struct Conv2D: Sendable, Equatable {
  public let weight: Parameter
  public let bias: Parameter?
  public let stride: Int
  public let padding: Int

  /// - Parameters:
  ///   - padding: zeros on all sides; by default half of the kernel, which keeps the size at stride 1.
  ///   - initializer: of weight and bias; by default uniform with bound 1/√(kernel² · inputs).
  public init(
    _ inputs: Int, _ outputs: Int, kernel: Int = 3, stride: Int = 1, padding: Int? = nil, named name: String,
    in layout: inout ParameterLayout, bias: Bool = true, initializer: Initializer? = nil
  ) {
    let start = initializer ?? .fanIn(kernel * kernel * inputs)
    weight = layout.add("\(name).weight", [outputs, kernel, kernel, inputs], start)
    self.bias = bias ? layout.add("\(name).bias", [outputs], start, decays: false) : nil
    self.stride = stride
    self.padding = padding ?? kernel / 2
  }

  /// - Parameter base: what the result is added to.
  public func callAsFunction(_ x: Tensor, adding base: Tensor? = nil) -> Tensor {
    x.conv2d(
      x.tape.parameter(weight), bias: bias.map(x.tape.parameter), stride: stride, padding: padding,
      adding: base)
  }
}
