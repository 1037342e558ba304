import PenchantKernels

extension Backward {
  mutating func elementwise(_ op: ProgramOperation) {
    guard let output = op.outputs[0], let x = op.inputs[0] else { return }
    switch op.kind {
    case .affine:
      // d(ax + b) = a dx
      if case .number(let number) = adjoint(of: output) {
        add(number: number * op.reals[0], to: x)
      } else if let dy = gradient(of: output) {
        add(scaled(dy, by: op.reals[0]), to: x)
      }
    case .binary: binary(op)
    case .unary:
      guard let dy = gradient(of: output) else { return }
      let saves = Activation(rawValue: op.sizes[1])?.savesOutput ?? false
      add(emit(.unaryGrad, [saves ? output : x, dy], count: op.sizes[0], sizes: op.sizes), to: x)
    case .sumRows: spread(output, x, op, .row)
    case .sumColumns: spread(output, x, op, .column)
    case .spread:
      guard let dy = gradient(of: output) else { return }
      let byRow = op.sizes[2] == Spread.row.rawValue
      add(
        emit(
          byRow ? .sumRows : .sumColumns, [dy], count: byRow ? op.sizes[1] : op.sizes[0],
          sizes: [op.sizes[0], op.sizes[1]],
          reals: op.reals), to: x)
    default: return
    }
  }

  /// d(sum x) = dy for every term.
  private mutating func spread(_ output: Int, _ x: Int, _ op: ProgramOperation, _ spread: Spread) {
    guard let dy = gradient(of: output) else { return }
    add(
      emit(
        .spread, [dy], count: op.sizes[0] * op.sizes[1], sizes: [op.sizes[0], op.sizes[1], spread.rawValue],
        reals: [op.reals[0]]), to: x)
  }

  private mutating func binary(_ op: ProgramOperation) {
    guard let output = op.outputs[0], let a = op.inputs[0], let b = op.inputs[1],
      let operation = Binary(rawValue: op.sizes[2]), let spread = Spread(rawValue: op.sizes[3])
    else { return }
    let (rows, cols) = (op.sizes[0], op.sizes[1])
    if rows * cols == 1, operation == .add || operation == .subtract,
      case .number(let number) = adjoint(of: output)
    {
      add(number: number, to: a)
      add(number: operation == .add ? number : -number, to: b)
      return
    }
    guard let dy = gradient(of: output) else { return }
    if wants(a) {
      switch operation {
      case .add, .subtract: add(dy, to: a)
      case .multiply: add(product(dy, b, rows: rows, cols: cols, .multiply, spread), to: a)
      case .divide: add(product(dy, b, rows: rows, cols: cols, .divide, spread), to: a)
      }
    }
    guard wants(b) else { return }
    switch operation {
    case .add: add(summed(dy, rows, cols, spread, 1), to: b)
    case .subtract: add(summed(dy, rows, cols, spread, -1), to: b)
    case .multiply: add(summed(product(dy, a, rows: rows, cols: cols), rows, cols, spread, 1), to: b)
    case .divide:
      // d(a/b)/db = -(a/b)/b
      let quotient = product(
        product(dy, output, rows: rows, cols: cols), b, rows: rows, cols: cols, .divide, spread)
      add(summed(quotient, rows, cols, spread, -1), to: b)
    }
  }

  /// The gradient of a spread operand: the sum over the elements it was spread to.
  private func summed(_ tensor: Int, _ rows: Int, _ cols: Int, _ spread: Spread, _ factor: Float) -> Int {
    switch spread {
    case .none: scaled(tensor, by: factor)
    case .row: emit(.sumRows, [tensor], count: cols, sizes: [rows, cols], reals: [factor])
    case .column: emit(.sumColumns, [tensor], count: rows, sizes: [rows, cols], reals: [factor])
    }
  }
}
