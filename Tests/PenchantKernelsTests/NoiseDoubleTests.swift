import Foundation
import PenchantKernels
import TestSupport
import Testing

private func sigmoid(_ x: Double) -> Double { x >= 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x)) }

/// The E-step in double, against its formulas.
@Suite struct NoiseDoubleTests {
  /// Acceptance 1: the identity w = σ(u + a) within 1e-15, the gradient of the marginal within 1e-9.
  @Test(arguments: [-6.9, -1.2, 0, 0.4, 2.2, 6.9])
  func postersAndGradientsAreExact(_ a: Double) throws {
    let u: [Double] = [-40, -9, -3.3, -1, -1e-3, 0, 1e-8, 0.25, 1, 2.7, 12, 37]
    let got = try labelNoise(logits: u, reliability: [a])
    let eta = sigmoid(a)
    func marginal(_ x: Double) -> Double {
      let chance: Double = eta * sigmoid(x) + (1 - eta) * sigmoid(-x)
      return -log(chance)
    }
    for i in u.indices {
      #expect(abs(got.posterior[i] - sigmoid(u[i] + a)) <= 1e-15)
      // Central differences with one Richardson step.
      func slope(_ h: Double) -> Double { (marginal(u[i] + h) - marginal(u[i] - h)) / (2 * h) }
      let richardson = (4 * slope(1e-3) - slope(2e-3)) / 3
      #expect(abs(got.gradient[i] - richardson) <= 1e-9, "u \(u[i])")
      let difference: Double = sigmoid(u[i]) - sigmoid(u[i] + a)
      #expect(abs(got.gradient[i] - difference) <= 1e-15)
    }
    #expect(abs(got.loss - u.map(marginal).reduce(0, +)) <= 1e-12 * (1 + got.loss))
    var information = 0.0
    for x in u {
      let p: Double = sigmoid(x)
      let seen: Double = eta * p + (1 - eta) * (1 - p)
      let score: Double = (2 * p - 1) / seen
      information += score * score
    }
    #expect(abs(got.information[0] - information) <= 1e-12 * information)
  }

  @Test(arguments: Shapes.sizes + [20_011], [1, 2, 227])
  func sumsAreThoseOfAScatterForEveryTeam(_ n: Int, _ k: Int) throws {
    var generator = TestGenerator(stream: "noise64 \(n) \(k)")
    let u = generator.floats(n, .uniform).map(Double.init)
    let ids = (0..<n).map { _ in UInt32.random(in: 0..<UInt32(k), using: &generator) }
    let a = generator.floats(k, .uniform(-2, 3)).map(Double.init)
    let weights = generator.floats(n, .uniform(0, 2)).map(Double.init)
    let got = try Team.with(threads: 1) { () throws in
      try labelNoise(logits: u, annotators: ids, reliability: a, weights: weights)
    }
    var sum = [Double](repeating: 0, count: k)
    var count = sum
    for i in 0..<n {
      sum[Int(ids[i])] += weights[i] * sigmoid(u[i] + a[Int(ids[i])])
      count[Int(ids[i])] += weights[i]
    }
    for j in 0..<k {
      #expect(abs(got.sum[j] - sum[j]) <= 1e-12 * (1 + sum[j]))
      #expect(abs(got.count[j] - count[j]) <= 1e-12 * (1 + count[j]))
    }
    for threads in [2, 3, 5] {
      let again = try Team.with(threads: threads) { () throws in
        try labelNoise(logits: u, annotators: ids, reliability: a, weights: weights)
      }
      #expect(again == got)
    }
  }

  @Test func hostileLogitsStayWithinTheirLimits() throws {
    for a in [Double.infinity, -Double.infinity, 800, -800, 0] {
      let u: [Double] = [.infinity, -Double.infinity, 1e300, -1e300, 0]
      let got: NoiseExpectation = try labelNoise(logits: u, reliability: [a])
      #expect(got.posterior.allSatisfy { (0...1).contains($0) } && got.gradient.allSatisfy(\.isFinite))
      #expect(got.loss.isFinite && got.information[0].isFinite)
    }
    let bad: [Double] = [.nan, 1]
    let poisoned: NoiseExpectation = try labelNoise(logits: bad, reliability: [1])
    #expect(poisoned.posterior[0].isNaN && poisoned.posterior[1].isFinite && poisoned.loss.isNaN)
    let unweighted: NoiseExpectation = try labelNoise(logits: bad, reliability: [1], weights: [0, 1])
    #expect(unweighted.loss.isFinite, "a label of weight 0 adds nothing")
  }

  @Test func unknownAnnotatorsAndLengthsAreRefused() {
    #expect(throws: KernelError.self) {
      try labelNoise(logits: [0, 1], annotators: [0, 2], reliability: [1, 1])
    }
    #expect(throws: KernelError.self) { try labelNoise(logits: [0], reliability: [Double.nan]) }
    #expect(throws: KernelError.self) { try labelNoise(logits: [0], reliability: [Double]()) }
    #expect(throws: KernelError.shape("labelNoise", "annotators has 1 values, 2 expected")) {
      try labelNoise(logits: [0, 1], annotators: [0], reliability: [1])
    }
  }
}
