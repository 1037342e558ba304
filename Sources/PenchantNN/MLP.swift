import PenchantTape

/// Linear layers with an activation between them. Parameters: `name.0.weight`, `name.0.bias`,
/// `name.1.weight`, …
public struct MLP: Sendable, Equatable {
  public let layers: [Linear]
  public let activation: Activation
  public let dropout: Float

  /// - Parameter widths: of the input, the hidden layers and the output.
  public init(
    _ widths: [Int], activation: Activation = .relu, dropout: Float = 0, named name: String,
    in layout: inout ParameterLayout
  ) {
    var layers: [Linear] = []
    for (i, (inputs, outputs)) in zip(widths, widths.dropFirst()).enumerated() {
      layers.append(Linear(inputs, outputs, named: "\(name).\(i)", in: &layout))
    }
    self.layers = layers
    self.activation = activation
    self.dropout = dropout
  }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    var x = x
    for (i, layer) in layers.enumerated() {
      x = layer(x)
      if i + 1 < layers.count { x = x.applying(activation).dropout(dropout) }
    }
    return x
  }
}
