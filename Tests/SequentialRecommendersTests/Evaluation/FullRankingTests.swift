import PenchantKernels
import SequentialRecommenders
import TestSupport
import Testing

/// Random histories, every place a case.
private func cases(users: Int, items: Int, longest: Int, stream: String) throws -> NextItemCases {
  var generator = TestGenerator(stream: stream)
  let histories = (0..<users).map { _ in
    (0..<Int.random(in: 1...longest, using: &generator)).map { _ in
      Int32.random(in: 1...Int32(items), using: &generator)
    }
  }
  let sequences = try ItemSequences(itemCount: items, sequences: histories)
  let all = histories.indices.flatMap { user in histories[user].indices.map { (Int32(user), Int32($0)) } }
  return try NextItemCases(sequences: sequences, users: all.map(\.0), positions: all.map(\.1))
}

private struct Misfit: SequenceScorer {
  let itemCount = 3
  func score(histories: [ArraySlice<Int32>], into scores: inout [Float]) throws { scores.removeLast() }
}

@Suite struct FullRankingTests {
  @Test(arguments: [1, 2, 7, 40, 300], TiePolicy.allCases)
  func metricsAreThoseOfTheDefinition(items: Int, ties: TiePolicy) throws {
    let cases = try cases(users: 30, items: items, longest: 6, stream: "metrics \(items)")
    let model = TableScorer.tying(items, levels: 7)
    let result = try FullRanking(listLength: 5, blockBytes: 1).evaluate(model, on: cases)
    #expect(result.count == cases.count)
    for seen in SeenItems.allCases {
      for cutoff in [1, 3, 10, 1000, nil] as [Int?] {
        for kind in RankingMetric.Kind.allCases {
          let got = result[seen].places.values(try RankingMetric(kind, at: cutoff), ties: ties)
          for place in 0..<cases.count {
            let (history, target) = (cases.history(place), Int(cases.target(place)) - 1)
            let scores = (1...items).map { Double(model.table(history, $0)) }
            let candidates = (0..<items).filter {
              seen == .unmasked || $0 == target || !history.contains(Int32($0) + 1)
            }
            let want = RankingReference.value(
              kind, cutoff, target: target, candidates: candidates, scores: scores, ties: ties)
            #expect(abs(got[place] - want) < 1e-12, "\(kind) \(String(describing: cutoff)) case \(place)")
          }
        }
      }
    }
  }

  @Test func aConstantModelGetsChance() throws {
    let cases = try cases(users: 50, items: 40, longest: 4, stream: "constant")
    let places = try FullRanking().evaluate(TableScorer(itemCount: 40) { _, _ in 0.5 }, on: cases).unmasked
      .places
    let recall = try RankingMetric(.recall, at: 10)
    #expect(abs(places.mean(recall) - 0.25) < 1e-12)
    #expect(places.mean(recall, ties: .optimistic) == 1)
    #expect(places.mean(recall, ties: .pessimistic) == 0)
    #expect(places.mean(recall, ties: .averageRank) == 0)
  }

  @Test func aTargetInTheHistoryIsNeverMasked() throws {
    let sequences = try ItemSequences(itemCount: 4, sequences: [[1, 2, 1]])
    let cases = try NextItemCases(sequences: sequences, users: [0], positions: [2])
    let result = try FullRanking(listLength: 2).evaluate(
      TableScorer(itemCount: 4) { _, item in [1, 9, 8, 0][item - 1] }, on: cases)
    #expect(result.unmasked.places.above == [2] && result.masked.places.above == [1])
  }

  @Test func neverRecommendedIsBelowAll() throws {
    let sequences = try ItemSequences(itemCount: 4, sequences: [[1, 2]])
    let cases = try NextItemCases(sequences: sequences, users: [0], positions: [1])
    let result = try FullRanking(listLength: 4).evaluate(
      TableScorer(itemCount: 4) { _, item in item < 3 ? -.infinity : .infinity }, on: cases)
    #expect(result.unmasked.places.above == [2] && result.unmasked.places.tied == [1])
    // Item 1 is masked, so the target's only equal is gone.
    #expect(result.masked.places.above == [2] && result.masked.places.tied == [0])
    #expect(result.unmasked.lists.coverage == 0.5)
  }

  @Test func scoresThatAreNotNumbersAreRefused() throws {
    let cases = try cases(users: 40, items: 9, longest: 3, stream: "nan")
    #expect {
      try FullRanking(blockBytes: 1).evaluate(
        TableScorer(itemCount: 9) { history, item in history.count == 2 && item == 7 ? .nan : 1 }, on: cases)
    } throws: { error in
      let first = (0..<cases.count).first { cases.history($0).count == 2 } ?? -1
      return "\(error)".contains("1 scores of case \(first) are NaN, the first that of item 7")
    }
  }

  @Test func misfitsAreRefused() throws {
    let cases = try cases(users: 2, items: 3, longest: 3, stream: "misfit")
    #expect(throws: KernelError.shape("FullRanking", "the model has 4 items, the cases have 3")) {
      try FullRanking().evaluate(TableScorer(itemCount: 4) { _, _ in 0 }, on: cases)
    }
    #expect(throws: KernelError.self) { try FullRanking().evaluate(Misfit(), on: cases) }
    let model = TableScorer(itemCount: 3) { _, _ in 0 }
    #expect(throws: KernelError.self) { try FullRanking().evaluate(model, on: cases, popularity: [1]) }
    for length in [0, 70_000] {
      #expect(throws: KernelError.self) { try FullRanking(listLength: length).evaluate(model, on: cases) }
    }
    #expect(throws: KernelError.self) { try RankingMetric(.recall, at: 0) }
    #expect(throws: KernelError.self) { try TargetPlaces(above: [1], tied: []) }
  }

  @Test func noCasesAreFine() throws {
    let sequences = try ItemSequences(itemCount: 3, sequences: [])
    let cases = try NextItemCases(sequences: sequences, users: [], positions: [])
    let result = try FullRanking().evaluate(TableScorer(itemCount: 3) { _, _ in 0 }, on: cases)
    let metric = try RankingMetric(.ndcg, at: 10)
    #expect(result.count == 0 && result.unmasked.places.mean(metric).isNaN)
    #expect(result.table().contains("0 cases"))
    let nothing = try ItemSequences(itemCount: 0, sequences: [[]])
    let none = try NextItemCases(sequences: nothing, users: [], positions: [])
    #expect(try FullRanking().evaluate(TableScorer(itemCount: 0) { _, _ in 0 }, on: none).itemCount == 0)
  }

  @Test func threadsAndBlocksDoNotMatter() throws {
    let cases = try cases(users: 120, items: 200, longest: 9, stream: "threads")
    let model = TableScorer.tying(200, levels: 50)
    let popularity = (0..<200).map { $0 % 13 + 1 }
    let want = try FullRanking().evaluate(model, on: cases, popularity: popularity)
    for threads in [1, 2, 3, 8] {
      for bytes in [1, 60_000, 1 << 26] {
        let got = try Team.with(threads: threads) { () throws in
          try FullRanking(blockBytes: bytes).evaluate(model, on: cases, popularity: popularity)
        }
        #expect(got == want)
      }
    }
  }

  @Test func listsAreMeasured() throws {
    // Two cases; lists of the two best: items 3 and 2 for the first, 4 and 3 for the second.
    let sequences = try ItemSequences(itemCount: 4, sequences: [[4, 1], [2, 1]])
    let cases = try NextItemCases(sequences: sequences, users: [0, 1], positions: [1, 1])
    let model = TableScorer(itemCount: 4) { history, item in
      history.contains(4) ? [0, 2, 3, 1][item - 1] : [0, 1, 2, 3][item - 1]
    }
    let lists = try FullRanking(listLength: 2).evaluate(model, on: cases, popularity: [5, 1, 2, 4]).unmasked
      .lists
    #expect(lists.coverage == 0.75 && lists.averagePopularity == (2 + 1 + 4 + 2) / 4)
    #expect(lists.popularityLift == 2.25 / 5)
    #expect(lists.gini == Concentration([0, 1, 2, 1]).gini)
  }

  @Test func tablesNameWhatWasRanked() throws {
    let cases = try cases(users: 5, items: 8, longest: 3, stream: "table")
    let result = try FullRanking().evaluate(TableScorer.tying(8, levels: 3), on: cases)
    let names = result.named(try RankingMetric.all(at: [10])).map(\.name)
    #expect(
      names == [
        "recall@10", "ndcg@10", "mrr@10", "hit@10", "masked/recall@10", "masked/ndcg@10", "masked/mrr@10",
        "masked/hit@10",
      ])
    let table = result.table()
    #expect(table.contains("each target among all 8 items") && table.contains("ndcg@20"))
  }
}
