import PenchantKernels
import TestSupport
import Testing

@testable import SequentialRecommenders

/// Windows of histories and how they are packed.
@Suite struct PackingTests {
  /// Histories whose items are all different, so that an item says where it stands.
  static func sequences(_ lengths: [Int]) throws -> ItemSequences {
    var next: Int32 = 0
    return try ItemSequences(
      itemCount: lengths.reduce(0, +),
      sequences: lengths.map { length in
        (0..<length).map { _ in
          next += 1
          return next
        }
      })
  }

  static func lengths(_ count: Int) -> [Int] {
    var draws = Philox(seed: testSeed)
    return (0..<count).map { _ in draws.index(below: 40) } + [0, 1, 2, 9, 10, 11, 200]
  }

  @Test(arguments: [(10, 5), (10, 0), (7, 6), (1, 0)])
  func everyTargetCountsOnceAnEpoch(_ longest: Int, _ context: Int) throws {
    let sequences = try Self.sequences(Self.lengths(60))
    let windows = TrainingWindows(sequences, longest: longest, context: context)
    for epoch in 0..<3 {
      var seen: [Int: Int] = [:]
      for window in try windows.windows(epoch: epoch, seed: 5) {
        #expect(window.count >= 1 && window.count <= longest && window.context < window.count)
        for place in window.context..<window.count { seen[window.start + place + 1, default: 0] += 1 }
        let user = sequences.offsets.lastIndex { $0 <= window.start }!
        #expect(window.start + window.count < sequences.offsets[user + 1])
        // Only a history that begins here starts without context, when there is any to be had.
        let begin = sequences.offsets[user]
        #expect(window.start == begin || window.context >= min(context, window.start - begin))
      }
      let targets = (0..<sequences.count).flatMap { sequences.offsets[$0]..<sequences.offsets[$0 + 1] }
        .filter { !sequences.offsets.contains($0) }
      #expect(seen == Dictionary(uniqueKeysWithValues: targets.map { ($0, 1) }), "seed \(testSeed)")
    }
  }

  @Test func cutsMoveFromEpochToEpochAndFollowTheSeed() throws {
    let windows = TrainingWindows(try Self.sequences([200, 150, 90]), longest: 20, context: 10)
    let first = try windows.windows(epoch: 0, seed: 5)
    #expect(try first == windows.windows(epoch: 0, seed: 5))
    #expect(try Set(first.map(\.start)) != Set(windows.windows(epoch: 1, seed: 5).map(\.start)))
    #expect(try Set(first.map(\.start)) != Set(windows.windows(epoch: 0, seed: 6).map(\.start)))
  }

  @Test func blocksHoldWholeWindowsAndTheNextItemAsTarget() throws {
    let sequences = try Self.sequences(Self.lengths(100))
    var stream = try PackedStream(
      TrainingWindows(sequences, longest: 12, context: 6), rows: 64, seed: testSeed)
    for number in 0..<3 * stream.blocksPerEpoch {
      try stream.advance(to: number)
      let block = stream.block
      #expect(block.offsets.first == 0 && block.offsets.last == 64)
      #expect(zip(block.offsets, block.offsets.dropFirst()).allSatisfy { $0 <= $1 && $1 - $0 <= 12 })
      for s in 0..<block.sequences {
        let rows = Int(block.offsets[s])..<Int(block.offsets[s + 1])
        #expect(rows.map { Int(block.places[$0]) } == Array(0..<rows.count))
        for row in rows.dropLast() { #expect(block.items[row + 1] == block.items[row] + 1) }
        for row in rows where block.targets[row] != catalogueIgnore {
          #expect(block.targets[row] == block.items[row] + 1)
        }
      }
      #expect(block.targets[block.filled...].allSatisfy { $0 == catalogueIgnore })
      #expect(block.filled > 64 - 13)
    }
  }

  @Test func aStreamPutBeforeABlockGivesThatBlock() throws {
    let windows = TrainingWindows(try Self.sequences(Self.lengths(50)), longest: 10, context: 5)
    var whole = try PackedStream(windows, rows: 50, seed: 4)
    var jumping = whole
    var blocks: [[UInt32]] = []
    for number in 0..<40 {
      try whole.advance(to: number)
      blocks.append(whole.block.items + whole.block.targets + whole.block.offsets)
    }
    for number in [33, 2, 3, 17, 0, 39] {
      try jumping.advance(to: number)
      #expect(jumping.block.items + jumping.block.targets + jumping.block.offsets == blocks[number])
    }
  }
}
