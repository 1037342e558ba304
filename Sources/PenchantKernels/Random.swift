import CPenchant

/// A stream of random numbers: draw *i* is a function of (seed, stream, i), never of order or thread.
///
/// Philox 4x32-10 (Salmon et al., SC 2011). `next` moves with every call that takes draws, so that two calls that
/// follow each other equal one long call; it is all the state there is, and a checkpoint needs no more.
public struct RandomStream: Sendable, Hashable, Codable {
  public let seed: UInt64
  public let stream: UInt64
  /// Index of the next draw.
  public var next: UInt64

  public init(seed: UInt64, stream: UInt64 = 0, next: UInt64 = 0) {
    self.seed = seed
    self.stream = stream
    self.next = next
  }

  /// Fills with uniform draws in 0 ..< 1, multiples of 2^-24.
  public mutating func uniform(into y: inout MutableSpan<Float>) throws(KernelError) {
    let n = y.count
    try check(pn_random_uniform_f32(n, seed, stream, next, address(&y)), "RandomStream.uniform")
    next += UInt64(n)
  }

  /// Fills with standard normal draws.
  public mutating func normal(into y: inout MutableSpan<Float>) throws(KernelError) {
    let n = y.count
    try check(pn_random_normal_f32(n, seed, stream, next, address(&y)), "RandomStream.normal")
    next += UInt64(n)
  }

  /// Fills with 1 (chance `p`) and 0.
  ///
  /// - Throws: `KernelError.value` unless `p` is in 0...1.
  public mutating func bernoulli(_ p: Float, into mask: inout MutableSpan<UInt8>) throws(KernelError) {
    guard (0...1).contains(p) else {
      throw .value("RandomStream.bernoulli", "p is \(p), it must be in 0...1")
    }
    let n = mask.count
    try check(pn_random_bernoulli_u8(n, p, seed, stream, next, address(&mask)), "RandomStream.bernoulli")
    next += UInt64(n)
  }

  /// Fills with integers in `0..<bound`, exactly unbiased.
  ///
  /// - Throws: `KernelError.value` unless `bound` is positive.
  public mutating func integers(below bound: UInt32, into y: inout MutableSpan<UInt32>) throws(KernelError) {
    guard bound > 0 else { throw .value("RandomStream.integers", "no integer is below 0") }
    let n = y.count
    try check(pn_random_below_u32(n, bound, seed, stream, next, address(&y)), "RandomStream.integers")
    next += UInt64(n)
  }

  /// `count` normal draws.
  public mutating func normals(_ count: Int) throws(KernelError) -> [Float] {
    var values = [Float](repeating: 0, count: count)
    var span = values.mutableSpan
    try normal(into: &span)
    return values
  }

  /// `count` uniform draws in 0 ..< 1.
  public mutating func uniforms(_ count: Int) throws(KernelError) -> [Float] {
    var values = [Float](repeating: 0, count: count)
    var span = values.mutableSpan
    try uniform(into: &span)
    return values
  }
}

/// A random order of `0..<count`, every one equally likely; a function of seed and stream alone.
///
/// - Throws: `KernelError.status` above 2^32 - 1 places.
public func permutation(_ count: Int, seed: UInt64, stream: UInt64 = 0) throws(KernelError) -> [UInt32] {
  guard count >= 0 else { throw .value("permutation", "\(count) places") }
  var order = [UInt32](repeating: 0, count: count)
  try check(pn_random_permutation_u32(count, seed, stream, &order), "permutation")
  return order
}

/// The bare generator: four words from a counter of four and a key of two.
public func philox(
  _ counter: (UInt32, UInt32, UInt32, UInt32), key: (UInt32, UInt32)
) -> (UInt32, UInt32, UInt32, UInt32) {
  var words: (UInt32, UInt32, UInt32, UInt32) = (0, 0, 0, 0)
  withUnsafeBytes(of: counter) { counter in
    withUnsafeBytes(of: key) { key in
      withUnsafeMutableBytes(of: &words) { words in
        pn_philox4x32(
          counter.assumingMemoryBound(to: UInt32.self).baseAddress,
          key.assumingMemoryBound(to: UInt32.self).baseAddress,
          words.assumingMemoryBound(to: UInt32.self).baseAddress)
      }
    }
  }
  return words
}
