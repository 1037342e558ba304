import PenchantKernels

/// Records the graph of one training step or one inference; `TrainingStep` and `Inference` compile it.
///
/// Recording never throws, so that a model reads as its formula: the first operation whose shapes do not
/// fit is
/// remembered with its shapes, everything recorded on its result is ignored, and compiling throws it.
///
/// A tape is cheap: record another for another batch size. It is used by one thread at a time.
public final class Tape {
  /// What the tape knows of a tensor.
  package struct Slot {
    package var name: String?
    package var count: Int
    package var element: ProgramTensor.Element
    package var source: Source
  }

  package enum Source: Equatable {
    case operation
    case input
    case parameter(Parameter)
    /// An input that the tape fills itself.
    case constant([Float])
  }

  package private(set) var slots: [Slot] = []
  package var operations: [ProgramOperation] = []
  /// The first recording error.
  public private(set) var error: TapeError?

  private var parameters: [String: Int] = [:]
  /// What stands in the place of a parameter.
  private var bound: [String: Int] = [:]
  /// Results through which no gradient flows.
  package private(set) var detached: Set<Int> = []
  private var streams = 0

  public init() {}

  /// The same recording, to go on with separately. Tensors keep their numbers.
  init(copying other: Tape) {
    slots = other.slots
    operations = other.operations
    error = other.error
    parameters = other.parameters
    bound = other.bound
    detached = other.detached
    streams = other.streams
  }

  // MARK: Leaves

  /// Numbers that are set before each run.
  public func input(_ name: String, _ shape: Shape) -> Tensor { leaf(name, shape, .float, .input) }

  /// Ids (rows of a table, classes) that are set before each run.
  public func ids(_ name: String, _ shape: Shape) -> Ids {
    Ids(tensor: leaf(name, shape, .id, .input))
  }

  /// A mask that is set before each run: 1 keeps, 0 drops.
  public func mask(_ name: String, _ shape: Shape) -> Mask {
    Mask(tensor: leaf(name, shape, .mask, .input))
  }

  /// A parameter of the store that the graph will run on.
  public func parameter(_ parameter: Parameter) -> Tensor {
    if let id = bound[parameter.name] { return Tensor(tape: self, id: id, shape: parameter.shape) }
    if let id = parameters[parameter.name], case .parameter(let known) = slots[id].source {
      guard known == parameter else {
        return refuse(
          "parameter", "\"\(parameter.name)\" is recorded as \(known.shape) and as \(parameter.shape)")
      }
      return Tensor(tape: self, id: id, shape: parameter.shape)
    }
    let tensor = leaf(parameter.name, parameter.shape, .float, .parameter(parameter))
    if tensor.id >= 0 { parameters[parameter.name] = tensor.id }
    return tensor
  }

  /// Records `tensor` wherever `parameter` is asked for from here on, as when the rows of a table are made by layers and not
  /// learnt one by one.
  public func bind(_ parameter: Parameter, to tensor: Tensor) {
    guard accepts("bind", [tensor]) else { return }
    guard tensor.shape == parameter.shape, parameters[parameter.name] == nil else {
      _ = refuse(
        "bind",
        "\(tensor.shape) for \"\(parameter.name)\" of \(parameter.shape)"
          + (parameters[parameter.name] == nil ? "" : ", which is recorded already"))
      return
    }
    bound[parameter.name] = tensor.id
  }

  /// Numbers that never change.
  public func constant(_ values: [Float], _ shape: Shape) -> Tensor {
    guard values.count == shape.count else {
      return refuse("constant", "\(values.count) values for shape \(shape)")
    }
    return leaf("constant", shape, .float, .constant(values))
  }

  private func leaf(_ name: String, _ shape: Shape, _ element: ProgramTensor.Element, _ source: Source)
    -> Tensor
  {
    guard shape.isValid else { return refuse(name, "shape \(shape) has an empty or overflowing extent") }
    return Tensor(tape: self, id: slot(shape.count, element, source, name: name), shape: shape)
  }

  // MARK: Recording

  private func slot(
    _ count: Int, _ element: ProgramTensor.Element, _ source: Source, name: String? = nil
  ) -> Int {
    slots.append(Slot(name: name, count: count, element: element, source: source))
    return slots.count - 1
  }

  /// Remembers the first error and gives a tensor on which nothing more is recorded.
  package func refuse(_ operation: String, _ detail: String) -> Tensor {
    if error == nil { error = .recording(operation: operation, detail: detail) }
    return Tensor(tape: self, id: -1, shape: [])
  }

  /// A new tensor that an operation will write.
  func result(_ count: Int) -> Int { slot(count, .float, .operation) }

  /// Records an operation and returns its results. Results are given by their counts; `nil` leaves one out.
  @discardableResult
  func emit(
    _ kind: ProgramOperation.Kind, _ inputs: [Int?], results: [Int?], sizes: [Int], reals: [Float] = []
  ) -> [Int?] {
    let outputs = results.map { $0.map(result) }
    operations.append(ProgramOperation(kind, inputs: inputs, outputs: outputs, sizes: sizes, reals: reals))
    return outputs
  }

  /// Records an operation with one result of `shape`, unless an operand is the result of an error.
  func record(
    _ kind: ProgramOperation.Kind, _ inputs: [Tensor?], _ shape: Shape, sizes: [Int], reals: [Float] = []
  ) -> Tensor {
    guard accepts(kind.name, inputs) else { return Tensor(tape: self, id: -1, shape: shape) }
    let id = emit(kind, inputs.map { $0?.id }, results: [shape.count], sizes: sizes, reals: reals)[0] ?? -1
    return Tensor(tape: self, id: id, shape: shape)
  }

  /// Records that no gradient flows through `id`.
  func detach(_ id: Int) { if id >= 0 { detached.insert(id) } }

  /// Whether all operands are of this tape and sound.
  func accepts(_ operation: String, _ operands: [Tensor?]) -> Bool {
    for operand in operands {
      guard let operand else { continue }
      guard operand.tape === self else {
        _ = refuse(operation, "operands come from two tapes")
        return false
      }
      if operand.id < 0 { return false }
    }
    return true
  }

  /// A stream number of its own for every operation that draws.
  func nextStream() -> Int {
    defer { streams += 1 }
    return streams
  }

  /// The name of a tensor in messages.
  package func name(of id: Int) -> String {
    guard slots.indices.contains(id) else { return "?" }
    if let name = slots[id].name { return name }
    if let writer = operations.first(where: { $0.outputs.contains(id) }) {
      return "\(writer.kind.name)#\(id)"
    }
    return "#\(id)"
  }

  /// Names a tensor for messages.
  package func setName(_ name: String, of id: Int) {
    if slots.indices.contains(id), slots[id].name == nil { slots[id].name = name }
  }
}

/// Ids that a graph reads.
public struct Ids {
  let tensor: Tensor
  public var shape: Shape { tensor.shape }
  public var tape: Tape { tensor.tape }
  package var id: Int { tensor.id }
}

/// A mask that a graph reads: 1 keeps, 0 drops.
public struct Mask {
  let tensor: Tensor
  public var shape: Shape { tensor.shape }
  public var tape: Tape { tensor.tape }
  package var id: Int { tensor.id }
}
