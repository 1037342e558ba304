import CPenchant

/// Workspace of one call: what the C side asked for, freed when the call is over.
struct Scratch: ~Copyable {
  let start: UnsafeMutableRawPointer
  let bytes: Int

  /// - Throws: `KernelError.memory` when it is refused or its size overflows.
  init(_ bytes: Int, _ call: StaticString) throws(KernelError) {
    guard bytes >= 0, let start = pn_alloc(bytes) else {
      throw .memory("\(call)", bytes: bytes < 0 ? .max : bytes)
    }
    self.start = start
    self.bytes = bytes
  }

  deinit { pn_free(start) }
}

/// `name has count …` when a count is not the one that the others have.
@inline(__always)
func require(
  _ count: Int, _ name: @autoclosure () -> String, is expected: Int, _ call: StaticString
) throws(KernelError) {
  guard count == expected else {
    throw .shape("\(call)", "\(name()) has \(count) values, \(expected) expected")
  }
}

/// The same for an output, which is left out by having no elements.
@inline(__always)
func requireOutput(
  _ count: Int, _ name: @autoclosure () -> String, is expected: Int, _ call: StaticString
) throws(KernelError) {
  if count > 0 { try require(count, name(), is: expected, call) }
}

/// The same for an array that may be left out.
@inline(__always)
func require<Element>(
  _ span: Span<Element>?, _ name: @autoclosure () -> String, is expected: Int, _ call: StaticString
) throws(KernelError) {
  guard let span else { return }
  try require(span.count, name(), is: expected, call)
}
