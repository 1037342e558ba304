import Foundation
import PenchantKernels
import TestSupport
import Testing

/// Rows in Double, from the formulas.
private enum Exact {
  static func rows(_ x: [Double], _ columns: Int, _ body: (ArraySlice<Double>) -> [Double]) -> [Double] {
    guard columns > 0 else { return [] }
    return stride(from: 0, to: x.count, by: columns).flatMap { body(x[$0..<$0 + columns]) }
  }

  static func softmax(_ x: ArraySlice<Double>) -> [Double] {
    let top = x.max() ?? 0
    guard !x.contains(where: \.isNaN) else { return x.map { _ in .nan } }
    guard top > -.infinity else { return x.map { _ in 0 } }
    let e = x.map { exp($0 - top) }
    let total = e.reduce(0, +)
    return e.map { $0 / total }
  }

  static func logSoftmax(_ x: ArraySlice<Double>) -> [Double] {
    let top = x.max() ?? 0
    guard !x.contains(where: \.isNaN) else { return x.map { _ in .nan } }
    guard top > -.infinity else { return x.map { _ in -.infinity } }
    guard top < .infinity else { return x.map { _ in .nan } }
    // The largest term is 1: the others go through log1p, so that small results keep their digits.
    let place = x.firstIndex(of: top)
    let rest = x.indices.reduce(0) { $1 == place ? $0 : $0 + exp(x[$1] - top) }
    return x.map { ($0 - top) - log1p(rest) }
  }

  static func layerNorm(_ x: ArraySlice<Double>, _ gain: [Double], _ bias: [Double], _ eps: Double)
    -> [Double]
  {
    let n = Double(x.count)
    let mean = x.reduce(0, +) / n
    let variance = x.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / n
    return zip(x, zip(gain, bias)).map { ($0 - mean) / (variance + eps).squareRoot() * $1.0 + $1.1 }
  }

  static func rmsNorm(_ x: ArraySlice<Double>, _ gain: [Double], _ eps: Double) -> [Double] {
    let square = x.reduce(0) { $0 + $1 * $1 } / Double(x.count)
    return zip(x, gain).map { $0 / (square + eps).squareRoot() * $1 }
  }
}

private func mask(_ shape: [Int]) -> [UInt8] {
  (0..<shape[0] * shape[1]).map { $0 % 7 == 2 || $0 % 11 < 3 ? 0 : 1 }
}

private func masked(_ x: [Double], _ shape: [Int]) -> [Double] {
  zip(x, mask(shape)).map { $1 == 1 ? $0 : -.infinity }
}

/// A layer norm with what its gradient needs.
private struct Normed {
  let y: [Float]
  let sum: [Float]
  let mean: [Float]
  let rstd: [Float]

  init(
    _ x: [Float], adding residual: [Float]? = nil, gain: [Float], bias: [Float]? = nil, eps: Float = 1e-5
  ) throws {
    let rows = gain.isEmpty ? 0 : x.count / gain.count
    var (y, sum) = (x, x)
    var (mean, rstd) = ([Float](repeating: 0, count: rows), [Float](repeating: 0, count: rows))
    do {
      var ys = y.mutableSpan
      var sums = sum.mutableSpan
      var means = mean.mutableSpan
      var rstds = rstd.mutableSpan
      if let residual, let bias {
        try layerNorm(
          x.span, adding: residual.span, gain: gain.span, bias: bias.span, eps: eps, into: &ys, sum: &sums,
          mean: &means, rstd: &rstds)
      } else if let bias {
        try layerNorm(
          x.span, gain: gain.span, bias: bias.span, eps: eps, into: &ys, mean: &means, rstd: &rstds)
      } else {
        try rmsNorm(x.span, gain: gain.span, eps: eps, into: &ys, rstd: &rstds)
      }
    }
    (self.y, self.sum, self.mean, self.rstd) = (y, sum, mean, rstd)
  }

  /// Gradients of x, gain and bias; for an RMS norm of x and gain.
  func gradient(
    _ h: [Float], gain: [Float], upstream: [Float], through: [Float]? = nil, centred: Bool = true
  ) throws -> [[Float]] {
    var dx = h
    var dgain = gain
    var dbias = gain
    let extra = through ?? [Float](repeating: 0, count: h.count)
    var dxs = dx.mutableSpan
    var dgains = dgain.mutableSpan
    guard centred else {
      try rmsNormGradient(
        h.span, gain: gain.span, rstd: rstd.span, upstream: upstream.span, into: &dxs, gain: &dgains)
      return [dx, dgain]
    }
    var dbiases = dbias.mutableSpan
    try layerNormGradient(
      h.span, gain: gain.span, mean: mean.span, rstd: rstd.span, upstream: upstream.span,
      throughSum: extra.span,
      into: &dxs, gain: &dgains, bias: &dbiases)
    return [dx, dgain, dbias]
  }
}

extension OpCase {
  static let norms: [OpCase] = [
    OpCase(
      "softmax_f32", shapes: Shapes.matrices + [[5, 3706]],
      inputs: [.uniform, .uniform(-40, 40), .uniform(-1e4, 1e4), .logNormal, .exactPowersOfTwo, .specials],
      call: { shape, inputs in
        let x = inputs[0]
        return [try filled(x.count) { y throws in try softmax(x.span, columns: shape[1], into: &y) }]
      },
      reference: { shape, x in [Exact.rows(x[0], shape[1], Exact.softmax)] },
      gradient: { shape, inputs, upstream in
        let (x, dy) = (inputs[0], upstream[0])
        let y = try filled(x.count) { y throws in try softmax(x.span, columns: shape[1], into: &y) }
        return [
          try filled(x.count) { dx throws in
            try softmaxGradient(y.span, columns: shape[1], upstream: dy.span, into: &dx)
          }
        ]
      }, tolerance: .ulp(4), gradientTolerance: .close(relative: 1e-5, absolute: 2e-7)),
    OpCase(
      "maskedSoftmax_f32", shapes: Shapes.matrices, inputs: [.uniform, .uniform(-40, 40), .specials],
      call: { shape, inputs in
        let (x, mask) = (inputs[0], mask(shape))
        return [
          try filled(x.count) { y throws in try softmax(x.span, columns: shape[1], mask: mask.span, into: &y)
          }
        ]
      },
      reference: { shape, x in [Exact.rows(masked(x[0], shape), shape[1], Exact.softmax)] },
      tolerance: .ulp(4)),
    OpCase(
      "logSoftmax_f32", shapes: Shapes.matrices + [[5, 3706]],
      inputs: [.uniform, .uniform(-40, 40), .uniform(-1e4, 1e4), .logNormal, .exactPowersOfTwo, .specials],
      call: { shape, inputs in
        let x = inputs[0]
        return [try filled(x.count) { y throws in try logSoftmax(x.span, columns: shape[1], into: &y) }]
      },
      reference: { shape, x in [Exact.rows(x[0], shape[1], Exact.logSoftmax)] },
      gradient: { shape, inputs, upstream in
        let (x, dy) = (inputs[0], upstream[0])
        let y = try filled(x.count) { y throws in try logSoftmax(x.span, columns: shape[1], into: &y) }
        return [
          try filled(x.count) { dx throws in
            try logSoftmaxGradient(y.span, columns: shape[1], upstream: dy.span, into: &dx)
          }
        ]
      }, tolerance: .ulpAbove(4, floor: 0x1p-28), gradientTolerance: .close(relative: 1e-5, absolute: 1e-6)),
    OpCase(
      "maskedLogSoftmax_f32", shapes: Shapes.matrices, inputs: [.uniform, .specials],
      call: { shape, inputs in
        let (x, mask) = (inputs[0], mask(shape))
        return [
          try filled(x.count) { y throws in
            try logSoftmax(x.span, columns: shape[1], mask: mask.span, into: &y)
          }
        ]
      },
      reference: { shape, x in [Exact.rows(masked(x[0], shape), shape[1], Exact.logSoftmax)] },
      tolerance: .ulpAbove(4, floor: 0x1p-28)),
    OpCase(
      "layerNorm_f32", shapes: Shapes.matrices,
      inputs: [.uniform, .uniform(1000, 1001), .logNormal, .exactPowersOfTwo],
      gradientInputs: .uniform, counts: { [$0[0] * $0[1], $0[1], $0[1]] },
      call: { _, inputs in [try Normed(inputs[0], gain: inputs[1], bias: inputs[2], eps: 0.125).y] },
      reference: { shape, x in
        [Exact.rows(x[0], shape[1]) { Exact.layerNorm($0, x[1], x[2], 0.125) }]
      },
      gradient: { _, inputs, upstream in
        try Normed(inputs[0], gain: inputs[1], bias: inputs[2], eps: 0.125)
          .gradient(inputs[0], gain: inputs[1], upstream: upstream[0])
      }, tolerance: .ulpOfLargest(4), gradientTolerance: .close(relative: 1e-5, absolute: 2e-5)),
    OpCase(
      "rmsNorm_f32", shapes: Shapes.matrices, inputs: [.uniform, .logNormal, .exactPowersOfTwo],
      gradientInputs: .uniform, counts: { [$0[0] * $0[1], $0[1]] },
      call: { _, inputs in [try Normed(inputs[0], gain: inputs[1], eps: 0.125).y] },
      reference: { shape, x in [Exact.rows(x[0], shape[1]) { Exact.rmsNorm($0, x[1], 0.125) }] },
      gradient: { _, inputs, upstream in
        try Normed(inputs[0], gain: inputs[1], eps: 0.125)
          .gradient(inputs[0], gain: inputs[1], upstream: upstream[0], centred: false)
      }, tolerance: .ulpOfLargest(4), gradientTolerance: .close(relative: 1e-5, absolute: 2e-5)),
  ]
}

@Suite struct NormTests {
  @Test(arguments: OpCase.norms) func matchesReference(_ op: OpCase) throws { try op.compare() }
  @Test(arguments: OpCase.norms) func gradientIsRight(_ op: OpCase) throws { try op.checkGradient() }
  @Test(arguments: OpCase.norms, [2, 3, 5]) func sameBits(_ op: OpCase, _ threads: Int) throws {
    try op.checkBits(threads)
  }

  @Test func rowThatIsMaskedAsAWholeGivesZeros() throws {
    let x: [Float] = [1, .nan, .infinity, 2, 3, 4]
    let mask: [UInt8] = [0, 0, 0, 1, 1, 0]
    let y = try filled(6) { y throws in try softmax(x.span, columns: 3, mask: mask.span, into: &y) }
    #expect(y[0..<3].allSatisfy { $0 == 0 })
    #expect(y[5] == 0)
    #expect(abs(y[3] + y[4] - 1) < 1e-6)
    let z = try filled(6) { z throws in try logSoftmax(x.span, columns: 3, mask: mask.span, into: &z) }
    #expect(z[0..<3].allSatisfy { $0 == -Float.infinity })
    let dy: [Float] = [1, 2, 3, 1, 2, .nan]
    let dx = try filled(6) { dx throws in
      try logSoftmaxGradient(z.span, columns: 3, upstream: dy.span, into: &dx)
    }
    #expect(dx[0..<3].allSatisfy { $0 == 0 })
    #expect(dx[5] == 0)
    #expect(dx[3].isFinite)
    #expect(dx[4].isFinite)
  }

  /// Small integers shift exactly, so the bits must stay.
  @Test func softmaxDoesNotSeeAShift() throws {
    var generator = TestGenerator(stream: "shift")
    for _ in 0..<1000 {
      let columns = Int.random(in: 1...40, using: &generator)
      let x = generator.floats(columns, .smallIntegers)
      let shifted = x.map { $0 + 1000 }
      let y = try filled(columns) { y throws in try softmax(x.span, columns: columns, into: &y) }
      let z = try filled(columns) { y throws in try softmax(shifted.span, columns: columns, into: &y) }
      #expect(y == z)
    }
  }

  @Test func layerNormDoesNotSeeScaleOrShift() throws {
    var generator = TestGenerator(stream: "layerNorm")
    for columns in [2, 19, 64, 65] {
      let x = generator.floats(3 * columns, .smallIntegers)
      let moved = x.map { $0 * 4 + 4096 }
      let (gain, bias) = ([Float](repeating: 1, count: columns), [Float](repeating: 0, count: columns))
      let (before, after) = (
        try Normed(x, gain: gain, bias: bias, eps: 0).y, try Normed(moved, gain: gain, bias: bias, eps: 0).y
      )
      for (a, b) in zip(before, after) where a.isFinite { #expect(ulps(b, Double(a), scale: 1) <= 4) }
    }
  }

  @Test func residualIsAddedOnceAndItsGradientJoins() throws {
    var generator = TestGenerator(stream: "residual")
    for columns in [7, 16, 70, 1030] {
      let (x, residual) = (
        generator.floats(2 * columns, .smallIntegers), generator.floats(2 * columns, .smallIntegers)
      )
      let (gain, bias) = (generator.floats(columns, .uniform), generator.floats(columns, .uniform))
      let together = zip(x, residual).map { $0 + $1 }
      let fused = try Normed(x, adding: residual, gain: gain, bias: bias)
      #expect(fused.sum == together)
      #expect(bits(try Normed(together, gain: gain, bias: bias).y) == bits(fused.y))
      let (dy, through) = (generator.floats(x.count, .uniform), generator.floats(x.count, .smallIntegers))
      let joined = try fused.gradient(together, gain: gain, upstream: dy, through: through)
      let alone = try fused.gradient(together, gain: gain, upstream: dy)
      for place in x.indices { #expect(joined[0][place] == alone[0][place] + through[place]) }
    }
  }

  @Test func shapesAndParametersAreChecked() throws {
    let x: [Float] = [1, 2, 3]
    let gain: [Float] = [1, 1, 1]
    #expect(throws: KernelError.shape("softmax", "3 values are not rows of 2")) {
      _ = try filled(3) { y throws in try softmax(x.span, columns: 2, into: &y) }
    }
    #expect(throws: KernelError.self) { try Normed(x, gain: gain, eps: -1) }
    #expect(throws: KernelError.self) { try Normed(x, gain: gain, bias: gain, eps: .nan) }
  }

  @Test func refusedMemoryIsACleanError() throws {
    let x: [Float] = [1, 2, 3, 4]
    let (gain, one): ([Float], [Float]) = ([1, 1], [1, 1])
    let normed = try Normed(x, gain: gain, bias: one)
    for centred in [true, false] {
      let points = try FaultInjection.sweep {
        (try? normed.gradient(x, gain: gain, upstream: x, centred: centred)) != nil
      }
      #expect(points == 2)
    }
  }
}
