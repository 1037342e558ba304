import CPenchant

/// Floats in C memory: 64-byte aligned, on huge pages when large, zero at first. One owner, used by one thread
/// at a time.
public final class FloatBuffer {
  /// Number of floats.
  public let count: Int
  let base: UnsafeMutablePointer<Float>

  /// - Throws: `KernelError.memory` when the allocator refuses.
  public init(count: Int) throws(KernelError) {
    let (bytes, overflow) = max(count, 1).multipliedReportingOverflow(by: MemoryLayout<Float>.stride)
    guard count >= 0, !overflow else { throw .value("FloatBuffer", "\(count) floats asked for") }
    guard let block = pn_alloc(bytes) else { throw .memory("FloatBuffer", bytes: bytes) }
    self.count = count
    base = block.initializeMemory(as: Float.self, repeating: 0, count: max(count, 1))
  }

  deinit { pn_free(base) }

  /// Reads the floats.
  public func withSpan<Result, Failure: Error>(
    _ body: (Span<Float>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(UnsafeBufferPointer(start: base, count: count).span)
  }

  /// Reads or writes the floats.
  public func withMutableSpan<Result, Failure: Error>(
    _ body: (inout MutableSpan<Float>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    var span = UnsafeMutableBufferPointer(start: base, count: count).mutableSpan
    return try body(&span)
  }
}

extension FloatBuffer {
  /// Fills a range with uniform draws in [0, 1): draw *i* of (seed, stream) goes to place *i* of the range.
  package func drawUniform(_ range: Range<Int>, seed: UInt64, stream: UInt64) throws(KernelError) {
    try check(range, "FloatBuffer.drawUniform")
    try PenchantKernels.check(
      pn_random_uniform_f32(range.count, seed, stream, 0, base + range.lowerBound), "pn_random_uniform_f32")
  }

  /// Fills a range with standard normal draws.
  package func drawNormal(_ range: Range<Int>, seed: UInt64, stream: UInt64) throws(KernelError) {
    try check(range, "FloatBuffer.drawNormal")
    try PenchantKernels.check(
      pn_random_normal_f32(range.count, seed, stream, 0, base + range.lowerBound), "pn_random_normal_f32")
  }

  private func check(_ range: Range<Int>, _ call: String) throws(KernelError) {
    guard range.lowerBound >= 0, range.upperBound <= count else {
      throw .shape(call, "range \(range) of \(count) floats")
    }
  }
}
