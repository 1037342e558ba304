import PenchantKernels

extension Backward {
  mutating func picture(_ op: ProgramOperation) {
    guard let dy = gradient(of: op.outputs[0]), let x = op.inputs[0] else { return }
    switch op.kind {
    case .conv2d: convolution(op, x: x, dy: dy)
    case .groupNorm: groupNorm(op, x: x, dy: dy)
    // Each direction is the other's gradient, with the same sizes and factor.
    case .upsample:
      add(emit(.downsample, [dy], count: tape.slots[x].count, sizes: op.sizes, reals: op.reals), to: x)
    case .downsample:
      add(emit(.upsample, [dy], count: tape.slots[x].count, sizes: op.sizes, reals: op.reals), to: x)
    default: return
    }
  }

  private mutating func convolution(_ op: ProgramOperation, x: Int, dy: Int) {
    guard let weight = op.inputs[1] else { return }
    let outputs = op.sizes[4]
    let bias = op.inputs[2]
    if wants(weight) {
      let dw = tape.result(tape.slots[weight].count)
      let db = wants(bias) ? tape.result(outputs) : nil
      tape.operations.append(
        ProgramOperation(.conv2dGradWeight, inputs: [dy, x], outputs: [dw, db], sizes: op.sizes))
      add(dw, to: weight)
      if let bias, let db { add(db, to: bias) }
    } else if let bias, wants(bias) {
      let pixels = tape.slots[dy].count / outputs
      add(emit(.sumRows, [dy], count: outputs, sizes: [pixels, outputs], reals: [1]), to: bias)
    }
    let emitter = self
    accumulate(to: x) { base in
      emitter.emit(.conv2dGradInput, [dy, weight, base], count: emitter.tape.slots[x].count, sizes: op.sizes)
    }
    if let base = op.inputs[3] { add(dy, to: base) }
  }

  private mutating func groupNorm(_ op: ProgramOperation, x: Int, dy: Int) {
    // In the order of the results: x, scale, shift, film.
    let operands = Array(op.inputs.prefix(4))
    let results = operands.enumerated().map { place, operand in
      operand.flatMap { place == 0 || wants($0) ? tape.result(tape.slots[$0].count) : nil }
    }
    let base = wants(x) ? gradient(of: x) : nil
    tape.operations.append(
      ProgramOperation(
        .groupNormGrad, inputs: [dy] + operands + [op.outputs[1], op.outputs[2], base], outputs: results,
        sizes: op.sizes, reals: op.reals))
    if wants(x), let dx = results[0] { replace(x, by: dx) }
    for (operand, part) in zip(operands, results).dropFirst() {
      if let operand, let part { add(part, to: operand) }
    }
  }
}
