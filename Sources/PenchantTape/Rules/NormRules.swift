import PenchantKernels

extension Backward {
  mutating func norm(_ op: ProgramOperation) {
    guard let output = op.outputs[0], let dy = gradient(of: output), let x = op.inputs[0] else { return }
    let (rows, cols) = (op.sizes[0], op.sizes[1])
    switch op.kind {
    case .softmax: add(emit(.softmaxGrad, [output, dy], count: rows * cols, sizes: op.sizes), to: x)
    case .layerNorm:
      guard let scale = op.inputs[1], let shift = op.inputs[2] else { return }
      let results = [tape.result(rows * cols), tape.result(cols), tape.result(cols)]
      let base = wants(x) ? gradient(of: x) : nil
      tape.operations.append(
        ProgramOperation(
          .layerNormGrad, inputs: [dy, x, scale, op.outputs[1], op.outputs[2], base], outputs: results,
          sizes: [rows, cols]))
      if wants(x) { replace(x, by: results[0]) }
      add(results[1], to: scale)
      add(results[2], to: shift)
    case .rmsNorm:
      guard let scale = op.inputs[1] else { return }
      let results = [tape.result(rows * cols), tape.result(cols)]
      let base = wants(x) ? gradient(of: x) : nil
      tape.operations.append(
        ProgramOperation(
          .rmsNormGrad, inputs: [dy, x, scale, op.outputs[1], base], outputs: results, sizes: [rows, cols]))
      if wants(x) { replace(x, by: results[0]) }
      add(results[1], to: scale)
    default: return
    }
  }
}
