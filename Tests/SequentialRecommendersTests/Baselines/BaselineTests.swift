import PenchantKernels
import SequentialRecommenders
import TestSupport
import Testing

private func scores(_ model: some SequenceScorer, _ histories: [[Int32]]) throws -> [[Float]] {
  var out = [Float](repeating: .nan, count: histories.count * model.itemCount)
  try model.score(histories: histories.map { $0[...] }, into: &out)
  return histories.indices.map { Array(out[$0 * model.itemCount..<($0 + 1) * model.itemCount]) }
}

private let train = [[1, 2, 3], [1, 2, 4], [2, 3], [5], []] as [[Int32]]

@Suite struct BaselineTests {
  private let sequences: ItemSequences

  init() throws { sequences = try ItemSequences(itemCount: 6, sequences: train) }

  @Test func popularityCountsEvents() throws {
    #expect(try scores(PopularityModel(sequences), [[], [3]]) == [[2, 3, 2, 1, 1, 0], [2, 3, 2, 1, 1, 0]])
  }

  @Test func markovIsThePosteriorMean() throws {
    let model = try MarkovModel(sequences, .init(smoothing: 2))
    let q = [2, 3, 2, 1, 1, 0].map { Double($0) / 9 }
    // After 2: 3 twice and 4 once.
    let after2 = [0, 0, 2, 1, 0, 0].enumerated().map { (Double($1) + 2 * q[$0]) / 5 }
    let got = try scores(model, [[], [5, 1, 2], [3]])
    for (column, want) in q.enumerated() { #expect(abs(Double(got[0][column]) - want) < 1e-6) }
    for (column, want) in after2.enumerated() { #expect(abs(Double(got[1][column]) - want) < 1e-6) }
    // Nothing was seen after 3: popularity.
    for (column, want) in q.enumerated() { #expect(abs(Double(got[2][column]) - want) < 1e-6) }
    for row in got { #expect(abs(row.reduce(0, +) - 1) < 1e-5) }
  }

  @Test func neighboursAreShrunkCosines() throws {
    let model = try ItemNeighbours(sequences, .init(neighbours: 10, shrinkage: 1, decay: 0.5))
    // Holders: 1: 2, 2: 3, 3: 2, 4: 1. Together: 12: 2, 13: 1, 14: 1, 23: 2, 24: 1.
    func s(_ c: Double, _ a: Double, _ b: Double) -> Double { c / ((a * b).squareRoot() + 1) }
    let near2 = [s(2, 2, 3), 0, s(2, 3, 2), s(1, 3, 1), 0, 0]
    let near3 = [s(1, 2, 2), s(2, 3, 2), 0, 0, 0, 0]
    let got = try scores(model, [[2], [2, 3], [], [6]])
    for column in 0..<6 {
      #expect(abs(Double(got[0][column]) - near2[column]) < 1e-6)
      #expect(abs(Double(got[1][column]) - (near3[column] + 0.5 * near2[column])) < 1e-6)
    }
    #expect(got[2].allSatisfy { $0 == 0 } && got[3].allSatisfy { $0 == 0 })
    let one = try ItemNeighbours(sequences, .init(neighbours: 1, shrinkage: 1, decay: 0.5))
    #expect(try scores(one, [[2]])[0].count { $0 > 0 } == 1)
  }

  /// Against counting pairs of sets, on lists with repeated items.
  @Test func coOccurrencesCountHistoriesOnce() throws {
    var generator = TestGenerator(stream: "together")
    let histories = (0..<80).map { _ in
      (0..<Int.random(in: 0...12, using: &generator)).map { _ in Int32.random(in: 1...15, using: &generator) }
    }
    let model = try ItemNeighbours(
      ItemSequences(itemCount: 15, sequences: histories), .init(neighbours: 15, shrinkage: 0, decay: 1))
    let sets = histories.map(Set.init)
    for item in 1...15 as ClosedRange<Int32> {
      let got = try scores(model, [[item]])[0]
      for other in 1...15 as ClosedRange<Int32> where other != item {
        let both = Double(sets.count { $0.contains(item) && $0.contains(other) })
        let scale = Double(sets.count { $0.contains(item) }) * Double(sets.count { $0.contains(other) })
        #expect(abs(Double(got[Int(other) - 1]) - (both > 0 ? both / scale.squareRoot() : 0)) < 1e-6)
      }
      #expect(got[Int(item) - 1] == 0)
    }
  }

  @Test func threadsDoNotMatter() throws {
    let law = try SyntheticLog()
    let split = try SequenceSplit.leaveOneOut(law.log())
    let histories = (0..<20).map { Array(split.test.history($0)) }
    func run(_ threads: Int) throws -> [[[Float]]] {
      try Team.with(threads: threads) { () throws in
        [try scores(ItemNeighbours(split.train), histories), try scores(MarkovModel(split.train), histories)]
      }
    }
    let want = try run(1)
    for threads in [2, 3, 8] { #expect(try run(threads) == want) }
  }

  @Test func wrongCallsAreRefused() throws {
    for smoothing in [0, -1, Double.nan, .infinity] {
      #expect(throws: KernelError.self) { try MarkovModel(sequences, .init(smoothing: smoothing)) }
    }
    for (k, shrinkage, decay) in [(0, 1, 1), (1, -1, 1), (1, 1, 0), (1, 1, 1.5), (1, .nan, 1)]
      as [(Int, Double, Double)]
    {
      #expect(throws: KernelError.self) {
        try ItemNeighbours(sequences, .init(neighbours: k, shrinkage: shrinkage, decay: decay))
      }
    }
    #expect(throws: KernelError.self) { try CoOccurrences(sequences, limit: 1) }
    for item in [0, 7, -1] as [Int32] {
      #expect(throws: KernelError.self) { try scores(MarkovModel(sequences), [[item]]) }
      #expect(throws: KernelError.self) { try scores(ItemNeighbours(sequences), [[item]]) }
    }
    var few: [Float] = [0]
    #expect(throws: KernelError.self) { try PopularityModel(sequences).score(histories: [[1]], into: &few) }
  }

  @Test func emptyCataloguesAreFine() throws {
    let none = try ItemSequences(itemCount: 0, sequences: [])
    #expect(try scores(PopularityModel(none), [[]]) == [[]])
    #expect(try scores(MarkovModel(none), [[]]) == [[]])
    #expect(try scores(ItemNeighbours(none), [[]]) == [[]])
  }

  @Test func theBestOnValidationIsChosen() throws {
    let split = try SequenceSplit.leaveOneOut(SyntheticLog().log())
    let metric = try RankingMetric(.ndcg, at: 10)
    let choice = try BaselineChoice(MarkovModel.Configuration.grid, on: split.validation, metric: metric) {
      try MarkovModel(split.train, $0)
    }
    #expect(choice.trials.count == 4 && choice.trials.allSatisfy { $0.value <= choice.value })
    #expect(choice.trials.contains { $0.value < choice.value })
    #expect(throws: KernelError.self) {
      try BaselineChoice([], on: split.validation, metric: metric) { (_: Int) in PopularityModel(split.train)
      }
    }
  }
}
