import PenchantNN
import PenchantTape

/// Rows of features, one behind the other.
public struct FeatureRows: Sendable, Equatable {
  public let width: Int
  public var values: [Float]

  public init(width: Int, values: [Float] = []) {
    self.width = width
    self.values = values
  }

  public var count: Int { width > 0 ? values.count / width : 0 }
}

/// Linear layers over rows of features, started as N(0, 1/inputs) with zero biases; the last layer's start is
/// scaled.
public struct FeatureNetwork: TokenNetwork, Sendable {
  public let layers: [Linear]
  public let activation: Activation
  public let outputs: Int
  private let inputs: Int

  /// - Parameters:
  ///   - widths: of the features, the hidden layers and the output.
  ///   - lastScale: what the deviation of the last layer's start is multiplied by.
  public init(
    _ widths: [Int], activation: Activation, lastScale: Float, named name: String,
    in layout: inout ParameterLayout
  ) {
    var layers: [Linear] = []
    for (i, (from, to)) in zip(widths, widths.dropFirst()).enumerated() {
      let deviation = (i == widths.count - 2 ? lastScale : 1) / Float(max(from, 1)).squareRoot()
      layers.append(
        Linear(from, to, named: "\(name).\(i)", in: &layout, initializer: .normal(deviation: deviation)))
    }
    self.layers = layers
    self.activation = activation
    inputs = widths.first ?? 0
    outputs = widths.last ?? 0
  }

  /// Sets the biases of a new store to 0.
  public func zeroBiases(in store: ParameterStore) throws(TapeError) {
    for layer in layers {
      if let bias = layer.bias { try store.set(bias, to: [Float](repeating: 0, count: bias.count)) }
    }
  }

  /// The network over features that are recorded already.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    var x = x
    for (i, layer) in layers.enumerated() {
      x = layer(x)
      if i + 1 < layers.count { x = x.applying(activation) }
    }
    return x
  }

  public func record(_ count: Int, on tape: Tape) -> (output: Tensor, inputs: Tensor) {
    let x = tape.input("features", [count, inputs])
    return (self(x), x)
  }

  public func feed(_ rows: FeatureRows, to inputs: Tensor, count: Int, of program: some Executing)
    throws(TapeError)
  {
    let missing = count * self.inputs - rows.values.count
    try program.set(
      inputs, to: missing > 0 ? rows.values + [Float](repeating: 0, count: missing) : rows.values)
  }
}
