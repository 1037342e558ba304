import PenchantKernels
import PreferenceModels
import TestSupport
import Testing

struct ScoreGateTests {
  /// Three scores; the state says which one counts.
  private func corpus(_ count: Int, seed: UInt64) throws -> (pairs: ScoredPairs, states: [Float]) {
    var random = Philox(seed: seed)
    var (differences, states): ([Double], [Float]) = ([], [])
    for _ in 0..<count {
      let kind = random.index(below: 3)
      var x = (0..<3).map { _ in random.normal() - random.normal() }
      if random.uniform() >= 1 / (1 + exponential(-3 * x[kind])) { x = x.map { -$0 } }
      differences += x
      states += (0..<3).map { Float(($0 == kind ? 1 : 0) + 0.1 * random.normal()) }
    }
    return (try ScoredPairs(differences: differences, columns: ["a", "b", "c"]), states)
  }

  @Test func theGateFollowsThePrompt() throws {
    let train = try corpus(3000, seed: 1)
    let test = try corpus(2000, seed: 2)
    var gate = ScoreGate()
    gate.hidden = [16]
    gate.epochs = 10
    let fit = try gate.fit(train.pairs, states: train.states, stateWidth: 3, seed: 7)
    let gated = accuracy(try fit.margins(test.pairs, states: test.states))
    let linear = accuracy(test.pairs.margins(try ScoresOnly().fit(train.pairs).weights))
    #expect(gated > linear + 0.1, "gated \(gated), linear \(linear)")
    let gates = try fit.gates([1, 0, 0, 0, 0, 1])
    let sum = gates[0..<3].reduce(0.0, +)
    #expect(abs(sum - 1) < 1e-5)
    #expect(gates[0] > 0.7 && gates[5] > 0.7)
    #expect(try gate.fit(train.pairs, states: train.states, stateWidth: 3, seed: 7) == fit)
  }

  @Test func decorrelationLeavesNoRankCorrelation() throws {
    var random = Philox(seed: testSeed)
    var scores: [Float] = []
    for _ in 0..<801 {
      let verbosity = random.normal()
      scores += [
        Float(0.8 * verbosity + random.normal()), Float(verbosity), Float(random.normal() - 2 * verbosity),
      ]
    }
    let found = try Decorrelation(scores, width: 3, from: 1)
    #expect(found.factors[1] == 0)
    #expect(abs(found.factors[0] - 0.8) < 0.15 && abs(found.factors[2] + 2) < 0.15)
    let base = stride(from: 1, to: scores.count, by: 3).map { Double(scores[$0]) }
    for column in [0, 2] {
      let left = stride(from: column, to: scores.count, by: 3).map { Double(scores[$0]) }
      let rest = zip(left, base).map { $0 - found.factors[column] * $1 }
      #expect(abs(correlation(order(rest), order(base))) < 1e-3)
    }
    #expect(throws: KernelError.self) { try Decorrelation(scores, width: 3, from: 3) }
  }

  /// Places in ascending order; the values differ.
  private func order(_ values: [Double]) -> [Double] {
    var ranks = [Double](repeating: 0, count: values.count)
    for (rank, place) in values.indices.sorted(by: { values[$0] < values[$1] }).enumerated() {
      ranks[place] = Double(rank)
    }
    return ranks
  }

  @Test func statesThatDoNotFitAreRefused() throws {
    let train = try corpus(10, seed: 1)
    #expect(throws: KernelError.self) {
      try ScoreGate().fit(train.pairs, states: [1], stateWidth: 3, seed: 0)
    }
  }
}
