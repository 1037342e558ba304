import PenchantKernels

/// One training step as one call: forward, backward, clip, update. Running it allocates nothing.
///
/// ```swift
/// let step = try TrainingStep(loss, optimizer: optimizer)
/// try step.set(x, to: features)
/// let outcome = try step.run()
/// ```
public final class TrainingStep: Executing {
  public let executable: Executable
  public let optimizer: Optimizer

  /// What a step did.
  public struct Outcome: Sendable, Equatable {
    public let loss: Float
    /// Norm of the whole gradient before clipping.
    public let gradientNorm: Double
    public let learningRate: Double
    /// Its number, from 1.
    public let step: UInt64
  }

  /// Builds the gradient of `loss` with respect to every trainable parameter it depends on, and compiles.
  ///
  /// - Parameters:
  ///   - loss: a tensor of one element.
  ///   - outputs: tensors to read after a step.
  /// - Throws: the first recording error; `TapeError.parameter` for parameters of another store;
  ///   `TapeError.program`,
  ///   `TapeError.memory`.
  public convenience init(
    _ loss: Tensor, reading outputs: [Tensor] = [], optimizer: Optimizer
  ) throws(TapeError) {
    try self.init(loss, reading: outputs, optimizer: optimizer, options: CompileOptions())
  }

  package init(
    _ loss: Tensor, reading outputs: [Tensor] = [], optimizer: Optimizer, options: CompileOptions
  ) throws(TapeError) {
    if let error = loss.tape.error { throw error }
    guard loss.count == 1 else {
      throw .recording(operation: "TrainingStep", detail: "a loss has one element, not \(loss.shape)")
    }
    let graph = try GradientGraph(loss, layout: optimizer.store.layout)
    self.optimizer = optimizer
    executable = try Executable(
      graph.tape, store: optimizer.store, kept: outputs.map(\.id) + [loss.id], loss: loss.id,
      gradients: graph.gradients, optimizer: optimizer.program(updating: Set(graph.gradients.values)),
      options: options)
  }

  /// Makes one step at the rate of the schedule.
  ///
  /// - Throws: `TapeError.nonFinite` with the tensor's name; store and optimiser are then as before the call.
  @discardableResult
  public func run() throws(TapeError) -> Outcome {
    let numbers = optimizer.next
    let report = try executable.run(numbers, on: optimizer.programState)
    optimizer.advance()
    return Outcome(
      loss: report.loss, gradientNorm: report.gradientNorm, learningRate: numbers.learningRate,
      step: numbers.step)
  }

  /// The gradient of the last step with respect to a parameter, before clipping; zeros for one that has none.
  public func gradient(of parameter: Parameter) throws(TapeError) -> [Float] {
    let range = try optimizer.store.range(of: parameter)
    return executable.program.withGradients { span in
      span.extracting(range).withUnsafeBufferPointer { Array($0) }
    } ?? [Float](repeating: 0, count: range.count)
  }
}

/// A copy of a tape with the gradient of its loss recorded behind it.
package struct GradientGraph {
  package let tape: Tape
  /// Which tensor is the gradient of which parameter.
  package let gradients: [Int: Parameter]

  package init(_ loss: Tensor, layout: ParameterLayout) throws(TapeError) {
    let tape = Tape(copying: loss.tape)
    var targets: [(id: Int, parameter: Parameter)] = []
    for (id, slot) in tape.slots.enumerated() {
      guard case .parameter(let parameter) = slot.source else { continue }
      guard let entry = layout.entry(of: parameter) else {
        throw .parameter(name: parameter.name, detail: "it is not in the store as \(parameter.shape)")
      }
      if entry.isTrainable { targets.append((id, parameter)) }
    }
    let adjoints = Backward.gradients(
      of: Tensor(tape: tape, id: loss.id, shape: loss.shape), for: targets.map(\.id))
    if let error = tape.error { throw error }
    var gradients: [Int: Parameter] = [:]
    for (target, adjoint) in zip(targets, adjoints) {
      var id: Int
      switch adjoint {
      case nil: continue
      case .number(let number): id = tape.constant([number], [1]).id
      case .tensor(let known): id = known
      }
      // A slot of its own: one tensor may be the gradient of two parameters, or an input.
      if gradients[id] != nil || tape.slots[id].source != .operation {
        let count = target.parameter.count
        id = tape.emit(.affine, [id], results: [count], sizes: [count], reals: [1, 0])[0] ?? id
      }
      gradients[id] = target.parameter
      tape.setName("gradient of \(target.parameter.name)", of: id)
    }
    self.tape = tape
    self.gradients = gradients
  }
}
