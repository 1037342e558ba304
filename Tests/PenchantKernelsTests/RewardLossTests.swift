import Foundation
import PenchantKernels
import TestSupport
import Testing

private func softplus(_ x: Double) -> Double { max(x, 0) + log1p(exp(-abs(x))) }
private func sigmoid(_ x: Double) -> Double { x >= 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x)) }

/// Section 5 of the specification, in Double.
private func formula(_ loss: RewardLoss, _ chosen: Double, _ rejected: Double) -> Double {
  let beta = Double(loss.beta)
  let (c, r) = (beta * chosen - Double(loss.shift), beta * rejected - Double(loss.shift))
  switch loss.kind {
  case .nca: return softplus(-c) + softplus(c) / 2 + softplus(r) / 2
  case .bco: return softplus(-c) + softplus(r)
  case .sppo:
    let half = 1 / (2 * beta)
    return (chosen - half) * (chosen - half) + (rejected + half) * (rejected + half)
  case .apoZero: return 1 - sigmoid(c) + sigmoid(r)
  case .apoDown: return sigmoid(c) + 1 - sigmoid(c - r)
  }
}

private func evaluate(
  _ loss: RewardLoss, _ chosen: [Float], _ rejected: [Float], references: ([Float], [Float])? = nil,
  weights: [Float]? = nil, scale: Float = 1
) throws -> (mean: Double, losses: [Float], chosen: [Float], rejected: [Float]) {
  var losses = [Float](repeating: .nan, count: chosen.count)
  var (first, second) = (losses, losses)
  let (a, b) = (references?.0, references?.1)
  var l = losses.mutableSpan
  var c = first.mutableSpan
  var r = second.mutableSpan
  let mean = try rewardLoss(
    loss, chosen: chosen.span, rejected: rejected.span, chosenReference: a?.span, rejectedReference: b?.span,
    weights: weights?.span, gradientScale: scale, losses: &l, chosenGradient: &c, rejectedGradient: &r)
  return (mean, losses, first, second)
}

extension OpCase {
  fileprivate static func reward(_ loss: RewardLoss, referenced: Bool = false) -> OpCase {
    @Sendable func run(_ x: [[Float]], _ weights: [Float]?) throws -> (
      losses: [Float], chosen: [Float], rejected: [Float]
    ) {
      let got = try evaluate(
        loss, x[0], x[1], references: referenced ? (x[2], x[3]) : nil, weights: weights)
      return (got.losses, got.chosen, got.rejected)
    }
    return OpCase(
      "reward_\(loss.kind)\(referenced ? "Reference" : "")", shapes: Shapes.vectors,
      inputs: [.uniform, .exactPowersOfTwo, .logNormal],
      counts: { Array(repeating: $0[0], count: referenced ? 4 : 2) },
      call: { [try run($1, nil).losses] },
      reference: { shape, x in
        [
          (0..<shape[0]).map { i in
            formula(loss, x[0][i] - (referenced ? x[2][i] : 0), x[1][i] - (referenced ? x[3][i] : 0))
          }
        ]
      },
      gradient: {
        let got = try run($1, $2[0])
        return [got.chosen, got.rejected]
      },
      tolerance: .close(relative: 2e-6, absolute: 2e-6))
  }

  fileprivate static let rewards: [OpCase] =
    RewardLoss.Kind.allCases.map { .reward(RewardLoss($0, beta: 0.5)) } + [
      .reward(RewardLoss(.bco, beta: 2, shift: 0.25)), .reward(RewardLoss(.nca, beta: 0.1), referenced: true),
    ]
}

@Suite struct RewardLossTests {
  @Test(arguments: OpCase.rewards) func matchesReference(_ op: OpCase) throws { try op.compare() }
  @Test(arguments: OpCase.rewards) func gradientIsRight(_ op: OpCase) throws { try op.checkGradient() }
  @Test(arguments: OpCase.rewards, [2, 3, 5])
  func sameBits(_ op: OpCase, _ threads: Int) throws { try op.checkBits(threads) }

  @Test(arguments: RewardLoss.Kind.allCases) func hostileRewardsStayInTheirPlace(_ kind: RewardLoss.Kind)
    throws
  {
    let x: [Float] = [.infinity, -.infinity, 1e30, -1e30, 0, .nan, 1, 2]
    let y: [Float] = [0, 0, 0, 0, .nan, 0, 1, -2]
    let got = try evaluate(RewardLoss(kind, beta: 1), x, y)
    #expect(got.losses[5].isNaN && got.losses[4].isNaN && got.mean.isNaN)
    for i in [6, 7] {
      let want = formula(RewardLoss(kind, beta: 1), Double(x[i]), Double(y[i]))
      #expect(abs(Double(got.losses[i]) - want) < 2e-6 && got.chosen[i].isFinite && got.rejected[i].isFinite)
    }
    guard kind != .sppo else { return }
    for i in 0..<4 { #expect(!got.losses[i].isNaN && !got.chosen[i].isNaN, "\(kind) \(x[i])") }
  }

  @Test func misalignedRowsGiveTheSameLosses() throws {
    var generator = TestGenerator(stream: "misaligned")
    let (a, b) = (generator.floats(1003, .uniform), generator.floats(1003, .uniform))
    let whole = try evaluate(RewardLoss(.apoZero, beta: 1), a, b)
    for cut in 1...3 {
      let part = try evaluate(RewardLoss(.apoZero, beta: 1), Array(a[cut...]), Array(b[cut...]))
      #expect(bits(part.losses) == bits(Array(whole.losses[cut...])))
    }
  }

  @Test func weightsScaleLossAndGradient() throws {
    let (a, b): ([Float], [Float]) = ([0.5, -1, 2], [0, 1, -1])
    let plain = try evaluate(RewardLoss(.nca, beta: 1), a, b)
    let twice = try evaluate(RewardLoss(.nca, beta: 1), a, b, weights: [2, 0, 2], scale: 0.5)
    #expect(twice.losses == [2 * plain.losses[0], 0, 2 * plain.losses[2]])
    #expect(twice.chosen == [plain.chosen[0], 0, plain.chosen[2]])
  }

  @Test func parametersOutsideTheirRangeAreRefused() {
    for loss in [
      RewardLoss(.nca, beta: 0), RewardLoss(.bco, beta: .nan), RewardLoss(.sppo, beta: 1, shift: 1),
      RewardLoss(.bco, beta: 1, shift: .infinity),
    ] {
      #expect(throws: KernelError.self, "\(loss)") { try evaluate(loss, [0], [0]) }
    }
    #expect(throws: KernelError.shape("rewardLoss", "rejected has 2 values, 1 expected")) {
      try evaluate(RewardLoss(.nca, beta: 1), [0], [0, 1])
    }
    #expect(throws: Never.self) { try evaluate(RewardLoss(.nca, beta: 1), [], []) }
  }
}

@Suite struct RobustWeightTests {
  private func weights(_ losses: [Float], beta: Float) throws -> (value: Double, weights: [Float]) {
    var out = [Float](repeating: .nan, count: losses.count)
    var span = out.mutableSpan
    let value = try robustWeights(losses: losses.span, beta: beta, into: &span)
    return (value, out)
  }

  @Test(arguments: Shapes.sizes, [0.1, 1, 30] as [Float])
  func matchTheSoftmax(_ n: Int, _ beta: Float) throws {
    var generator = TestGenerator(stream: "dro \(n) \(beta)")
    let losses = generator.floats(n, .uniform(0, 9))
    let got = try weights(losses, beta: beta)
    let low = losses.min().map(Double.init) ?? 0
    let e = losses.map { exp(-(Double($0) - low) / Double(beta)) }
    let sum = e.reduce(0, +)
    for i in 0..<n {
      let want = Double(n) * e[i] / sum
      #expect(abs(Double(got.weights[i]) - want) <= 4e-6 * want + 1e-30)
    }
    if n > 0 {
      #expect(abs(got.value - (low - Double(beta) * log(sum / Double(n)))) <= 1e-5 * Double(beta))
    } else {
      #expect(got.value == 0)
    }
  }

  /// The mean of weight · dℓ is the gradient of the value.
  @Test func areTheGradientOfTheValue() throws {
    let losses: [Float] = [0.2, 1.5, 0.7, 3, 0.01]
    let got = try weights(losses, beta: 1)
    func value(_ x: [Double]) -> Double { -log(x.map { exp(-$0) }.reduce(0, +) / Double(x.count)) }
    for i in losses.indices {
      var (up, down) = (losses.map(Double.init), losses.map(Double.init))
      up[i] += 1e-5
      down[i] -= 1e-5
      #expect(abs((value(up) - value(down)) / 2e-5 - Double(got.weights[i]) / 5) < 1e-7)
    }
  }

  @Test func extremesDoNotOverflow() throws {
    let got = try weights([1e30, 0, .infinity, 1e-30], beta: 1e-3)
    #expect(got.weights == [0, 2, 0, 2] && got.value.isFinite)
    #expect(try weights([.infinity, .infinity], beta: 1).weights == [1, 1])
    #expect(try weights([1, .nan], beta: 1).weights.allSatisfy(\.isNaN))
    #expect(throws: KernelError.self) { try weights([1], beta: 0) }
  }

  @Test(arguments: [2, 3, 5]) func sameBits(_ threads: Int) throws {
    var generator = TestGenerator(stream: "dro bits")
    let losses = generator.floats(20_011, .uniform(0, 5))
    let one = try Team.with(threads: 1) { () throws in try weights(losses, beta: 0.7) }
    let many = try Team.with(threads: threads) { () throws in try weights(losses, beta: 0.7) }
    #expect(bits(one.weights) == bits(many.weights) && one.value == many.value)
  }
}

@Suite struct AlignedLossTests {
  @Test func comparesQuantiles() throws {
    let policy: [Float] = [2, -1, 0.5]
    let reference: [Float] = [0, 3, -2]
    let got = try alignedLoss(policy: policy, reference: reference, beta: 0.5)
    let (p, r) = ([-1, 0.5, 2], [-2.0, 0, 3])
    let margins = zip(p, r).map { 0.5 * ($0 - $1) }
    #expect(abs(got.mean - margins.map { softplus(-$0) }.reduce(0, +) / 3) < 1e-6)
    let slopes = margins.map { -0.5 * sigmoid(-$0) }
    for (place, index) in [1, 2, 0].enumerated() {
      #expect(abs(Double(got.gradient[index]) - slopes[place]) < 1e-6)
    }
  }

  @Test func refusesWhatHasNoOrder() {
    #expect(throws: KernelError.self) { try alignedLoss(policy: [.nan], reference: [0], beta: 1) }
    #expect(throws: KernelError.self) { try alignedLoss(policy: [1], reference: [0, 1], beta: 1) }
    #expect(throws: KernelError.self) { try alignedLoss(policy: [1], reference: [0], beta: 0) }
  }
}
