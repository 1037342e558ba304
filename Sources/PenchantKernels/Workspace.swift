import CPenchant

/// Runs `body` with memory for a kernel, and throws what the kernel reports.
func withWorkspace(
  _ bytes: Int, _ call: StaticString, _ body: (UnsafeMutableRawPointer?) -> pn_status
) throws(KernelError) {
  // C's SIZE_MAX arrives as -1.
  guard bytes >= 0 else { throw .shape("\(call)", "the sizes overflow") }
  guard bytes > 0 else { return try check(body(nil), call) }
  guard let memory = pn_alloc(bytes) else { throw .memory("\(call)", bytes: bytes) }
  defer { pn_free(memory) }
  try check(body(memory), call)
}

/// The address of a span that may be missing.
func withPointer<Result>(_ span: Span<Float>?, _ body: (UnsafePointer<Float>?) -> Result) -> Result {
  if let span { return span.withUnsafeBufferPointer { body($0.baseAddress) } }
  return body(nil)
}
