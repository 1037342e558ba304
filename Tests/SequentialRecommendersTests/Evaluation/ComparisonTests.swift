import Foundation
import PenchantKernels
import PenchantTrain
import SequentialRecommenders
import TestSupport
import Testing

@Suite struct PairedComparisonTests {
  @Test func aClearDifferenceIsFoundAndNoneIsNot() throws {
    var generator = TestGenerator(stream: "paired")
    let first = (0..<400).map { _ in generator.unit() }
    let better = try PairedComparison(first, first.map { $0 + 0.05 + 0.1 * (generator.unit() - 0.5) })
    #expect(abs(better.difference - 0.05) < 0.02)
    #expect(better.interval.low > 0.03 && better.interval.high < 0.07)
    #expect(better.pValue == 1.0 / 1001)
    let same = try PairedComparison(first, first.map { $0 + 0.1 * (generator.unit() - 0.5) })
    #expect(same.interval.low < 0 && same.interval.high > 0)
    #expect(same.pValue > 0.05)
    let equal = try PairedComparison(first, first)
    #expect(equal.difference == 0 && equal.pValue == 1)
  }

  @Test func theIntervalIsThatOfTheNormalLaw() throws {
    var generator = TestGenerator(stream: "normal")
    let second = (0..<900).map { _ in 0.1 + generator.normal() }
    let got = try PairedComparison([Double](repeating: 0, count: 900), second)
    let mean = second.reduce(0, +) / 900
    let deviation = (second.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / 900).squareRoot()
    let half = 1.96 * deviation / 30
    #expect(abs(got.interval.low - (mean - half)) < 0.01 && abs(got.interval.high - (mean + half)) < 0.01)
    // Two-sided tail of the normal law at the observed mean.
    let tail = erfc(abs(mean) / (deviation / 30) / 2.0.squareRoot())
    #expect(abs(got.pValue - tail) < 0.02)
  }

  @Test func casesOfAUserAreDrawnTogether() throws {
    // Twenty copies of each of ten users: the interval must be that of the ten.
    let ten = (0..<10).map { Double($0 % 3) - 0.8 }
    let many = ten.flatMap { [Double](repeating: $0, count: 20) }
    let users = (0..<10).flatMap { [Int32](repeating: Int32($0), count: 20) }
    let zero = [Double](repeating: 0, count: 200)
    let grouped = try PairedComparison(zero, many, users: users)
    let alone = try PairedComparison(Array(zero.prefix(10)), ten)
    let naive = try PairedComparison(zero, many)
    func width(_ comparison: PairedComparison) -> Double {
      comparison.interval.high - comparison.interval.low
    }
    #expect(abs(width(grouped) - width(alone)) < 1e-12)
    #expect(width(naive) < 0.4 * width(grouped))
  }

  @Test func sameSeedSameBits() throws {
    let (a, b) = ([0.1, 0.4, 0.2], [0.3, 0.1, 0.9])
    let got = try PairedComparison(a, b, bootstrap: Bootstrap(replicates: 50, seed: 7))
    let again = try Team.with(threads: 5) { () throws in
      try PairedComparison(a, b, bootstrap: Bootstrap(replicates: 50, seed: 7))
    }
    #expect(got == again)
  }

  @Test func listsMustFit() throws {
    #expect(throws: KernelError.self) { try PairedComparison([1], [1, 2]) }
    #expect(throws: KernelError.self) { try PairedComparison([1], [1], users: [1, 2]) }
    #expect(try PairedComparison([1], [2]).interval.low.isNaN)
  }
}

@Suite struct StepOracleTests {
  private func places(_ above: [UInt32]) throws -> TargetPlaces {
    try TargetPlaces(above: above, tied: [UInt32](repeating: 0, count: above.count))
  }

  @Test func theOracleTakesTheBestStepOfEveryCase() throws {
    let steps = [try places([0, 20, 1]), try places([5, 0, 1])]
    let metric = try RankingMetric(.mrr, at: 10)
    let oracle = try StepOracle(steps: steps, replicas: [steps[0], steps[0]], metric: metric)
    // The sums of the three cases: 1 + 0 + 1/2, 1/6 + 1 + 1/2, and of the better ones 1 + 1 + 1/2.
    let (first, second, best) = (1.5, 1.5 + 1.0 / 6, 2.5)
    #expect(abs(oracle.steps[0] - first / 3) < 1e-15)
    #expect(abs(oracle.steps[1] - second / 3) < 1e-15)
    #expect(abs(oracle.oracle - best / 3) < 1e-15)
    let (two, one) = (2.0 / 3, 1.0 / 3)
    #expect(oracle.bestStep == [two, one])
    let gain = best / second - 1
    #expect(abs(oracle.gain - gain) < 1e-12)
    // Replicas that do not differ gain nothing.
    #expect(oracle.nullGain == 0)
  }

  /// Rankings that know nothing of each other gain much: what the null is for.
  @Test func noiseAloneGains() throws {
    var generator = TestGenerator(stream: "oracle")
    let sets = try (0..<3).map { _ in
      try places((0..<2000).map { _ in UInt32(100 * generator.unit()) })
    }
    let oracle = try StepOracle(
      steps: sets, replicas: sets.reversed(), metric: RankingMetric(.recall, at: 10))
    // 1 - 0.9^3 over 0.1.
    #expect(abs(oracle.oracle - 0.271) < 0.03 && oracle.gain > 1)
    #expect(oracle.nullGain == oracle.gain)
  }

  @Test func setsMustFit() throws {
    let metric = try RankingMetric(.mrr)
    let two = try places([1, 2])
    #expect(throws: KernelError.self) { try StepOracle(steps: [], metric: metric) }
    #expect(throws: KernelError.self) { try StepOracle(steps: [two, places([1])], metric: metric) }
    #expect(throws: KernelError.self) { try StepOracle(steps: [two], replicas: [two, two], metric: metric) }
    #expect(try StepOracle(steps: [two], metric: metric).nullGain == nil)
  }
}

@Suite struct SubgroupTests {
  @Test func groupsAreCutAtQuantiles() throws {
    // History lengths 1...8, the target of the case with length n taken n times.
    let items = 9
    let sequence = (1...9).map { Int32($0) }
    let sequences = try ItemSequences(itemCount: items, sequences: [sequence])
    let cases = try NextItemCases(
      sequences: sequences, users: [Int32](repeating: 0, count: 8), positions: (1...8).map { Int32($0) })
    let values = (1...8).map(Double.init)
    let table = try SubgroupTable(
      metric: "x", values: values, cases: cases, popularity: (0..<9).map { $0 })
    #expect(table.byLength.map(\.count) == [2, 2, 2, 2])
    #expect(table.byLength.map(\.low) == [1, 3, 5, 7] && table.byLength.map(\.high) == [2, 4, 6, 8])
    #expect(table.byLength.map(\.value) == [1.5, 3.5, 5.5, 7.5])
    #expect(table.byPopularity.map(\.count) == [2, 2, 2, 2])
    #expect(
      table.cells.map { $0.map(\.count) } == [[2, 0, 0, 0], [0, 2, 0, 0], [0, 0, 2, 0], [0, 0, 0, 2]])
    #expect(table.cells[0][1].value == nil)
    #expect(table.text.contains("7.5000 (2)"))
  }

  @Test func equalValuesStayTogether() throws {
    let sequences = try ItemSequences(itemCount: 2, sequences: [[1, 2], [2, 1], [1, 1, 1, 1]])
    let cases = try NextItemCases(sequences: sequences, users: [0, 1, 2], positions: [1, 1, 3])
    let table = try SubgroupTable(metric: "x", values: [1, 0, 1], cases: cases, popularity: [7, 7])
    #expect(table.byLength.map(\.count) == [2, 1] && table.byPopularity.map(\.count) == [3])
    #expect(throws: KernelError.self) {
      try SubgroupTable(metric: "x", values: [1], cases: cases, popularity: [7, 7])
    }
    let none = try cases.selecting([])
    #expect(
      try SubgroupTable(metric: "x", values: [], cases: none, popularity: [7, 7]).byLength.map(\.count) == [0]
    )
  }
}
