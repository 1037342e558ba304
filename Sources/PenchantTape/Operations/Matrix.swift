import PenchantKernels

extension Tensor {
  /// `x weightᵀ + bias` over the last axis; `weight` is `[outputs, inputs]`, as files of the common
  /// frameworks hold it.
  public func linear(_ weight: Tensor, bias: Tensor? = nil) -> Tensor {
    guard tape.accepts("linear", [self, weight, bias]) else {
      return Tensor(tape: tape, id: -1, shape: shape)
    }
    guard weight.shape.rank == 2, weight.shape.extents[1] == width else {
      return tape.refuse(
        "linear", "input \(shape) and weight \(weight.shape); the weight is [outputs, inputs]")
    }
    let outputs = weight.shape.extents[0]
    guard bias.map({ $0.count == outputs }) ?? true else {
      return tape.refuse("linear", "weight \(weight.shape) and bias \(bias?.shape ?? [])")
    }
    return tape.record(
      .linear, [self, weight, bias], shape.with(width: outputs),
      sizes: [rows, width, outputs, Activation.identity.rawValue])
  }

  /// The matrix product of the last two axes. Leading axes agree and count the products of a batch.
  public func matmul(_ other: Tensor, transposingSelf: Bool = false, transposingOther: Bool = false) -> Tensor
  {
    guard tape.accepts("matmul", [self, other]) else { return Tensor(tape: tape, id: -1, shape: shape) }
    let (a, b) = (shape.extents, other.shape.extents)
    guard a.count >= 2, a.count == b.count, a.dropLast(2) == b.dropLast(2) else {
      return tape.refuse("matmul", "\(shape) and \(other.shape)")
    }
    let (m, k) = transposingSelf ? (a[a.count - 1], a[a.count - 2]) : (a[a.count - 2], a[a.count - 1])
    let (l, n) = transposingOther ? (b[b.count - 1], b[b.count - 2]) : (b[b.count - 2], b[b.count - 1])
    guard k == l else {
      return tape.refuse("matmul", "\(shape) and \(other.shape): inner extents \(k) and \(l)")
    }
    let batch = a.dropLast(2).reduce(1, *)
    return tape.record(
      .matmul, [self, other], Shape(Array(a.dropLast(2)) + [m, n]),
      sizes: [batch, m, n, k, transposingSelf ? 1 : 0, transposingOther ? 1 : 0], reals: [1])
  }
}
