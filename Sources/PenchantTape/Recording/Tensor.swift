/// A value in a recorded graph: a handle, not numbers. Numbers exist only when the graph runs.
public struct Tensor {
  /// Where it was recorded.
  public let tape: Tape
  public let shape: Shape
  /// Its number on the tape; negative after a recording error.
  package let id: Int

  init(tape: Tape, id: Int, shape: Shape) {
    self.tape = tape
    self.id = id
    self.shape = shape
  }

  /// The same values under another shape of as many elements. Costs nothing when the graph runs.
  public func reshaped(_ shape: Shape) -> Tensor {
    guard shape.isValid, shape.count == self.shape.count else {
      return tape.refuse(
        "reshaped", "\(self.shape) has \(self.shape.count) elements, \(shape) has \(shape.count)")
    }
    return Tensor(tape: tape, id: id, shape: shape)
  }

  /// The same values as one row.
  public var flat: Tensor { Tensor(tape: tape, id: id, shape: [shape.count]) }

  var rows: Int { shape.rows }
  var width: Int { shape.width }
  var count: Int { shape.count }
}
