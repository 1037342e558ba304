import PenchantKernels

/// Emits the gradient of a graph, from its last operation to its first. The rules stand in this folder, a
/// file a family.
struct Backward {
  /// What is known of the gradient with respect to a tensor.
  enum Adjoint {
    /// Of a scalar, when recording already knows the number: it goes into the factor of a loss.
    case number(Float)
    case tensor(Int)
  }

  let tape: Tape
  private var adjoints: [Int: Adjoint] = [:]
  /// Tensors on the way from the targets.
  private var reached: Set<Int>

  init(tape: Tape, targets: Set<Int>) {
    self.tape = tape
    reached = targets
    for operation in tape.operations
    where operation.inputs.contains(where: { $0.map(reached.contains) ?? false }) {
      for case let output? in operation.outputs where !tape.detached.contains(output) {
        reached.insert(output)
      }
    }
  }

  /// Emits gradients of the scalar `loss` and returns them for `targets`; `nil` where the loss does not
  /// depend on one.
  static func gradients(of loss: Tensor, for targets: [Int]) -> [Adjoint?] {
    var backward = Backward(tape: loss.tape, targets: Set(targets))
    backward.adjoints[loss.id] = .number(1)
    for index in loss.tape.operations.indices.reversed() { backward.visit(index) }
    return targets.map { backward.adjoints[$0] }
  }

  private mutating func visit(_ index: Int) {
    let operation = tape.operations[index]
    guard
      operation.outputs.contains(where: { $0.map { adjoints[$0] != nil && reached.contains($0) } ?? false }),
      operation.inputs.contains(where: { $0.map(reached.contains) ?? false })
    else { return }
    switch operation.kind {
    case .unary, .binary, .affine, .sumRows, .sumColumns, .spread: elementwise(operation)
    case .slice, .concat, .transpose, .maskedMean, .dropout: layout(operation)
    case .linear, .matmul: matrix(operation)
    case .softmax, .layerNorm, .rmsNorm: norm(operation)
    case .embedding, .attention, .attributeAttention, .prefixAttention, .gru: sequence(operation)
    case .conv2d, .groupNorm, .upsample, .downsample: picture(operation)
    case .bce, .mse, .crossEntropy, .catalogueCrossEntropy, .catalogueDivergence, .preference, .plackettLuce,
      .diffusionPreference, .policyLoss, .valueLoss:
      loss(index)
    case .unaryGrad, .sliceGrad, .maskedMeanGrad, .linearGradInput, .linearGradWeight, .softmaxGrad,
      .layerNormGrad,
      .rmsNormGrad, .embeddingGrad, .attentionGrad, .attributeAttentionGrad, .prefixAttentionGrad, .gruGrad,
      .conv2dGradInput, .conv2dGradWeight, .groupNormGrad:
      _ = tape.refuse(operation.kind.name, "gradients of gradients are not recorded")
    }
  }

  // MARK: What rules use

  /// Whether a gradient is wanted for the operand.
  func wants(_ operand: Int?) -> Bool { operand.map(reached.contains) ?? false }

  /// The gradient of a result as a tensor; `nil` when nothing depends on it.
  mutating func gradient(of result: Int?) -> Int? {
    guard let result, let adjoint = adjoints[result] else { return nil }
    switch adjoint {
    case .tensor(let id): return id
    case .number(let number):
      let constant = tape.constant([number], [1]).id
      adjoints[result] = .tensor(constant)
      return constant
    }
  }

  /// The gradient of a scalar as it is known.
  func adjoint(of result: Int?) -> Adjoint? { result.flatMap { adjoints[$0] } }

  /// Adds `part` to the gradient of `operand`.
  mutating func add(_ part: Int, to operand: Int) {
    guard wants(operand) else { return }
    let count = tape.slots[operand].count
    switch adjoints[operand] {
    case nil: adjoints[operand] = .tensor(part)
    case .tensor, .number:
      guard let known = gradient(of: operand) else { return }
      adjoints[operand] = .tensor(
        emit(
          .binary, [known, part], count: count, sizes: [1, count, Binary.add.rawValue, Spread.none.rawValue]))
    }
  }

  /// Adds a number to the gradient of a scalar operand.
  mutating func add(number: Float, to operand: Int) {
    guard wants(operand) else { return }
    switch adjoints[operand] {
    case nil: adjoints[operand] = .number(number)
    case .number(let known): adjoints[operand] = .number(known + number)
    case .tensor: add(tape.constant([number], [1]).id, to: operand)
    }
  }

  /// Replaces the gradient of `operand` by what `part` makes of it: an operation that adds to a base. The
  /// base is `nil`
  /// when there is nothing to add to yet.
  mutating func accumulate(to operand: Int, _ part: (_ base: Int?) -> Int) {
    guard wants(operand) else { return }
    adjoints[operand] = .tensor(part(gradient(of: operand)))
  }

  /// The gradient of `operand` is now `tensor`, which contains what was known before.
  mutating func replace(_ operand: Int, by tensor: Int) { adjoints[operand] = .tensor(tensor) }

  /// Records an operation with one result of `count` elements.
  func emit(
    _ kind: ProgramOperation.Kind, _ inputs: [Int?], count: Int, sizes: [Int], reals: [Float] = []
  ) -> Int {
    let id = tape.result(count)
    tape.operations.append(ProgramOperation(kind, inputs: inputs, outputs: [id], sizes: sizes, reals: reals))
    return id
  }

  func scaled(_ tensor: Int, by factor: Float) -> Int {
    let count = tape.slots[tensor].count
    return factor == 1 ? tensor : emit(.affine, [tensor], count: count, sizes: [count], reals: [factor, 0])
  }

  func product(
    _ a: Int, _ b: Int, rows: Int, cols: Int, _ operation: Binary = .multiply, _ spread: Spread = .none
  ) -> Int {
    emit(.binary, [a, b], count: rows * cols, sizes: [rows, cols, operation.rawValue, spread.rawValue])
  }
}
