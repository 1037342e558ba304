import PenchantTape

/// A number for every row: `[…, width]` to `[…]`. Parameters: `name.weight` `[1, width]`, `name.bias` `[1]`.
public struct ScoreHead: Sendable, Equatable {
  public let linear: Linear

  public init(_ width: Int, named name: String, in layout: inout ParameterLayout) {
    linear = Linear(width, 1, named: name, in: &layout)
  }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    let scores = linear(x)
    return scores.reshaped(Shape(Array(scores.shape.extents.dropLast())))
  }
}
