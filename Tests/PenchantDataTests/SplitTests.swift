import PenchantKernels
import Testing

@testable import PenchantData

struct SplitTests {
  private func isPartition(_ split: Split, _ count: Int) -> Bool {
    split.train == split.train.sorted() && split.test == split.test.sorted()
      && (split.train + split.test).sorted() == Array(0..<count)
  }

  @Test(arguments: [2, 3, 10, 97], [0, 0.1, 0.5, 0.99])
  func randomSplitsHaveTheirSize(_ count: Int, _ fraction: Double) throws {
    let split = try Split.random(count: count, testFraction: fraction, seed: 7)
    #expect(isPartition(split, count))
    #expect(split == (try Split.random(count: count, testFraction: fraction, seed: 7)))
    #expect(
      fraction == 0
        ? split.test.isEmpty
        : abs(Double(split.test.count) - fraction * Double(count)) <= 1 && !split.train.isEmpty)
  }

  @Test func groupsStayTogether() throws {
    let groups = (0..<200).map { "g\($0 % 17)" }
    for seed in 0..<20 as Range<UInt64> {
      let split = try Split.byGroup(groups, testFraction: 0.2, seed: seed)
      #expect(isPartition(split, 200))
      #expect(Set(split.test.map { groups[$0] }).isDisjoint(with: split.train.map { groups[$0] }))
      #expect((20...60).contains(split.test.count))
    }
  }

  @Test func everyGroupIsLeftOutOnce() throws {
    let groups = ["b", "a", "b", "c", ""]
    let splits = try Split.leaveOneGroupOut(groups)
    #expect(splits.map(\.name) == ["", "a", "b", "c"])
    #expect(splits.map(\.test) == [[4], [1], [0, 2], [3]])
    for split in splits { #expect(isPartition(split, 5)) }
  }

  @Test func foldsCoverAllRecords() throws {
    let splits = try Split.kFold(count: 23, folds: 5, seed: 3)
    #expect(splits.flatMap(\.test).sorted() == Array(0..<23))
    #expect(splits.map(\.test.count).sorted() == [4, 4, 5, 5, 5])
    for split in splits { #expect(isPartition(split, 23)) }
  }

  @Test(arguments: [0.1, 0.2, 0.5]) func noTestTextTrains(_ fraction: Double) throws {
    var random = Philox(seed: 3)
    let pairs = (0..<3000).map { i in
      PreferencePair(
        chosen: "\(i % 5).\(random.index(below: 60))", rejected: "\(i % 5).\(60 + random.index(below: 60))",
        community: "\(i % 5)")
    }
    let table = PairTable(pairs)
    let split = try Split.byText(table, testFraction: fraction, seed: 7)
    #expect((split.train + split.test + split.dropped).sorted() == Array(0..<3000))
    let train = Set(table.texts(ofPairs: split.train))
    let test = Set(table.texts(ofPairs: split.test))
    #expect(test.isDisjoint(with: train))
    for sides in split.dropped.map({ [table.chosen[$0], table.rejected[$0]] }) {
      // A foot on either side: not both texts train, and not both test.
      let isWhole = train.isSuperset(of: sides) || test.isSuperset(of: sides)
      #expect(!isWhole)
    }
    let share = Double(split.test.count) / Double(split.train.count + split.test.count)
    #expect(abs(share - fraction) < 0.06, "\(share)")
    #expect(Set(split.test.map { table.community[$0] }).count == 5)
    #expect(split == (try Split.byText(table, testFraction: fraction, seed: 7)))
    #expect(try Split.byText(table, testFraction: 0, seed: 7).train.count == 3000)
  }

  @Test func impossibleSplitsAreRefused() {
    let single = PairTable([PreferencePair(chosen: "a", rejected: "b")])
    #expect(throws: KernelError.self) { try Split.byText(single, testFraction: 0.5, seed: 0) }
    #expect(throws: KernelError.self) { try Split.byText(single, testFraction: 1, seed: 0) }
    #expect(throws: KernelError.self) { try Split.random(count: 1, testFraction: 0.5, seed: 0) }
    #expect(throws: KernelError.self) { try Split.random(count: 9, testFraction: 1, seed: 0) }
    #expect(throws: KernelError.self) { try Split.random(count: 9, testFraction: .nan, seed: 0) }
    #expect(throws: KernelError.self) { try Split.byGroup(["a", "a"], testFraction: 0.5, seed: 0) }
    #expect(throws: KernelError.self) { try Split.leaveOneGroupOut([]) }
    #expect(throws: KernelError.self) { try Split.kFold(count: 3, folds: 4, seed: 0) }
  }

}

struct BatcherTests {
  @Test(arguments: [(10, 3), (9, 3), (1, 4), (5, 1), (7, 100)])
  func everyRecordComesOnceAnEpoch(_ count: Int, _ size: Int) throws {
    var batcher = try Batcher(count: count, batchSize: size, seed: 5)
    var orders: [[Int]] = []
    for epoch in 0..<3 {
      var seen: [Int] = []
      for step in 1...batcher.batchesPerEpoch {
        let batch = try batcher.next()
        #expect(batch.epoch == epoch)
        #expect(batch.indices.count == size)
        #expect(batch.weights.reduce(0, +) == Float(batch.filled))
        #expect(batch.endsEpoch == (step == batcher.batchesPerEpoch))
        seen += batch.indices.prefix(batch.filled)
      }
      #expect(seen.sorted() == Array(0..<count))
      orders.append(seen)
    }
    if count > 6 { #expect(Set(orders).count == 3) }
  }

  @Test func aCursorContinuesTheSameOrder() throws {
    var whole = try Batcher(count: 53, batchSize: 8, seed: 11)
    let batches = try (0..<30).map { _ in try whole.next() }
    for stop in [0, 1, 6, 7, 8, 20] {
      var first = try Batcher(count: 53, batchSize: 8, seed: 11)
      for _ in 0..<stop { _ = try first.next() }
      var second = try Batcher(count: 53, batchSize: 8, seed: 11, from: first.cursor)
      #expect(try (stop..<30).map { _ in try second.next() } == Array(batches[stop...]))
    }
  }

  @Test func orderCanBeKept() throws {
    var batcher = try Batcher(count: 5, batchSize: 2, seed: 0, shuffles: false)
    #expect(try (0..<4).map { _ in try batcher.next().indices } == [[0, 1], [2, 3], [4, 4], [0, 1]])
  }

  @Test func impossibleBatchesAreRefused() {
    #expect(throws: KernelError.self) { try Batcher(count: 0, batchSize: 1, seed: 0) }
    #expect(throws: KernelError.self) { try Batcher(count: 1, batchSize: 0, seed: 0) }
    #expect(throws: KernelError.self) {
      try Batcher(count: 3, batchSize: 1, seed: 0, from: .init(epoch: 0, position: 3))
    }
    #expect(throws: KernelError.self) {
      try Batcher(count: 3, batchSize: 1, seed: 0, from: .init(epoch: -1, position: 0))
    }
  }
}
