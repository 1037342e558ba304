import CPenchant

/// One draw after the other from the stream that `RandomStream` fills arrays from: for Swift's own `random(in:using:)`
/// and `shuffled(using:)`.
///
/// Philox 4x32-10 (Salmon et al., SC 2011); two draws a counter.
public struct Philox: RandomNumberGenerator, Sendable {
  private let key: (UInt32, UInt32)
  private let stream: (UInt32, UInt32)
  private var counter: UInt64 = 0
  private var spare: UInt64?

  public init(seed: UInt64, stream: UInt64 = 0) {
    key = (UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32))
    self.stream = (UInt32(truncatingIfNeeded: stream), UInt32(truncatingIfNeeded: stream >> 32))
  }

  public mutating func next() -> UInt64 {
    if let value = spare {
      spare = nil
      return value
    }
    let words = philox(
      (UInt32(truncatingIfNeeded: counter), UInt32(truncatingIfNeeded: counter >> 32), stream.0, stream.1),
      key: key)
    counter &+= 1
    spare = UInt64(words.2) | UInt64(words.3) << 32
    return UInt64(words.0) | UInt64(words.1) << 32
  }

  /// Uniform in 0 ..< 1, 53 bits.
  public mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// Uniform in 0 ..< `count`, without bias; 0 when there is nothing to choose from.
  public mutating func index(below count: Int) -> Int {
    count > 0 ? Int.random(in: 0..<count, using: &self) : 0
  }
}
