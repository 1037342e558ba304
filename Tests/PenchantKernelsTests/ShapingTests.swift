import Foundation
import PenchantKernels
import TestSupport
import Testing

private func sigmoid(_ x: Double) -> Double { x >= 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x)) }

/// Table 3.1 of the specification, in Double.
private func formula(_ f: ShapingFunction, _ z: Double) -> Double {
  switch f.kind {
  case .linear: return z
  case .sigmoid: return z.isNaN ? .nan : sigmoid(z)
  case .tanh: return tanh(z)
  case .polynomial:
    if z.isNaN { return .nan }
    if abs(z) >= 5 { return z < 0 ? 0 : 1 }
    return ((2.0266917e-4 * z * z - 1.01309121e-2) * z * z + 0.228788512) * z + 0.5
  case .logSigmoid: return z.isNaN ? .nan : min(z, 0) - log1p(exp(-abs(z)))
  case .clip: return z.isNaN ? .nan : min(max(z, f.bounds.lowerBound), f.bounds.upperBound)
  }
}

/// `[rewards, references a prompt, prompts]`; 0 prompts: row i is of prompt i.
private func prompts(_ shape: [Int]) -> [UInt32]? {
  shape[1] > 0 && shape[2] > 0 ? (0..<shape[0]).map { UInt32($0 * 7 % shape[2]) } : nil
}

private func shaped(
  _ f: ShapingFunction, _ rewards: [Float], references: [Float] = [], perPrompt: Int = 0,
  prompts: [UInt32]? = nil
) throws -> [Float] {
  try filled(rewards.count) { (span) throws(KernelError) in
    try shapeRewards(
      f, rewards.span, prompts: prompts?.span, references: references.isEmpty ? nil : references.span,
      perPrompt: perPrompt, into: &span)
  }
}

extension OpCase {
  fileprivate static func shaping(_ name: String, _ f: ShapingFunction) -> OpCase {
    OpCase(
      "shaping_\(name)",
      shapes: Shapes.sizes.flatMap { n in [[n, 0, 0], [n, 1, 3], [n, 10, 5]] } + [
        [1, 1, 0], [257, 3, 0], [5000, 8, 4999], [12_289, 1, 0],
      ],
      inputs: [.uniform, .cauchy, .exactPowersOfTwo],
      counts: { [$0[0], $0[1] * ($0[2] > 0 ? $0[2] : $0[0])] },
      call: { shape, x in
        [try shaped(f, x[0], references: x[1], perPrompt: shape[1], prompts: prompts(shape))]
      },
      reference: { shape, x in
        let (m, own) = (shape[1], prompts(shape))
        return [
          x[0].indices.map { i in
            if m == 0 { return formula(f, f.slope * (x[0][i] - f.shift)) }
            let row = own.map { Int($0[i]) } ?? i
            let all = (0..<m).map { formula(f, f.slope * (x[0][i] - f.shift - x[1][row * m + $0])) }
            return all.reduce(0, +) / Double(m)
          }
        ]
      },
      // Terms of a mean are rounded to float one by one; those of the linear kind may cancel.
      tolerance: .close(relative: 3e-6, absolute: f.kind == .linear ? 3e-5 : 1e-6))
  }

  fileprivate static let shapings: [OpCase] = [
    .shaping("linear", ShapingFunction(.linear)), .shaping("par", ShapingFunction(.sigmoid)),
    .shaping("par3", ShapingFunction(.sigmoid, slope: 3)),
    .shaping("sgfc", ShapingFunction(.sigmoid, shift: 3)),
    .shaping("tanh", ShapingFunction(.tanh)), .shaping("polynomial", ShapingFunction(.polynomial)),
    .shaping("lsc", ShapingFunction(.logSigmoid)),
    .shaping("clip", ShapingFunction(.clip, bounds: -1...0.5)),
    .shaping("ceil", ShapingFunction(.clip, bounds: -Double.infinity...3)),
    .shaping("meanstd", ShapingFunction(.linear, slope: 1 / 1.7, shift: 0.3)),
  ]
}

@Suite struct ShapingTests {
  @Test(arguments: OpCase.shapings) func matchesReference(_ op: OpCase) throws { try op.compare() }
  @Test(arguments: OpCase.shapings, [2, 3, 5])
  func sameBits(_ op: OpCase, _ threads: Int) throws { try op.checkBits(threads) }

  /// Without references and shift z is the reward itself: the bound of the header holds at every float.
  @Test(arguments: ShapingFunction.Kind.allCases)
  func everyFloatIsWithinItsBound(_ kind: ShapingFunction.Kind) throws {
    var generator = TestGenerator(stream: "shaping \(kind)")
    let x = generator.floats(20_000, .finiteBits) + generator.floats(20_000, .cauchy) + specialValues
    let f = ShapingFunction(kind, bounds: -2...2)
    let got = try shaped(f, x)
    for (x, y) in zip(x, got) {
      let want = formula(f, Double(x))
      if kind == .polynomial, abs(x) < 5 {
        #expect(abs(Double(y) - want) < 4e-7, "\(x)")
      } else {
        #expect(ulps(y, want) <= 4, "\(kind) of \(x) is \(y), \(want) expected")
      }
    }
  }

  /// The coefficients are those of the fit that they claim to be.
  @Test func polynomialIsTheLeastSquaresFit() {
    let points = (0..<100).map { -5 + 10 * Double($0) / 99 }
    var a = [[Double]](repeating: [Double](repeating: 0, count: 7), count: 6)
    for z in points {
      let powers = (0..<6).map { pow(z, Double($0)) }
      for i in 0..<6 {
        for j in 0..<6 { a[i][j] += powers[i] * powers[j] }
        a[i][6] += powers[i] * sigmoid(z)
      }
    }
    for i in 0..<6 {
      for k in 0..<6 where k != i {
        let factor = a[k][i] / a[i][i]
        for j in 0..<7 { a[k][j] -= factor * a[i][j] }
      }
    }
    let found = (0..<6).map { a[$0][6] / a[$0][$0] }
    let written = [0.5, 0.228788512, 0, -1.01309121e-2, 0, 2.0266917e-4]
    for (x, y) in zip(found, written) { #expect(abs(x - y) < 1e-9) }
  }

  @Test func hostileRewardsStayInTheirPlace() throws {
    let x: [Float] = [.nan, .infinity, -.infinity, 1e38, -1e38, 0]
    let par = try shaped(
      ShapingFunction(.sigmoid), x, references: [0, 0, .infinity], perPrompt: 1,
      prompts: [0, 1, 1, 0, 0, 2])
    #expect(par[0].isNaN && par[1] == 1 && par[2] == 0 && par[3] == 1 && par[4] == 0 && par[5] == 0)
    let same = try shaped(ShapingFunction(.sigmoid), [.infinity], references: [.infinity], perPrompt: 1)
    #expect(same[0].isNaN)
  }

  @Test func rewardsThatDoNotFitAreRefused() {
    #expect(throws: KernelError.shape("shapeRewards", "3 references are not 2 a prompt")) {
      try shaped(ShapingFunction(.linear), [0], references: [1, 2, 3], perPrompt: 2)
    }
    #expect(throws: KernelError.shape("shapeRewards", "1 rewards, references of 2 prompts")) {
      try shaped(ShapingFunction(.linear), [0], references: [1, 2], perPrompt: 1)
    }
    for f in [
      ShapingFunction(.linear, slope: .nan), ShapingFunction(.sigmoid, shift: .infinity),
    ] { #expect(throws: KernelError.self) { try shaped(f, [0]) } }
    #expect(throws: KernelError.self) {
      try shaped(ShapingFunction(.linear), [0, 0], references: [1], perPrompt: 1, prompts: [0, 1])
    }
    #expect(throws: KernelError.self) {
      try shaped(ShapingFunction(.linear), [0], references: [], perPrompt: 2, prompts: [0])
    }
    #expect(throws: Never.self) { try shaped(ShapingFunction(.linear), []) }
  }

  @Test func misalignedRowsGiveTheSameRewards() throws {
    var generator = TestGenerator(stream: "misaligned shaping")
    let (x, r) = (generator.floats(1003, .uniform), generator.floats(2006, .uniform))
    let whole = try shaped(ShapingFunction(.sigmoid), x, references: r, perPrompt: 2)
    for cut in 1...3 {
      let part = try shaped(
        ShapingFunction(.sigmoid), Array(x[cut...]), references: Array(r[(2 * cut)...]), perPrompt: 2)
      #expect(bits(part) == bits(Array(whole[cut...])))
    }
  }

  @Test func lengthCostsBeyondTheLimitOnly() throws {
    let (rewards, lengths): ([Float], [UInt32]) = ([1, 1, 1, .nan], [300, 301, .max, 400])
    let got = try filled(4) { (span) throws(KernelError) in
      try penaliseLength(rewards.span, lengths: lengths.span, limit: 300, rate: 0.01, into: &span)
    }
    #expect(got[0] == 1 && got[1] == 0.99 && got[3].isNaN)
    #expect(Double(got[2]) == Double(Float(1 - 0.01 * Double(UInt32.max - 300))))
  }
}

@Suite struct RewardMomentsTests {
  private func onePass(_ x: [Float]) -> (mean: Double, spread: Double) {
    let mean = x.reduce(0) { $0 + Double($1) } / Double(x.count)
    return (mean, x.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) })
  }

  /// However the rewards are cut, the statistics are those of one pass (Chan, Golub & LeVeque).
  @Test(arguments: [[1], [2], [5, 1, 7], [4096], [4097, 3], [10_007, 1, 4095], [50_000]])
  func mergedBatchesEqualOnePass(_ cuts: [Int]) throws {
    var generator = TestGenerator(stream: "moments \(cuts)")
    for distribution in [Distribution.uniform, .uniform(1000, 1001), .logNormal] {
      let x = generator.floats(cuts.reduce(0, +), distribution)
      var moments = RewardMoments()
      var first = 0
      for cut in cuts {
        try moments.add(Array(x[first..<first + cut]).span)
        first += cut
      }
      let want = onePass(x)
      #expect(moments.count == Double(x.count))
      #expect(abs(moments.mean - want.mean) <= 1e-12 * abs(want.mean) + 1e-13)
      #expect(abs(moments.spread - want.spread) <= 1e-9 * want.spread + 1e-18)
      if distribution.description == Distribution.uniform.description {
        #expect(abs(moments.spread - want.spread) <= 1e-12 * want.spread + 1e-24)
      }
      #expect(Float(moments.low) == x.min() && Float(moments.high) == x.max())
    }
  }

  @Test func equalRewardsHaveNoSpread() throws {
    var moments = RewardMoments()
    #expect(moments.deviation == 0)
    try moments.add([Float](repeating: 0.1, count: 5000).span)
    #expect(moments.spread == 0 && moments.low == moments.high && Float(moments.mean) == 0.1)
    try moments.add([Float]().span)
    #expect(moments.count == 5000)
  }

  @Test func rewardsThatAreNotFiniteAreNamedAndLeftOut() throws {
    var moments = RewardMoments()
    try moments.add([Float](arrayLiteral: 1, 2).span)
    let before = moments
    for bad in [Float.nan, .infinity] {
      #expect(throws: KernelError.value("RewardMoments.add", "reward 1 is \(bad)")) {
        try moments.add([Float](arrayLiteral: 0, bad).span)
      }
      #expect(moments == before)
    }
    try moments.add([Float](arrayLiteral: .greatestFiniteMagnitude, -.greatestFiniteMagnitude).span)
    #expect(moments.deviation.isFinite && moments.deviation > 1e38)
  }

  @Test(arguments: [2, 3, 5]) func sameBits(_ threads: Int) throws {
    var generator = TestGenerator(stream: "moments bits")
    let x = generator.floats(30_011, .cauchy)
    func run() throws -> RewardMoments {
      var moments = RewardMoments()
      try moments.add(x.span)
      return moments
    }
    let one = try Team.with(threads: 1) { () throws in try run() }
    #expect(try Team.with(threads: threads) { () throws in try run() } == one)
  }

  @Test(arguments: [[1, 2], [7, 10], [513, 8], [3, 5000]]) func thresholdsMatchTheFormula(_ shape: [Int])
    throws
  {
    var generator = TestGenerator(stream: "thresholds \(shape)")
    let x = generator.floats(shape[0] * shape[1], .uniform)
    let got = try filled(shape[0]) { (span) throws(KernelError) in
      try rewardThresholds(references: x.span, perPrompt: shape[1], quantile: 1.0364334, into: &span)
    }
    for row in 0..<shape[0] {
      let own = onePass(Array(x[row * shape[1]..<(row + 1) * shape[1]]))
      let want = own.mean + 1.0364334 * ((own.spread / Double(shape[1] - 1)).squareRoot() + 1e-5)
      #expect(abs(Double(got[row]) - want) < 1e-6)
    }
  }

  @Test func oneReferenceHasNoDeviation() {
    #expect(
      throws: KernelError.shape("rewardThresholds", "1 references a prompt; a deviation needs two")
    ) {
      try filled(1) { (span) throws(KernelError) in
        let x: [Float] = [1]
        try rewardThresholds(references: x.span, perPrompt: 1, quantile: 1, into: &span)
      }
    }
  }
}
