import PenchantKernels

extension Backward {
  mutating func sequence(_ op: ProgramOperation) {
    let sizes = op.sizes
    switch op.kind {
    case .embedding:
      guard let dy = gradient(of: op.outputs[0]), let table = op.inputs[0] else { return }
      let emitter = self
      accumulate(to: table) { base in
        emitter.emit(.embeddingGrad, [dy, op.inputs[1], base], count: sizes[1] * sizes[2], sizes: sizes)
      }
    case .attention:
      guard let dy = gradient(of: op.outputs[0]), let qkv = op.inputs[0] else { return }
      add(
        emit(
          .attentionGrad, [dy, qkv, op.inputs[1], op.outputs[0], op.outputs[1], op.inputs[2]],
          count: tape.slots[qkv].count, sizes: sizes, reals: op.reals), to: qkv)
    case .attributeAttention:
      let pooled = gradient(of: op.outputs[0])
      let weights = gradient(of: op.outputs[1])
      guard pooled != nil || weights != nil else { return }
      // In the order of the results: attributes, queries, key, bias, score.
      let operands = [0, 3, 4, 5, 6].map { op.inputs[$0] }
      let results = operands.map { operand in
        operand.flatMap { wants($0) ? tape.result(tape.slots[$0].count) : nil }
      }
      tape.operations.append(
        ProgramOperation(
          .attributeAttentionGrad, inputs: [pooled, weights] + op.inputs, outputs: results, sizes: sizes,
          reals: op.reals))
      for (operand, part) in zip(operands, results) {
        if let operand, let part { add(part, to: operand) }
      }
    case .prefixAttention:
      guard let dy = gradient(of: op.outputs[0]) else { return }
      append(
        .prefixAttentionGrad, [dy, op.outputs[0], op.outputs[1]] + op.inputs,
        to: [op.inputs[0], op.inputs[1]],
        of: op)
    case .gru:
      guard let dy = gradient(of: op.outputs[0]) else { return }
      append(
        .gruGrad, [dy, op.inputs[1], op.outputs[0], op.outputs[1], op.inputs[3]],
        to: Array(op.inputs.prefix(3)),
        of: op)
    default: return
    }
  }

  /// Records a gradient that is made for all operands in one pass.
  private mutating func append(
    _ kind: ProgramOperation.Kind, _ inputs: [Int?], to operands: [Int?], of op: ProgramOperation
  ) {
    let operands = operands.compactMap { $0 }
    let results = operands.map { tape.result(tape.slots[$0].count) }
    tape.operations.append(
      ProgramOperation(kind, inputs: inputs, outputs: results, sizes: op.sizes, reals: op.reals))
    for (operand, part) in zip(operands, results) { add(part, to: operand) }
  }
}
