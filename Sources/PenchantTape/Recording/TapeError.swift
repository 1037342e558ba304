import PenchantKernels

/// What recording, compiling or running refused, with names and shapes.
public enum TapeError: Error, Sendable, Equatable {
  /// An operation was recorded on shapes that do not fit. The first of a tape; thrown when it is compiled.
  case recording(operation: String, detail: String)
  /// A layout or parameter that cannot be.
  case parameter(name: String, detail: String)
  /// Values that do not fit the tensor they are for.
  case value(tensor: String, detail: String)
  /// The program was refused, or a kernel stopped it.
  case program(operation: String, tensor: String?, detail: String)
  /// A loss or gradient was not finite. Parameters and optimiser are as before the step.
  case nonFinite(tensor: String, step: UInt64)
  /// Memory was refused.
  case memory(bytes: Int)
}

extension TapeError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .recording(let operation, let detail): "\(operation): \(detail)"
    case .parameter(let name, let detail): "parameter \"\(name)\": \(detail)"
    case .value(let tensor, let detail): "tensor \"\(tensor)\": \(detail)"
    case .program(let operation, let tensor, let detail):
      tensor.map { "\(operation), tensor \"\($0)\": \(detail)" } ?? "\(operation): \(detail)"
    case .nonFinite(let tensor, let step):
      "step \(step): \"\(tensor)\" is not finite; lower the learning rate, clip gradients or look for NaN in the input"
    case .memory(let bytes): "\(bytes) bytes of memory were refused; use a smaller batch"
    }
  }
}

extension TapeError {
  init(_ error: KernelError) {
    switch error {
    case .memory(_, let bytes): self = .memory(bytes: bytes)
    case .shape(let call, let detail), .value(let call, let detail):
      self = .program(operation: call, tensor: nil, detail: detail)
    case .status(let call, _, _, _): self = .program(operation: call, tensor: nil, detail: error.description)
    }
  }
}
