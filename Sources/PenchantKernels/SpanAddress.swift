/// Where a span starts. The caller borrows the span for the whole of its body, so the address is good until it returns:
/// that spares a closure for every array of a C call. An empty span and `nil` have no address.
@inline(__always)
func address<Element>(_ span: Span<Element>) -> UnsafePointer<Element>? {
  span.count == 0 ? nil : span.withUnsafeBufferPointer { $0.baseAddress }
}

@inline(__always)
func address<Element>(_ span: Span<Element>?) -> UnsafePointer<Element>? {
  guard let span else { return nil }
  return address(span)
}

@inline(__always)
func address<Element>(_ span: inout MutableSpan<Element>) -> UnsafeMutablePointer<Element>? {
  span.count == 0 ? nil : span.withUnsafeMutableBufferPointer { $0.baseAddress }
}
