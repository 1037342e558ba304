import PenchantKernels

extension Backward {
  /// Losses compute their gradients with their value: the rule asks for the results and sets their factor.
  mutating func loss(_ index: Int) {
    let op = tape.operations[index]
    // Operands that have gradients, in the order of the results.
    let operands: [Int]
    switch op.kind {
    case .preference, .catalogueDivergence: operands = [0, 1]
    case .catalogueCrossEntropy: operands = [0, 1, 3]
    default: operands = [0]
    }
    let factor: Float
    var upstream: Int?
    switch adjoint(of: op.outputs[0]) {
    case .number(let number): factor = number
    case .tensor(let id): (factor, upstream) = (1, id)
    case nil: return
    }
    var outputs = [op.outputs[0]]
    for operand in operands {
      let input = op.inputs.indices.contains(operand) ? op.inputs[operand] : nil
      outputs.append(input.flatMap { wants($0) ? tape.result(tape.slots[$0].count) : nil })
    }
    if op.outputs.count > 1 {
      // A second gradient of the same loss: computed again, its value is not read.
      outputs[0] = tape.result(1)
      tape.operations.append(op.replacing(outputs: outputs, factor: factor))
    } else {
      tape.operations[index] = op.replacing(outputs: outputs, factor: factor)
    }
    for (operand, output) in zip(operands, outputs.dropFirst()) {
      guard let output, let input = op.inputs[operand] else { continue }
      guard let upstream else {
        add(output, to: input)
        continue
      }
      let count = tape.slots[input].count
      add(product(output, upstream, rows: 1, cols: count, .multiply, .column), to: input)
    }
  }
}

extension ProgramOperation {
  fileprivate func replacing(outputs: [Int?], factor: Float) -> ProgramOperation {
    var copy = self
    copy.outputs = outputs
    copy.reals[0] = factor
    return copy
  }
}
