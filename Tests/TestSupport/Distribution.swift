import Foundation

/// Where test inputs come from: a name for the repro line and a draw.
public struct Distribution: Sendable, CustomStringConvertible {
  public let description: String
  let draw: @Sendable (inout TestGenerator) -> Float

  public init(_ name: String, _ draw: @escaping @Sendable (inout TestGenerator) -> Float) {
    description = name
    self.draw = draw
  }

  /// Uniform in -4 ..< 4.
  public static let uniform = uniform(-4, 4)

  public static func uniform(_ low: Float, _ high: Float) -> Distribution {
    Distribution("uniform(\(low), \(high))") { min(low + Float($0.unit()) * (high - low), high) }
  }

  /// e^z, z normal: positive, three orders of magnitude.
  public static let logNormal = Distribution("logNormal") { Float(exp($0.normal())) }

  /// Heavy tails: the ratio of two normals.
  public static let cauchy = Distribution("cauchy") { Float(tan(.pi * ($0.unit() - 0.5))) }

  /// +-2^k, k in -8 ... 8: products are exact, sums of few are too.
  public static let exactPowersOfTwo = Distribution("exactPowersOfTwo") {
    let magnitude = Float(sign: .plus, exponent: Int.random(in: -8...8, using: &$0), significand: 1)
    return Bool.random(using: &$0) ? magnitude : -magnitude
  }

  /// Integers in -8 ... 8: sums and products are exact, so that `==` is the right comparison.
  public static let smallIntegers = Distribution("smallIntegers") {
    Float(Int.random(in: -8...8, using: &$0))
  }

  /// Every finite bit pattern with equal chance: all binades, subnormals too.
  public static let finiteBits = Distribution("finiteBits") {
    while true {
      let value = Float(bitPattern: UInt32(truncatingIfNeeded: $0.next()))
      if value.isFinite { return value }
    }
  }

  /// Zeros, infinities, NaN, limits of the format, arguments at which functions change form.
  public static let specials = Distribution("specials") { specialValues.randomElement(using: &$0)! }
}

public let specialValues: [Float] = {
  let positive: [Float] = [
    0, .infinity, .nan, .leastNonzeroMagnitude, .leastNormalMagnitude, .leastNormalMagnitude.nextDown,
    .greatestFiniteMagnitude, .ulpOfOne, 1, 2, 0.5, 88.72284, 87.33655, 103.97208, 104, 89, 17.5, 1e-20, 1e20,
  ]
  return positive + positive.map { -$0 } + [Float(1).nextDown, Float(1).nextUp, Float(-1).nextUp]
}()

func logarithm(_ x: Double) -> Double { log(x) }
func cosine(_ x: Double) -> Double { cos(x) }
