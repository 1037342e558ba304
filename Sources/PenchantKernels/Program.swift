import CPenchant

/// A tensor of a program: the Swift form of `pn_tensor`.
public struct ProgramTensor: Sendable, Equatable {
  public enum Element: UInt32, Sendable {
    /// `Float`, `UInt32`, `UInt8` with 1 = keep.
    case float = 0
    case id, mask
  }

  public enum Role: UInt32, Sendable {
    case temporary = 0
    case input, kept, parameter, gradient
  }

  public var element: Element
  public var role: Role
  public var count: Int
  /// Floats from the start of the parameter or gradient buffer; 0 for other roles.
  public var offset: Int

  public init(_ element: Element, _ role: Role, count: Int, offset: Int = 0) {
    self.element = element
    self.role = role
    self.count = count
    self.offset = offset
  }
}

/// What a program does with its gradients.
public struct ProgramOptimizer: Sendable, Equatable {
  public enum Kind: UInt32, Sendable {
    case none = 0
    case adam, adamW, sgd
  }

  /// Parameters that are updated alike.
  public struct Range: Sendable, Equatable {
    public var first: Int
    public var count: Int
    public var decay: Float
    public init(first: Int, count: Int, decay: Float) {
      self.first = first
      self.count = count
      self.decay = decay
    }
  }

  public var kind = Kind.none
  public var beta1 = 0.9
  public var beta2 = 0.999
  public var epsilon = 1e-8
  public var momentum = 0.0
  public var nesterov = false
  /// Largest norm of the gradient; 0 for any.
  public var clip = 0.0
  /// Decay of the moving average of the parameters; 0 for none.
  public var average = 0.0
  /// Ascending; parameters outside are frozen.
  public var ranges: [Range] = []

  public init() {}
}

/// Why a program was refused or a step stopped. Numbers are indices into the arrays that the program was
/// made from.
public struct ProgramFault: Error, Sendable, Equatable {
  public let operation: Int?
  public let tensor: Int?
  public let reason: String
  public let underlying: KernelError
}

/// A checked, planned program and its memory. Used by one thread at a time.
public final class Program {
  private let program: OpaquePointer
  private let tensors: [ProgramTensor]
  private let parameterCount: Int
  private let optimizer: ProgramOptimizer

  /// Checks, fuses, plans and takes all memory.
  ///
  /// - Parameters:
  ///   - loss: a kept tensor of one element that must be finite for the step to count.
  ///   - reuse: `false` gives every tensor bytes of its own, `fuse: false` runs the operations as recorded:
  ///     both for
  ///     tests.
  /// - Throws: `ProgramFault` that names the operation and the tensor.
  public init(
    tensors: [ProgramTensor], operations: [ProgramOperation], parameterCount: Int, loss: Int? = nil,
    optimizer: ProgramOptimizer = ProgramOptimizer(), reuse: Bool = true, fuse: Bool = true
  ) throws(ProgramFault) {
    let table = tensors.map {
      pn_tensor(
        element: $0.element.rawValue, role: $0.role.rawValue, count: max($0.count, 0),
        offset: max($0.offset, 0))
    }
    var ops: [pn_op] = []
    ops.reserveCapacity(operations.count)
    for (i, operation) in operations.enumerated() {
      guard let op = operation.lowered else {
        throw ProgramFault(
          operation: i, tensor: nil, reason: "a list is too long or a number does not fit",
          underlying: .value("Program", "operation \(i)"))
      }
      ops.append(op)
    }
    let ranges = optimizer.ranges.map {
      pn_parameter_range(first: max($0.first, 0), count: max($0.count, 0), rate: 1, decay: $0.decay)
    }
    var made: OpaquePointer?
    var fault = pn_fault()
    let status = table.withUnsafeBufferPointer { table in
      ops.withUnsafeBufferPointer { ops in
        ranges.withUnsafeBufferPointer { ranges in
          var description = pn_program_description()
          description.tensors = table.count
          description.tensor = table.baseAddress
          description.ops = ops.count
          description.op = ops.baseAddress
          description.parameters = max(parameterCount, 0)
          description.loss = loss.flatMap { UInt32(exactly: $0) } ?? UInt32.max
          description.optimizer.kind = optimizer.kind.rawValue
          description.optimizer.beta1 = optimizer.beta1
          description.optimizer.beta2 = optimizer.beta2
          description.optimizer.epsilon = optimizer.epsilon
          description.optimizer.momentum = optimizer.momentum
          description.optimizer.nesterov = optimizer.nesterov
          description.optimizer.clip = optimizer.clip
          description.optimizer.average = optimizer.average
          description.optimizer.ranges = ranges.count
          description.optimizer.range = ranges.baseAddress
          description.without_reuse = !reuse
          description.without_fusing = !fuse
          return pn_program_create(&description, &made, &fault)
        }
      }
    }
    guard status == PN_OK, let made else { throw ProgramFault(status, fault, "pn_program_create") }
    program = made
    self.tensors = tensors
    self.parameterCount = max(parameterCount, 0)
    self.optimizer = optimizer
  }

  deinit { pn_program_destroy(program) }

  /// Sizes of what was planned.
  public struct Facts: Sendable, Equatable {
    /// Operations after fusing.
    public let operations: Int
    /// Bytes of inputs, kept tensors and temporaries together.
    public let arenaBytes: Int
    /// Bytes that the temporaries would take if none were reused.
    public let temporaryBytes: Int
    public let workspaceBytes: Int
  }

  public var facts: Facts {
    let facts = pn_program_describe(program)
    return Facts(
      operations: facts.ops, arenaBytes: facts.arena_bytes, temporaryBytes: facts.temporary_bytes,
      workspaceBytes: facts.workspace_bytes)
  }

  // MARK: Inputs and results

  /// Memory of an input or kept tensor with `element`, for the length of `body`.
  ///
  /// - Throws: `KernelError.value` when the tensor is neither, or holds another element type.
  public func withMemory<Element: BitwiseCopyable, Result>(
    of tensor: Int, as type: Element.Type, element: ProgramTensor.Element,
    _ body: (inout MutableSpan<Element>) -> Result
  ) throws(KernelError) -> Result {
    guard tensors.indices.contains(tensor), tensors[tensor].element == element,
      let data = pn_program_data(program, UInt32(tensor))
    else { throw .value("Program", "tensor \(tensor) is no input or kept result of this element type") }
    let count = tensors[tensor].count
    let pointer = data.bindMemory(to: Element.self, capacity: count)
    var span = UnsafeMutableBufferPointer(start: pointer, count: count).mutableSpan
    return body(&span)
  }

  /// The gradients of the last run, laid out as the parameters.
  public func withGradients<Result>(_ body: (Span<Float>) -> Result) -> Result? {
    guard let gradients = pn_program_gradients(program) else { return nil }
    return body(UnsafeBufferPointer(start: gradients, count: parameterCount).span)
  }

  // MARK: Running

  /// Buffers that a step reads and an optimiser writes; all as long as the parameters.
  public struct State {
    public var parameters: FloatBuffer
    public var first: FloatBuffer?
    public var second: FloatBuffer?
    public var average: FloatBuffer?
    public init(parameters: FloatBuffer) { self.parameters = parameters }
  }

  /// Numbers of one step.
  public struct Step: Sendable {
    /// Seed of dropout.
    public var seed: UInt64 = 0
    /// Counts from 1.
    public var step: UInt64 = 1
    public var learningRate = 0.0
    public var training = false
    public init() {}
  }

  /// What a step reports.
  public struct Report: Sendable, Equatable {
    public let loss: Float
    /// Before clipping; 0 without an optimiser.
    public let gradientNorm: Double
  }

  /// Runs everything once; allocates nothing.
  ///
  /// - Throws: `ProgramFault`; when a loss or gradient is not finite, parameters and state are as before
  ///   the call.
  @discardableResult
  public func run(_ step: Step, on state: State) throws(ProgramFault) -> Report {
    for buffer in [state.parameters, state.first, state.second, state.average] {
      guard let buffer, buffer.count < parameterCount else { continue }
      throw ProgramFault(
        operation: nil, tensor: nil, reason: "a buffer is too short",
        underlying: .shape(
          "Program.run", "a buffer has \(buffer.count) floats, the program \(parameterCount) parameters"))
    }
    var numbers = pn_step()
    numbers.parameters = state.parameters.base
    numbers.first = state.first?.base
    numbers.second = state.second?.base
    numbers.average = state.average?.base
    numbers.seed = step.seed
    numbers.step = step.step
    numbers.learning_rate = step.learningRate
    numbers.training = step.training
    var report = pn_step_report()
    let status = pn_program_run(program, &numbers, &report)
    guard status == PN_OK else { throw ProgramFault(status, report.fault, "pn_program_run") }
    return Report(loss: report.loss, gradientNorm: report.gradient_norm)
  }
}

extension ProgramFault {
  init(_ status: pn_status, _ fault: pn_fault, _ call: StaticString) {
    operation = fault.op == UInt32.max ? nil : Int(fault.op)
    tensor = fault.tensor == UInt32.max ? nil : Int(fault.tensor)
    reason = fault.reason.map { String(cString: $0) } ?? String(cString: pn_status_sentence(status))
    underlying = .status(
      "\(call)", name: String(cString: pn_status_name(status)),
      sentence: String(cString: pn_status_sentence(status)),
      repair: String(cString: pn_status_repair(status)))
  }

  /// Whether a loss or gradient that is not finite stopped the step.
  public var isNonFinite: Bool {
    if case .status(_, "PN_ENONFINITE", _, _) = underlying { true } else { false }
  }
}
