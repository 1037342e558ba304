import PenchantKernels
import TestSupport
import Testing

/// Integers, so that scores are exact and many of them tie.
private struct Contest {
  let shape: RankingShape
  let queries: [Float]
  let items: [Float]
  let bias: [Float]
  let mask: [UInt8]
  let excluded: [[UInt32]]
  let targets: [UInt32]

  init(_ n: Int, _ items: Int, _ width: Int) {
    var generator = TestGenerator(stream: "contest \(n) \(items) \(width)")
    let small = Distribution.uniform(-2.5, 2.5)
    shape = RankingShape(queries: n, items: items, width: width)
    queries = generator.floats(n * width, small).map { $0.rounded() }
    self.items = generator.floats(items * width, small).map { $0.rounded() }
    bias = generator.floats(items, small).map { $0.rounded() }
    mask = (0..<items).map { _ in Int.random(in: 0..<8, using: &generator) == 0 ? 0 : 1 }
    excluded = (0..<n).map { query in
      items == 0 ? [] : (0..<query % 5).map { _ in UInt32.random(in: 0..<UInt32(items), using: &generator) }
    }
    targets = (0..<n).map { _ in items == 0 ? 0 : UInt32.random(in: 0..<UInt32(items), using: &generator) }
  }

  func score(_ query: Int, _ item: Int) -> Double {
    (0..<shape.width).reduce(Double(bias[item])) {
      $0 + Double(queries[query * shape.width + $1]) * Double(items[item * shape.width + $1])
    }
  }

  func kept(_ query: Int) -> [Int] {
    (0..<shape.items).filter { mask[$0] == 1 && !excluded[query].contains(UInt32($0)) }
  }

  func top(_ count: Int) throws -> RankedItems {
    try topItems(
      count, shape, queries: queries.span, items: items.span, bias: bias.span, mask: mask.span,
      excluding: try Exclusions(excluded))
  }
}

@Suite struct RankTests {
  @Test(arguments: [
    [1, 1, 1], [1, 2100, 16], [1, 1025, 37], [3, 5, 2], [5, 63, 3], [20, 65, 4], [65, 200, 3], [17, 1025, 5],
    [130, 300, 2], [2, 0, 3],
  ])
  func bestItemsAreThoseOfASort(_ numbers: [Int]) throws {
    let contest = Contest(numbers[0], numbers[1], numbers[2])
    for count in [0, 1, 7, 1000] {
      let got = try contest.top(count)
      for query in 0..<numbers[0] {
        let kept = contest.kept(query).map { (score: contest.score(query, $0), id: $0) }
        let sorted = kept.sorted { a, b in a.score == b.score ? a.id < b.id : a.score > b.score }
        for place in 0..<count {
          let (id, score) = (got.ids[query * count + place], got.scores[query * count + place])
          if place < sorted.count {
            #expect(id == UInt32(sorted[place].id) && Double(score) == sorted[place].score)
          } else {
            #expect(id == RankedItems.none && score == -.infinity)
          }
        }
      }
      let again = try Team.with(threads: 3) { () throws in try contest.top(count) }
      #expect(again == got)
    }
  }

  @Test func equalRowsComeInOrderOfTheirIds() throws {
    let shape = RankingShape(queries: 1, items: 5000, width: 3)
    let got = try topItems(
      20, shape, queries: [1, 2, 3].span, items: [Float](repeating: 0.1, count: 15_000).span)
    #expect(got.ids == Array(0..<20))
  }

  @Test func scoresThatAreNotNumbersAreNeverReturned() throws {
    let shape = RankingShape(queries: 1, items: 5, width: 1)
    let got = try topItems(4, shape, queries: [1].span, items: [.nan, -.infinity, 3, .infinity, -3].span)
    #expect(got.ids == [3, 2, 4, RankedItems.none] && got.scores == [.infinity, 3, -3, -.infinity])
  }

  /// Rows of all lengths and sizes, among them ones that cannot be bounded; the query as well.
  @Test(arguments: [1, 15, 16, 37, 64, 300])
  func aScreenChangesNothing(_ width: Int) throws {
    var generator = TestGenerator(stream: "screen \(width)")
    let shape = RankingShape(queries: 1, items: 3000, width: width)
    var items = (0..<shape.items * width).map { _ in Float(generator.normal()) }
    for row in stride(from: 0, to: shape.items, by: 7) {
      let factor: Float = [0, 1e-30, 1e-11, 1e-3, 1e3, 1e11, 1e30, .nan, .infinity, 1][row / 7 % 10]
      for i in row * width..<(row + 1) * width { items[i] *= factor }
    }
    let screen = try ItemScreen(items: shape.items, width: width, items.span)
    let plain = (0..<shape.items * width).map { _ in Float(generator.normal()) }
    let plainScreen = try ItemScreen(items: shape.items, width: width, plain.span)
    let bias = (0..<shape.items).map { _ in Float(generator.normal()) }.map { $0 > 3 ? .nan : $0 }
    for scale: Float in [1, 1e-20, 1e-9, 1e9, 1e20, 0, .nan] {
      let query = (0..<width).map { _ in Float(generator.normal()) }.map { $0 * scale }
      for count in [1, 10, 3000] {
        for (rows, screen) in [(items, screen), (plain, plainScreen)] {
          let want = try topItems(count, shape, queries: query.span, items: rows.span, bias: bias.span)
          let got = try Team.with(threads: 2) { () throws in
            try topItems(
              count, shape, queries: query.span, items: rows.span, screen: screen, bias: bias.span)
          }
          #expect(got == want, "\(count) by a query of \(scale)")
        }
      }
    }
    let (one, other) = ([Float](repeating: 1, count: width), RankingShape(queries: 1, items: 1, width: width))
    #expect(throws: KernelError.self) {
      try topItems(1, other, queries: one.span, items: one.span, screen: screen)
    }
  }

  @Test func rowsOfScoresAreRanked() throws {
    var generator = TestGenerator(stream: "scores")
    let scores = generator.floats(3 * 500, .smallIntegers)
    let mask = (0..<1500).map { UInt8($0 % 3 == 0 ? 0 : 1) }
    let got = try topScores(9, rows: 3, columns: 500, scores: scores.span, mask: mask.span)
    for row in 0..<3 {
      let want = (0..<500).filter { mask[row * 500 + $0] == 1 }
        .sorted { (scores[row * 500 + $0], $1) > (scores[row * 500 + $1], $0) }.prefix(9)
      #expect(Array(got.ids[row * 9..<row * 9 + 9]) == want.map(UInt32.init))
    }
    let few = try topScores(3, rows: 1, columns: 2, scores: [.nan, 1].span)
    #expect(few.ids == [1, RankedItems.none, RankedItems.none])
  }

  @Test(arguments: [[1, 1, 1], [5, 63, 3], [65, 200, 3], [17, 1025, 5], [130, 300, 2]])
  func ranksAreThoseOfCounting(_ numbers: [Int]) throws {
    let contest = Contest(numbers[0], numbers[1], numbers[2])
    func run() throws -> TargetRanks {
      try ranks(
        ofTargets: contest.targets.span, contest.shape, queries: contest.queries.span,
        items: contest.items.span,
        bias: contest.bias.span, mask: contest.mask.span, excluding: try Exclusions(contest.excluded))
    }
    let got = try run()
    for query in 0..<numbers[0] {
      let target = Int(contest.targets[query])
      let own = contest.score(query, target)
      let others = contest.kept(query).filter { $0 != target }.map { contest.score(query, $0) }
      #expect(got.above[query] == UInt32(others.count { $0 > own }))
      #expect(got.tied[query] == UInt32(others.count { $0 == own }))
      #expect(Double(got.scores[query]) == own)
    }
    #expect(try Team.with(threads: 3) { () throws in try run() } == got)
  }

  @Test(arguments: [[1, 1, 1], [5, 63, 3], [65, 200, 3], [17, 1025, 5], [3, 7, 0]])
  func ranksInRowsOfScoresAreThoseOfTheVectors(_ numbers: [Int]) throws {
    let contest = Contest(numbers[0], numbers[1], numbers[2])
    let scores = (0..<numbers[0]).flatMap { query in
      (0..<numbers[1]).map { Float(contest.score(query, $0)) }
    }
    func run() throws -> (ranks: TargetRanks, missing: [UInt32]) {
      try ranks(
        ofTargets: contest.targets.span, rows: numbers[0], columns: numbers[1], scores: scores.span,
        excluding: try Exclusions(contest.excluded))
    }
    let got = try run()
    let want = try ranks(
      ofTargets: contest.targets.span, contest.shape, queries: contest.queries.span,
      items: contest.items.span, bias: contest.bias.span, excluding: try Exclusions(contest.excluded))
    #expect(got.ranks == want)
    #expect(got.missing.allSatisfy { $0 == 0 })
    #expect(try Team.with(threads: 3) { () throws in try run() } == got)
  }

  @Test func scoresThatAreMissingAreCountedApart() throws {
    let got = try ranks(
      ofTargets: [1, 1].span, rows: 2, columns: 4, scores: [.nan, 1, 2, .nan, 3, .nan, 1, 2].span,
      excluding: try Exclusions([[0, 2], [3, 3]]))
    #expect(got.ranks.above == [0, 2] && got.ranks.tied == [0, 0] && got.missing == [2, 1])
    #expect(throws: KernelError.self) {
      try ranks(ofTargets: [4].span, rows: 1, columns: 4, scores: [1, 2, 3, 4].span)
    }
    #expect(throws: KernelError.shape("ranks", "-1 rows of 4")) {
      try ranks(ofTargets: [0].span, rows: -1, columns: 4, scores: [0].span)
    }
  }

  @Test func aTargetThatIsNotANumberStandsLast() throws {
    let got = try ranks(
      ofTargets: [1].span, RankingShape(queries: 1, items: 4, width: 1), queries: [1].span,
      items: [1, .nan, 2, .nan].span)
    #expect(got.above == [2] && got.tied == [0])
  }

  @Test func idsOutsideAreRefused() throws {
    let shape = RankingShape(queries: 1, items: 2, width: 1)
    #expect(throws: KernelError.self) {
      try topItems(1, shape, queries: [1].span, items: [1, 2].span, excluding: try Exclusions([[2]]))
    }
    #expect(throws: KernelError.self) {
      try ranks(ofTargets: [2].span, shape, queries: [1].span, items: [1, 2].span)
    }
    #expect(throws: KernelError.value("topItems", "65537 items asked for, 0 to 65536 are possible")) {
      try topItems(65_537, shape, queries: [1].span, items: [1, 2].span)
    }
  }
}
