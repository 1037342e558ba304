import PenchantTape

/// A table of rows by id. Parameter: `name.weight` `[rows, width]`.
public struct Embedding: Sendable, Equatable {
  public let weight: Parameter

  public init(
    _ rows: Int, _ width: Int, named name: String, in layout: inout ParameterLayout,
    initializer: Initializer = .normal(deviation: 0.02)
  ) {
    weight = layout.add("\(name).weight", [rows, width], initializer)
  }

  /// `[…]` ids give `[…, width]`; `UInt32.max` gives zeros.
  public func callAsFunction(_ ids: Ids) -> Tensor { ids.tape.parameter(weight).embedding(ids) }
}
