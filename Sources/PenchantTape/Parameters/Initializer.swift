import PenchantKernels

/// How a parameter starts. Draws are functions of (seed, name, index): adding a parameter changes no other.
public enum Initializer: Sendable, Equatable {
  case zeros
  case constant(Float)
  /// Uniform in [-bound, bound).
  case uniform(bound: Float)
  case normal(deviation: Float)

  /// Uniform with bound 1/√inputs: what `Linear` layers of the common frameworks start with.
  public static func fanIn(_ inputs: Int) -> Initializer {
    .uniform(bound: 1 / Float(max(inputs, 1)).squareRoot())
  }

  /// Uniform with bound √(6 / (inputs + outputs)) (Glorot & Bengio 2010).
  public static func glorot(_ inputs: Int, _ outputs: Int) -> Initializer {
    .uniform(bound: (6 / Float(max(inputs + outputs, 1))).squareRoot())
  }
}
