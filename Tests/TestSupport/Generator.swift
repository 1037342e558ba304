/// SplitMix64: the tests' own source of numbers, independent of the library's.
public struct TestGenerator: RandomNumberGenerator, Sendable {
  private var state: UInt64

  /// Streams of one seed are independent; a name makes a stream.
  public init(seed: UInt64 = testSeed, stream: String = "") {
    state = stream.utf8.reduce(seed &* 0x9E37_79B9_7F4A_7C15) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
  }

  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// Uniform in the open interval (0, 1).
  public mutating func unit() -> Double { (Double(next() >> 11) + 0.5) * 0x1p-53 }

  /// Standard normal.
  public mutating func normal() -> Double {
    (-2 * logarithm(unit())).squareRoot() * cosine(2 * .pi * unit())
  }

  /// `count` values of a distribution.
  public mutating func floats(_ count: Int, _ distribution: Distribution) -> [Float] {
    (0..<count).map { _ in distribution.draw(&self) }
  }
}
