import PenchantKernels

extension Tensor {
  /// Softmax over the last axis. Elements that the mask drops get 0.
  public func softmax(mask: Mask? = nil) -> Tensor { softmax(mask, log: false) }

  /// The logarithm of the softmax over the last axis. Elements that the mask drops get −∞.
  public func logSoftmax(mask: Mask? = nil) -> Tensor { softmax(mask, log: true) }

  private func softmax(_ mask: Mask?, log: Bool) -> Tensor {
    guard mask.map({ $0.shape.count == count }) ?? true else {
      return tape.refuse("softmax", "values \(shape) and mask \(mask?.shape ?? [])")
    }
    return tape.record(.softmax, [self, mask?.tensor], shape, sizes: [rows, width, log ? 1 : 0])
  }

  /// (x − mean) / √(variance + epsilon) · scale + shift over the last axis.
  public func layerNorm(scale: Tensor, shift: Tensor, epsilon: Float = 1e-5) -> Tensor {
    guard tape.accepts("layerNorm", [self, scale, shift]) else {
      return Tensor(tape: tape, id: -1, shape: shape)
    }
    guard scale.count == width, shift.count == width else {
      return tape.refuse("layerNorm", "input \(shape), scale \(scale.shape), shift \(shift.shape)")
    }
    let outputs = tape.emit(
      .layerNorm, [id, scale.id, shift.id], results: [count, rows, rows], sizes: [rows, width],
      reals: [epsilon])
    return Tensor(tape: tape, id: outputs[0] ?? -1, shape: shape)
  }

  /// x / √(mean of x² + epsilon) · scale over the last axis.
  public func rmsNorm(scale: Tensor, epsilon: Float = 1e-6) -> Tensor {
    guard tape.accepts("rmsNorm", [self, scale]) else { return Tensor(tape: tape, id: -1, shape: shape) }
    guard scale.count == width else { return tape.refuse("rmsNorm", "input \(shape), scale \(scale.shape)") }
    let outputs = tape.emit(
      .rmsNorm, [id, scale.id], results: [count, rows], sizes: [rows, width], reals: [epsilon])
    return Tensor(tape: tape, id: outputs[0] ?? -1, shape: shape)
  }
}
