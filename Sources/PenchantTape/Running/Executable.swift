import PenchantKernels

/// How a graph is compiled. Both are on except in tests.
package struct CompileOptions: Sendable {
  package var reuse = true
  package var fuse = true
  package init(reuse: Bool = true, fuse: Bool = true) {
    self.reuse = reuse
    self.fuse = fuse
  }
}

/// A compiled graph: its memory, inputs and results. One thread at a time.
public final class Executable {
  let tape: Tape
  let program: Program

  /// - Parameters:
  ///   - kept: tensors that can be read after a run.
  ///   - gradients: tensors that are gradients, and of which parameters.
  init(
    _ tape: Tape, store: ParameterStore, kept: [Int], loss: Int? = nil, gradients: [Int: Parameter] = [:],
    optimizer: ProgramOptimizer = ProgramOptimizer(), options: CompileOptions
  ) throws(TapeError) {
    if let error = tape.error { throw error }
    let kept = Set(kept)
    var tensors: [ProgramTensor] = []
    tensors.reserveCapacity(tape.slots.count)
    for (id, slot) in tape.slots.enumerated() {
      switch slot.source {
      case .input, .constant: tensors.append(ProgramTensor(slot.element, .input, count: slot.count))
      case .parameter(let parameter):
        let range = try store.range(of: parameter)
        tensors.append(ProgramTensor(.float, .parameter, count: range.count, offset: range.lowerBound))
      case .operation:
        if let parameter = gradients[id] {
          tensors.append(ProgramTensor(.float, .gradient, count: parameter.count, offset: parameter.offset))
        } else {
          tensors.append(
            ProgramTensor(slot.element, kept.contains(id) ? .kept : .temporary, count: slot.count))
        }
      }
    }
    self.tape = tape
    do throws(ProgramFault) {
      program = try Program(
        tensors: tensors, operations: tape.operations, parameterCount: store.layout.count, loss: loss,
        optimizer: optimizer, reuse: options.reuse, fuse: options.fuse)
    } catch { throw TapeError(error, tape, "compile") }
    for (id, slot) in tape.slots.enumerated() {
      if case .constant(let values) = slot.source { try write(values.span, id, .float) }
    }
  }

  /// Sizes of what was planned.
  public var facts: Program.Facts { program.facts }

  // MARK: Inputs and results

  func write<Element: BitwiseCopyable>(
    _ values: Span<Element>, _ id: Int, _ element: ProgramTensor.Element
  ) throws(TapeError) {
    guard tape.slots.indices.contains(id), tape.slots[id].count == values.count else {
      let count = tape.slots.indices.contains(id) ? tape.slots[id].count : 0
      throw .value(tensor: tape.name(of: id), detail: "\(values.count) values for \(count) elements")
    }
    guard tape.slots[id].source != .operation else {
      throw .value(tensor: tape.name(of: id), detail: "it is a result, not an input")
    }
    do throws(KernelError) {
      try program.withMemory(of: id, as: Element.self, element: element) { memory in
        values.withUnsafeBufferPointer { from in
          memory.withUnsafeMutableBufferPointer { to in _ = to.update(fromContentsOf: from) }
        }
      }
    } catch { throw .value(tensor: tape.name(of: id), detail: "it is not an input of this element type") }
  }

  func read<Result>(_ id: Int, _ body: (Span<Float>) -> Result) throws(TapeError) -> Result {
    do throws(KernelError) {
      return try program.withMemory(of: id, as: Float.self, element: .float) { memory in body(memory.span) }
    } catch { throw .value(tensor: tape.name(of: id), detail: "it was not among the results to keep") }
  }

  func run(_ step: Program.Step, on state: Program.State) throws(TapeError) -> Program.Report {
    do throws(ProgramFault) { return try program.run(step, on: state) } catch {
      if error.isNonFinite, let tensor = error.tensor {
        throw .nonFinite(tensor: tape.name(of: tensor), step: step.step)
      }
      throw TapeError(error, tape, "run")
    }
  }
}

/// What runs a compiled graph: setting inputs and reading results.
public protocol Executing {
  var executable: Executable { get }
}

extension Executing {
  /// Sets an input, row-major.
  ///
  /// - Throws: `TapeError.value` when `tensor` is no input or the number of values is another.
  public func set(_ tensor: Tensor, to values: Span<Float>) throws(TapeError) {
    try executable.write(values, tensor.id, .float)
  }
  /// Sets an input, row-major.
  public func set(_ tensor: Tensor, to values: [Float]) throws(TapeError) { try set(tensor, to: values.span) }
  /// Sets ids.
  public func set(_ ids: Ids, to values: Span<UInt32>) throws(TapeError) {
    try executable.write(values, ids.id, .id)
  }
  /// Sets ids.
  public func set(_ ids: Ids, to values: [UInt32]) throws(TapeError) { try set(ids, to: values.span) }
  /// Sets a mask: 1 keeps, 0 drops.
  public func set(_ mask: Mask, to values: Span<UInt8>) throws(TapeError) {
    try executable.write(values, mask.id, .mask)
  }
  /// Sets a mask: 1 keeps, 0 drops.
  public func set(_ mask: Mask, to values: [UInt8]) throws(TapeError) { try set(mask, to: values.span) }

  /// Reads a result of the last run without a copy.
  ///
  /// - Throws: `TapeError.value` unless `tensor` is an input or was listed when the graph was compiled.
  public func withValues<Result>(of tensor: Tensor, _ body: (Span<Float>) -> Result) throws(TapeError)
    -> Result
  {
    try executable.read(tensor.id, body)
  }

  /// A result of the last run, row-major.
  public func values(of tensor: Tensor) throws(TapeError) -> [Float] {
    try withValues(of: tensor) { span in span.withUnsafeBufferPointer { Array($0) } }
  }

  /// Sizes of what was planned.
  public var facts: Program.Facts { executable.facts }
}

extension TapeError {
  init(_ fault: ProgramFault, _ tape: Tape, _ doing: String) {
    if case .status(_, "PN_ENOMEM", _, _) = fault.underlying {
      self = .memory(bytes: tape.slots.reduce(0) { $0 + 4 * $1.count })
      return
    }
    let operation = fault.operation.flatMap {
      tape.operations.indices.contains($0) ? tape.operations[$0] : nil
    }
    var detail = fault.reason
    if let operation { detail += " (sizes \(operation.sizes))" }
    self = .program(
      operation: operation?.kind.name ?? doing, tensor: fault.tensor.map { tape.name(of: $0) }, detail: detail
    )
  }
}
