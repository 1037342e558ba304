import Foundation
import PenchantKernels
import TestSupport
import Testing

/// Formulas in Double, with the limits that the header states.
private enum Exact {
  static func sigmoid(_ x: Double) -> Double { x >= 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x)) }
  static func softplus(_ x: Double) -> Double { x > 0 ? x + log1p(exp(-x)) : log1p(exp(x)) }
  static func gated(_ x: Double, _ z: Double) -> Double { x.isInfinite ? max(x, 0) : x * sigmoid(z) }
  static func bend(_ x: Double) -> Double { 2 * (2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x) }
  static func gelu(_ x: Double) -> Double { x.isInfinite ? max(x, 0) : x * 0.5 * erfc(-x / 2.0.squareRoot()) }
  static func logarithm(_ x: Double) -> Double { x < 0 ? .nan : log(x) }
  static func logarithm1p(_ x: Double) -> Double { x < -1 ? .nan : log1p(x) }
}

extension OpCase {
  typealias Map = @Sendable (Span<Float>, inout MutableSpan<Float>) throws -> Void
  typealias Slope = @Sendable (Span<Float>, Span<Float>, inout MutableSpan<Float>) throws -> Void

  /// A function of one element and its gradient.
  static func function(
    _ name: String, _ call: @escaping Map, _ gradient: @escaping Slope,
    at gradientInputs: Distribution = .uniform(-3, 3), within ulps: Double = 2,
    _ reference: @escaping @Sendable (Double) -> Double
  ) -> OpCase {
    OpCase(
      name, shapes: Shapes.vectors,
      inputs: [.uniform, .logNormal, .cauchy, .exactPowersOfTwo, .specials, .finiteBits],
      gradientInputs: gradientInputs,
      call: { _, inputs in
        let x = inputs[0]
        return [try filled(x.count) { y throws in try call(x.span, &y) }]
      },
      reference: { _, inputs in [inputs[0].map(reference)] },
      gradient: { _, inputs, upstream in
        let (x, dy) = (inputs[0], upstream[0])
        return [try filled(x.count) { dx throws in try gradient(x.span, dy.span, &dx) }]
      }, tolerance: .ulp(ulps), gradientTolerance: .close(relative: 1e-6, absolute: 1e-6))
  }

  static func activation(
    _ activation: Activation, at gradientInputs: Distribution = .uniform(-3, 3), within ulps: Double = 2,
    _ reference: @escaping @Sendable (Double) -> Double
  ) -> OpCase {
    function(
      "\(activation.rawValue)_f32", { try activate(activation, $0, into: &$1) },
      { try activationGradient(activation, $0, upstream: $1, into: &$2) }, at: gradientInputs, within: ulps,
      reference)
  }

  static let elementwise: [OpCase] = [
    function("exp_f32", { try exp($0, into: &$1) }, { try expGradient($0, upstream: $1, into: &$2) }) {
      Foundation.exp($0)
    },
    function(
      "log_f32", { try log($0, into: &$1) }, { try logGradient($0, upstream: $1, into: &$2) },
      at: .uniform(0.5, 4),
      Exact.logarithm),
    function("expm1_f32", { try expm1($0, into: &$1) }, { try expm1Gradient($0, upstream: $1, into: &$2) }) {
      Foundation.expm1($0)
    },
    function(
      "log1p_f32", { try log1p($0, into: &$1) }, { try log1pGradient($0, upstream: $1, into: &$2) },
      at: .uniform(-0.5, 4), Exact.logarithm1p),
    function("tanh_f32", { try tanh($0, into: &$1) }, { try tanhGradient($0, upstream: $1, into: &$2) }) {
      Foundation.tanh($0)
    },
    function("erf_f32", { try erf($0, into: &$1) }, { try erfGradient($0, upstream: $1, into: &$2) }) {
      Foundation.erf($0)
    },
    function(
      "sigmoid_f32", { try sigmoid($0, into: &$1) }, { try sigmoidGradient($0, upstream: $1, into: &$2) },
      Exact.sigmoid),
    function(
      "logSigmoid_f32", { try logSigmoid($0, into: &$1) },
      { try logSigmoidGradient($0, upstream: $1, into: &$2) }
    ) {
      -Exact.softplus(-$0)
    },
    function(
      "softplus_f32", { try softplus($0, into: &$1) }, { try softplusGradient($0, upstream: $1, into: &$2) },
      Exact.softplus),
    activation(.none) { $0 },
    activation(.relu, at: .uniform(0.1, 3)) { $0 < 0 ? 0 : $0 },
    activation(.gelu, Exact.gelu),
    activation(.geluTanh) { Exact.gated($0, Exact.bend($0)) },
    activation(.silu, within: 3) { Exact.gated($0, $0) },
    activation(.tanh) { Foundation.tanh($0) },
    activation(.sigmoid, Exact.sigmoid),
  ]

  /// Forward and gradient of sums over rows and masks.
  static let tapeArithmetic: [OpCase] = [
    OpCase(
      "biasGradient_f32", shapes: Shapes.matrices + [[5000, 3]], inputs: [.logNormal, .smallIntegers],
      call: { shape, inputs in
        let dy = inputs[0]
        return [try filled(shape[1]) { db throws in try biasGradient(dy.span, into: &db) }]
      },
      reference: { shape, inputs in
        [(0..<shape[1]).map { c in (0..<shape[0]).reduce(0) { $0 + inputs[0][$1 * shape[1] + c] } }]
      }, tolerance: .ulp(1)),
    OpCase(
      "axpy_f32", shapes: Shapes.vectors, inputs: [.smallIntegers], counts: { [$0[0], $0[0]] },
      call: { _, inputs in
        var y = inputs[1]
        let x = inputs[0]
        var span = y.mutableSpan
        try axpy(-2, x.span, into: &span)
        return [y]
      },
      reference: { _, inputs in [zip(inputs[0], inputs[1]).map { -2 * $0 + $1 }] }, tolerance: .exact),
    OpCase(
      "dropout_f32", shapes: Shapes.vectors,
      call: { _, inputs in
        let x = inputs[0]
        return [
          try filled(x.count) { y throws in
            try dropout(x.span, p: 0.25, seed: 3, stream: 5, first: 7, into: &y)
          }
        ]
      },
      reference: { _, inputs in
        var draws = RandomStream(seed: 3, stream: 5, next: 7)
        let kept = (try? draws.uniforms(inputs[0].count)) ?? []
        return [zip(inputs[0], kept).map { $1 >= 0.25 ? $0 / 0.75 : 0 }]
      }, tolerance: .ulp(2)),
  ]
}

@Suite struct ElementwiseTests {
  @Test(arguments: OpCase.elementwise + OpCase.tapeArithmetic) func matchesReference(_ op: OpCase) throws {
    try op.compare()
  }

  @Test(arguments: OpCase.elementwise) func gradientIsRight(_ op: OpCase) throws { try op.checkGradient() }

  @Test(arguments: OpCase.elementwise + OpCase.tapeArithmetic, [2, 3, 5]) func sameBits(
    _ op: OpCase, _ threads: Int
  ) throws {
    try op.checkBits(threads)
  }

  @Test func gradientsSaturateWithoutNaN() throws {
    let x: [Float] = [-1e30, -200, -50, 50, 200, 1e30, -.infinity, .infinity]
    let ones = [Float](repeating: 1, count: x.count)
    for activation in Activation.allCases where activation != .none {
      let slopes = try filled(x.count) { dx throws in
        try activationGradient(activation, x.span, upstream: ones.span, into: &dx)
      }
      let right: Float = [.tanh, .sigmoid].contains(activation) ? 0 : 1
      for (place, slope) in zip(x, slopes) {
        let expected = place > 0 ? right : 0
        #expect(abs(slope - expected) < 1e-20, "\(activation) at \(place): \(slope)")
      }
    }
  }

  @Test func sigmoidOfOppositesAddsUpToOne() throws {
    var generator = TestGenerator(stream: "sigmoid")
    for _ in 0..<1000 {
      let x = generator.floats(1, .cauchy)[0]
      let pair = [x, -x]
      let y = try filled(2) { y throws in try sigmoid(pair.span, into: &y) }
      #expect(ulps(y[0], 1 - Double(y[1]), scale: 1) <= 1)
    }
  }

  @Test func dropoutKeepsTheShareItPromises() throws {
    let ones = [Float](repeating: 1, count: 100_000)
    let y = try filled(ones.count) { y throws in try dropout(ones.span, p: 0.1, seed: 1, stream: 2, into: &y)
    }
    let kept = y.count { $0 != 0 }
    let allowed = 5 * (9_000.0).squareRoot()
    #expect(abs(Double(kept) - 90_000) < allowed)
    let none = try filled(4) { y throws in
      let x: [Float] = [1, 2, 3, 4]
      try dropout(x.span, p: 1, seed: 1, stream: 2, into: &y)
    }
    #expect(none == [0, 0, 0, 0])
  }

  @Test func shapesThatDifferAreNamed() {
    let x: [Float] = [1, 2, 3]
    #expect(throws: KernelError.shape("sigmoid", "x has 3 elements, y has 2")) {
      _ = try filled(2) { y throws in try sigmoid(x.span, into: &y) }
    }
    #expect(throws: KernelError.self) { _ = try filled(2) { y throws in try biasGradient(x.span, into: &y) } }
    #expect(throws: KernelError.self) {
      _ = try filled(3) { y throws in try dropout(x.span, p: 1.5, seed: 1, stream: 1, into: &y) }
    }
  }

  @Test func refusedMemoryIsACleanError() throws {
    let dy = [Float](repeating: 1, count: 64)
    let points = try FaultInjection.sweep {
      (try? filled(8) { db throws in try biasGradient(dy.span, into: &db) }) != nil
    }
    #expect(points == 2)
  }
}
