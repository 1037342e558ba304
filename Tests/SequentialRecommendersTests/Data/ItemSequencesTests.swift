import PenchantKernels
import SequentialRecommenders
import Testing

@Suite struct ItemSequencesTests {
  @Test func sequencesOfUsersAreSlicesOfOneArray() throws {
    let sequences = try ItemSequences(itemCount: 4, sequences: [[1, 2], [], [4]])
    #expect(sequences.count == 3)
    #expect(sequences.offsets == [0, 2, 2, 3])
    #expect(Array(sequences[0]) == [1, 2])
    #expect(sequences[1].isEmpty)
    #expect(Array(sequences[2]) == [4])
    #expect(try sequences == ItemSequences(itemCount: 4, offsets: [0, 2, 2, 3], items: [1, 2, 4]))
  }

  @Test func noUsersAreFine() throws {
    #expect(try ItemSequences(itemCount: 0, sequences: []).count == 0)
    #expect(try ItemSequences(itemCount: 0, offsets: [0], items: []).count == 0)
  }

  @Test(
    arguments: [
      ([0, 3], [1, 2], "0 to 3"), ([1, 2], [1, 2], "from 1"), ([], [], "-1"),
      ([0, 2, 1, 2], [1, 2], "user 1"),
      ([0, 2], [1, 0], "item 0 at place 1"), ([0, 2], [5, 1], "item 5 at place 0"),
      ([0, 1], [-1], "item -1"),
    ] as [([Int], [Int32], String)])
  func wrongPartsAreRefused(offsets: [Int], items: [Int32], says: String) {
    #expect {
      try ItemSequences(itemCount: 4, offsets: offsets, items: items)
    } throws: { "\($0)".contains(says) }
  }

  @Test(arguments: [-1, Int(Int32.max)]) func impossibleCataloguesAreRefused(count: Int) {
    #expect(throws: KernelError.self) { try ItemSequences(itemCount: count, sequences: []) }
  }
}
