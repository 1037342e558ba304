import Foundation
import TestSupport
import Testing
import PenchantKernels

@testable import PenchantTrain

@Suite struct MetricsTests {
  @Test func countedByHand() {
    let m = PairMetrics(chosen: [2, 1, 0, 1], rejected: [0, 1, 1, -2])
    #expect(m.accuracy == 0.625)
    let loss: Double = [-2.0, 0, 1, -3].map { log(1 + exp($0)) }.reduce(0, +) / 4
    #expect(abs(m.logLoss - loss) < 1e-15)
    let misses = [2.0, 0, -1, 3].map { 1 / (1 + exp($0)) }
    let brier: Double = misses.map { $0 * $0 }.reduce(0, +) / 4
    #expect(abs(m.brier - brier) < 1e-15)
    #expect(m.chosen == 1 && m.rejected == 0 && m.margin == 1)
  }

  /// AUC against its definition: every margin against the negative of every margin.
  @Test func aucEqualsItsDefinition() {
    var draws = Philox(seed: testSeed)
    for n in [1, 2, 7, 50] {
      let margins = (0..<n).map { _ in Double(draws.index(below: 9)) - 3 }
      let weights = (0..<n).map { _ in Double(1 + draws.index(below: 3)) }
      var wins = 0.0
      for i in 0..<n {
        for j in 0..<n { wins += weights[i] * weights[j] * PairMetrics.hit(margins[i] + margins[j]) }
      }
      let total = weights.reduce(0, +)
      let expected = wins / (total * total)
      #expect(abs(PairMetrics.auc(margins: margins, weights: weights) - expected) < 1e-12)
    }
  }

  @Test func extremesStayFinite() {
    #expect(softplus(800) == 800)
    #expect(softplus(-800) == 0)
    #expect(sigmoid(-800) == 0 && sigmoid(800) == 1)
    #expect(PairMetrics(margins: [1e308, -1e308]).accuracy == 0.5)
    #expect(PairMetrics(margins: []).logLoss.isNaN)
    #expect(PairMetrics(margins: [.nan]).logLoss.isNaN)
  }

  @Test func reliabilityOfATrueModelIsGood() {
    var draws = Philox(seed: 5)
    var margins: [Double] = []
    for _ in 0..<20_000 {
      let m = draws.normal() * 2
      margins.append(draws.uniform() < sigmoid(m) ? m : -m)
    }
    #expect(Reliability(margins: margins).ece < 0.012)
    // Twice too sure: the temperature finds it.
    #expect(abs(TemperatureScaling(fitting: margins.map { 2 * $0 }).temperature - 2) < 0.06)
    #expect(Reliability(margins: margins.map { 2 * $0 }).ece > 0.03)
  }

  @Test func temperatureHasAZeroDerivative() {
    let margins = [2.0, -1, 0.5, 3, -0.2, 1]
    let t = TemperatureScaling(fitting: margins).temperature
    func loss(_ t: Double) -> Double { margins.map { softplus(-$0 / t) }.reduce(0, +) }
    #expect(loss(t) <= loss(t * 1.001) && loss(t) <= loss(t / 1.001))
    // No wrong answer: any smaller temperature is better; it ends at a small positive one.
    #expect((1e-3...0.01).contains(TemperatureScaling(fitting: [1, 2, 3]).temperature))
    #expect(TemperatureScaling(fitting: []).temperature == 1)
  }

  /// Values of scipy.stats.kendalltau (tau-b).
  @Test func kendallTauEqualsTheReference() {
    #expect(abs(kendallTau([12, 2, 1, 12, 2], [1, 4, 7, 1, 0]) - -0.471_404_520_791_031_7) < 1e-15)
    #expect(kendallTau([1, 2, 3, 4], [1, 2, 3, 4]) == 1)
    #expect(kendallTau([1, 2, 3, 4], [4, 3, 2, 1]) == -1)
    #expect(kendallTau([1, 1], [1, 2]).isNaN)
    #expect(kendallTau([1], [1]).isNaN)
    var draws = Philox(seed: testSeed)
    let a = (0..<60).map { _ in Double(draws.index(below: 20)) }
    let b = (0..<60).map { _ in Double(draws.index(below: 20)) }
    var concordant = 0.0
    var ta = 0.0
    var tb = 0.0
    for i in 0..<60 {
      for j in 0..<i {
        concordant += ((a[i] - a[j]) * (b[i] - b[j])).signum
        ta += a[i] == a[j] ? 0 : 1
        tb += b[i] == b[j] ? 0 : 1
      }
    }
    let expected = concordant / (ta * tb).squareRoot()
    #expect(abs(kendallTau(a, b) - expected) < 1e-14)
  }

  @Test func bootstrapIsRepeatableAndCovers() {
    var draws = Philox(seed: 1)
    let values = (0..<400).map { _ in draws.uniform() < 0.7 ? 1.0 : 0 }
    let interval = Bootstrap(seed: 9).mean(values)
    #expect(interval == Bootstrap(seed: 9).mean(values))
    // The normal approximation is good here: 1.96 sqrt(p q / n).
    let p = values.reduce(0, +) / 400
    let half = 1.96 * (p * (1 - p) / 400).squareRoot()
    let (low, high) = (p - half, p + half)
    #expect(abs(interval.low - low) < 0.01)
    #expect(abs(interval.high - high) < 0.01)
    // Ten copies of each value in a group carry no more information than one.
    let copies = values.flatMap { Array(repeating: $0, count: 10) }
    let grouped = Bootstrap(seed: 9).mean(
      copies, groups: values.indices.flatMap { Array(repeating: "\($0)", count: 10) })
    let widths = (grouped.high - grouped.low, interval.high - interval.low)
    #expect(abs(widths.0 - widths.1) < 0.01)
  }

  @Test func sumsAreCompensated() {
    #expect([1e16, 1, -1e16].sum() == 1)
    #expect([Double.infinity, 1].sum() == .infinity)
  }
}

extension Double {
  fileprivate var signum: Double { self > 0 ? 1 : self < 0 ? -1 : 0 }
}
