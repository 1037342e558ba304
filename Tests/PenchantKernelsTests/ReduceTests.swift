import PenchantKernels
import TestSupport
import Testing

extension OpCase {
  static let reductions: [OpCase] = [
    OpCase(
      "sum_f32", shapes: Shapes.vectors + [[300_001]],
      inputs: [.logNormal, .smallIntegers, .exactPowersOfTwo],
      call: { _, x in
        let x = x[0]
        return [[Float(sum(x.span))]]
      }, reference: { _, x in [[x[0].reduce(0, +)]] }, tolerance: .ulp(1)),
    OpCase(
      "dot_f32", shapes: Shapes.vectors + [[100_003]], inputs: [.logNormal, .smallIntegers],
      counts: { [$0[0], $0[0]] },
      call: { _, x in
        let (x, y) = (x[0], x[1])
        return [[Float(try dot(x.span, y.span))]]
      },
      reference: { _, x in [[zip(x[0], x[1]).reduce(0) { $0 + $1.0 * $1.1 }]] }, tolerance: .ulp(1)),
    OpCase(
      "sumOfSquares_f32", shapes: Shapes.vectors, inputs: [.uniform, .logNormal, .exactPowersOfTwo],
      call: { _, x in
        let x = x[0]
        return [[Float(sumOfSquares(x.span))]]
      },
      reference: { _, x in [[x[0].reduce(0) { $0 + $1 * $1 }]] }, tolerance: .ulp(1)),
    OpCase(
      "mean_f32", shapes: Shapes.vectors, inputs: [.logNormal, .uniform(1, 2)],
      call: { _, x in
        let x = x[0]
        return [[Float(mean(x.span))]]
      },
      reference: { _, x in [[x[0].isEmpty ? 0 : x[0].reduce(0, +) / Double(x[0].count)]] }, tolerance: .ulp(1)
    ),
    OpCase(
      "extremes_f32", shapes: Shapes.vectors, inputs: [.uniform, .cauchy, .finiteBits, .specials],
      call: { _, x in
        let x = x[0]
        return [[maximum(x.span), minimum(x.span)]]
      },
      reference: { _, x in
        guard !x[0].contains(where: \.isNaN) else { return [[.nan, .nan]] }
        return [[x[0].max() ?? -.infinity, x[0].min() ?? .infinity]]
      }, tolerance: .exact),
    OpCase(
      "countNonfinite_f32", shapes: Shapes.vectors, inputs: [.uniform, .finiteBits, .specials],
      call: { _, x in
        let x = x[0]
        return [[Float(countNonfinite(x.span))]]
      },
      reference: { _, x in [[Double(x[0].count { !$0.isFinite })]] }, tolerance: .exact),
  ]
}

@Suite struct ReduceTests {
  @Test(arguments: OpCase.reductions) func matchesReference(_ op: OpCase) throws { try op.compare() }

  @Test(arguments: OpCase.reductions, [2, 3, 5, 8]) func sameBits(_ op: OpCase, _ threads: Int) throws {
    try op.checkBits(threads)
  }

  @Test func doubleResultHasTheSameBitsForEveryTeam() {
    var generator = TestGenerator(stream: "reduce")
    let x = generator.floats(1_000_003, .cauchy)
    let one = Team.with(threads: 1) { sum(x.span) }
    for threads in [2, 3, 5, 8] {
      #expect(one.bitPattern == Team.with(threads: threads) { sum(x.span) }.bitPattern)
    }
  }

  @Test func lengthsThatDifferAreRefused() {
    #expect(throws: KernelError.shape("dot", "x has 2 elements, y has 3")) {
      let (x, y): ([Float], [Float]) = ([1, 2], [1, 2, 3])
      _ = try dot(x.span, y.span)
    }
  }
}
