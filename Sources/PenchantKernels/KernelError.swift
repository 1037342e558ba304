import CPenchant

/// What a kernel refused, with the numbers and the repair.
public enum KernelError: Error, Sendable, Equatable {
  /// Sizes that do not fit together.
  case shape(_ call: String, _ detail: String)
  /// A parameter outside its range.
  case value(_ call: String, _ detail: String)
  /// Memory was refused.
  case memory(_ call: String, bytes: Int)
  /// What the C layer reported.
  case status(_ call: String, name: String, sentence: String, repair: String)
}

extension KernelError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .shape(let call, let detail): "\(call): \(detail)"
    case .value(let call, let detail): "\(call): \(detail)"
    case .memory(let call, let bytes): "\(call): \(bytes) bytes of memory were refused; use a smaller batch"
    case .status(let call, let name, let sentence, let repair):
      repair.isEmpty ? "\(call): \(sentence) [\(name)]" : "\(call): \(sentence); \(repair) [\(name)]"
    }
  }
}

/// Throws when a C call did not return `PN_OK`.
@inline(__always)
func check(_ status: pn_status, _ call: StaticString) throws(KernelError) {
  guard status != PN_OK else { return }
  throw .status(
    "\(call)", name: String(cString: pn_status_name(status)),
    sentence: String(cString: pn_status_sentence(status)),
    repair: String(cString: pn_status_repair(status)))
}
