import PenchantKernels

/// A function of one number.
public enum Activation: Int, Sendable, Codable, CaseIterable {
  case identity = 0
  case relu
  /// x Φ(x), with erf.
  case gelu
  /// GELU's tanh form.
  case geluTanh
  /// x σ(x).
  case silu
  case tanh
  case sigmoid
  case exp = 16
  case log, softplus, logSigmoid, square, squareRoot

  /// Whether the derivative is computed from the result rather than from the argument.
  package var savesOutput: Bool {
    switch self {
    case .relu, .tanh, .sigmoid, .exp, .squareRoot: true
    default: false
    }
  }
}

/// How a second operand is spread over rows × columns.
package enum Spread: Int, Sendable {
  case none = 0
  case row, column
}

/// Arithmetic of two operands.
package enum Binary: Int, Sendable {
  case add = 0
  case subtract, multiply, divide
}

extension Tensor {
  /// Applies `function` to every element.
  public func applying(_ function: Activation) -> Tensor {
    function == .identity ? self : tape.record(.unary, [self], shape, sizes: [count, function.rawValue])
  }

  public func relu() -> Tensor { applying(.relu) }
  public func gelu() -> Tensor { applying(.gelu) }
  public func silu() -> Tensor { applying(.silu) }
  public func tanh() -> Tensor { applying(.tanh) }
  public func sigmoid() -> Tensor { applying(.sigmoid) }
  public func exp() -> Tensor { applying(.exp) }
  public func log() -> Tensor { applying(.log) }
  public func softplus() -> Tensor { applying(.softplus) }
  public func logSigmoid() -> Tensor { applying(.logSigmoid) }
  public func squared() -> Tensor { applying(.square) }
  public func squareRoot() -> Tensor { applying(.squareRoot) }

  /// Sums, differences, products and quotients. The right operand has the left one's shape, its trailing
  /// extents
  /// (repeated over the leading ones), its leading extents with 1 behind (repeated along them), or one
  /// element.
  public static func + (a: Tensor, b: Tensor) -> Tensor { a.combined(.add, b, "+") }
  public static func - (a: Tensor, b: Tensor) -> Tensor { a.combined(.subtract, b, "-") }
  public static func * (a: Tensor, b: Tensor) -> Tensor { a.combined(.multiply, b, "*") }
  public static func / (a: Tensor, b: Tensor) -> Tensor { a.combined(.divide, b, "/") }

  public static func * (a: Tensor, factor: Float) -> Tensor { a.affine(factor, 0) }
  public static func * (factor: Float, a: Tensor) -> Tensor { a.affine(factor, 0) }
  public static func / (a: Tensor, divisor: Float) -> Tensor { a.affine(1 / divisor, 0) }
  public static func + (a: Tensor, shift: Float) -> Tensor { a.affine(1, shift) }
  public static func - (a: Tensor, shift: Float) -> Tensor { a.affine(1, -shift) }
  public static func - (shift: Float, a: Tensor) -> Tensor { a.affine(-1, shift) }
  public static prefix func - (a: Tensor) -> Tensor { a.affine(-1, 0) }

  /// The same values, through which no gradient flows: what a loss takes as given.
  public func detached() -> Tensor {
    let copy = affine(1, 0)
    tape.detach(copy.id)
    return copy
  }

  func affine(_ factor: Float, _ shift: Float) -> Tensor {
    tape.record(.affine, [self], shape, sizes: [count], reals: [factor, shift])
  }

  private func combined(_ operation: Binary, _ other: Tensor, _ name: String) -> Tensor {
    guard tape.accepts(name, [self, other]) else { return Tensor(tape: tape, id: -1, shape: shape) }
    guard let (rows, cols, spread) = spread(of: other) else {
      return tape.refuse(name, "\(other.shape) cannot be spread over \(shape)")
    }
    return tape.record(
      .binary, [self, other], shape, sizes: [rows, cols, operation.rawValue, spread.rawValue])
  }

  /// Rows, columns and the way in which `other` is spread over this tensor.
  private func spread(of other: Tensor) -> (Int, Int, Spread)? {
    let mine = shape.extents
    let theirs = other.shape.extents
    if mine == theirs { return (1, count, .none) }
    if other.count == 1 { return (1, count, .column) }
    if theirs.count <= mine.count, Array(mine.suffix(theirs.count)) == theirs {
      return (count / other.count, other.count, .row)
    }
    if theirs.count == mine.count, let end = theirs.lastIndex(where: { $0 != 1 }),
      Array(mine.prefix(end + 1)) == Array(theirs.prefix(end + 1))
    {
      return (other.count, count / other.count, .column)
    }
    return nil
  }

  // MARK: Sums

  /// The sum of all elements.
  public func sum() -> Tensor { flat.sumColumns(1) }
  /// The mean of all elements.
  public func mean() -> Tensor { flat.sumColumns(1 / Float(max(count, 1))) }
  /// Sums along the last axis, which goes.
  public func sumAlongRows() -> Tensor { sumColumns(1) }
  /// Means along the last axis, which goes.
  public func meanAlongRows() -> Tensor { sumColumns(1 / Float(max(width, 1))) }

  private func sumColumns(_ factor: Float) -> Tensor {
    tape.record(
      .sumColumns, [self], Shape(Array(shape.extents.dropLast())), sizes: [rows, width], reals: [factor])
  }

  /// Sums over the first axis, which goes.
  public func sumOverRows() -> Tensor { sumFirst(1) }
  /// Means over the first axis, which goes.
  public func meanOverRows() -> Tensor { sumFirst(1 / Float(max(shape.extents.first ?? 1, 1))) }

  private func sumFirst(_ factor: Float) -> Tensor {
    let first = shape.extents.first ?? 1
    return tape.record(
      .sumRows, [self], Shape(Array(shape.extents.dropFirst())), sizes: [first, count / max(first, 1)],
      reals: [factor])
  }
}
