import CPenchant

/// What this machine can do at most: the ceilings that timings are compared with.
public enum Probe {
  /// One pass of `a = b + 3 c`, which moves 12 bytes an element. Runs on the team.
  public static func triad(
    _ b: Span<Float>, _ c: Span<Float>, into a: inout MutableSpan<Float>
  ) throws(KernelError) {
    guard a.count == b.count, b.count == c.count else {
      throw .shape("Probe.triad", "a has \(a.count), b has \(b.count), c has \(c.count)")
    }
    let status = b.withUnsafeBufferPointer { b in
      c.withUnsafeBufferPointer { c in
        a.withUnsafeMutableBufferPointer { a in
          pn_probe_triad_f32(a.count, a.baseAddress, b.baseAddress, c.baseAddress)
        }
      }
    }
    try check(status, "Probe.triad")
  }

  /// `rounds` rounds of 192 floating-point operations on every thread of the team. Returns a sum that means nothing.
  public static func multiplyAdd(rounds: Int) throws(KernelError) -> Float {
    guard rounds >= 0 else { throw .value("Probe.multiplyAdd", "\(rounds) rounds") }
    var sum: Float = 0
    try check(pn_probe_fma_f32(Team.size, rounds, &sum), "Probe.multiplyAdd")
    return sum
  }
}
