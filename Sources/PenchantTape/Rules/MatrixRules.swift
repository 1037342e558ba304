import PenchantKernels

extension Backward {
  mutating func matrix(_ op: ProgramOperation) {
    guard let dy = gradient(of: op.outputs[0]), let a = op.inputs[0], let b = op.inputs[1] else { return }
    if op.kind == .linear { linear(op, x: a, weight: b, dy: dy) } else { matmul(op, a, b, dy) }
  }

  /// y = x wᵀ + b:  dx = dy w,  dw = dyᵀ x,  db = Σ dy. The recorder emits no activation and no base.
  private mutating func linear(_ op: ProgramOperation, x: Int, weight: Int, dy: Int) {
    let (rows, inputs, outputs) = (op.sizes[0], op.sizes[1], op.sizes[2])
    let bias = op.inputs.count > 2 ? op.inputs[2] : nil
    if wants(weight) {
      let weightBase = gradient(of: weight)
      let biasBase = wants(bias) ? gradient(of: bias) : nil
      let dw = tape.result(outputs * inputs)
      let db = wants(bias) ? tape.result(outputs) : nil
      tape.operations.append(
        ProgramOperation(
          .linearGradWeight, inputs: [dy, x, weightBase, biasBase], outputs: [dw, db],
          sizes: [rows, inputs, outputs]))
      replace(weight, by: dw)
      if let bias, let db { replace(bias, by: db) }
    } else if let bias {
      add(emit(.sumRows, [dy], count: outputs, sizes: [rows, outputs], reals: [1]), to: bias)
    }
    let emitter = self
    accumulate(to: x) { base in
      emitter.emit(
        .linearGradInput, [dy, weight, base], count: rows * inputs,
        sizes: [rows, inputs, outputs, Activation.identity.rawValue])
    }
  }

  /// c = op(a) op(b):  da = dc op(b)ᵀ,  db = op(a)ᵀ dc, each transposed once more when its operand was.
  private mutating func matmul(_ op: ProgramOperation, _ a: Int, _ b: Int, _ dy: Int) {
    let (batch, m, n, k) = (op.sizes[0], op.sizes[1], op.sizes[2], op.sizes[3])
    let (ta, tb) = (op.sizes[4], op.sizes[5])
    let emitter = self
    accumulate(to: a) { base in
      ta == 0
        ? emitter.emit(
          .matmul, [dy, b, base], count: batch * m * k, sizes: [batch, m, k, n, 0, 1 - tb], reals: op.reals)
        : emitter.emit(
          .matmul, [b, dy, base], count: batch * m * k, sizes: [batch, k, m, n, tb, 1], reals: op.reals)
    }
    let second = self
    accumulate(to: b) { base in
      tb == 0
        ? second.emit(
          .matmul, [a, dy, base], count: batch * k * n, sizes: [batch, k, n, m, 1 - ta, 0], reals: op.reals)
        : second.emit(
          .matmul, [dy, a, base], count: batch * k * n, sizes: [batch, n, k, m, 1, ta], reals: op.reals)
    }
  }
}
