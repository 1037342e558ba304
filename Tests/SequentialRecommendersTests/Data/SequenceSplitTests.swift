import PenchantData
import PenchantKernels
import SequentialRecommenders
import Testing

private func shown(_ cases: NextItemCases) -> [String] {
  (0..<cases.count).map { place in
    "\(cases.users[place]): \(cases.history(place).map { "\($0)" }.joined(separator: " ")) > \(cases.target(place))"
  }
}

@Suite struct SequenceSplitTests {
  @Test func leaveOneOutTakesTheLastTwo() throws {
    let split = try SequenceSplit.leaveOneOut(log("u a,u b,u c,u d,v a,v b,w c,w d,w a"))
    #expect(
      Array(split.train[0]) == [1, 2] && Array(split.train[1]) == [1, 2] && Array(split.train[2]) == [3])
    #expect(shown(split.validation) == ["0: 1 2 > 3", "2: 3 > 4"])
    #expect(shown(split.test) == ["0: 1 2 3 > 4", "2: 3 4 > 1"])
    #expect(split.popularity == [2, 2, 1, 0])
    #expect(split.name == "leave-one-out")
  }

  @Test func leaveOneOutNeedsThreeEvents() throws {
    #expect(throws: KernelError.self) { try SequenceSplit.leaveOneOut(log("u a"), minimumLength: 2) }
    let none = try SequenceSplit.leaveOneOut(log("u a,v b,v c"))
    #expect(none.test.count == 0 && none.train.items.count == 3)
    #expect(try SequenceSplit.leaveOneOut(InteractionLog()).train.count == 0)
  }

  @Test func historiesWithoutNamesAreSplitAlike() throws {
    let sequences = try ItemSequences(itemCount: 4, sequences: [[1, 2, 3, 4], [2], [], [4, 4, 1]])
    let split = try SequenceSplit.leaveOneOut(sequences)
    #expect(shown(split.validation) == ["0: 1 2 > 3", "3: 4 > 4"])
    #expect(shown(split.test) == ["0: 1 2 3 > 4", "3: 4 4 > 1"])
    #expect(split.train.offsets == [0, 2, 3, 3, 4])
    #expect(split.testChecksum == XXHash64.hex(Array("1\t3\t4\n4\t2\t1\n".utf8)))
  }

  @Test func globalTimeCutsTheSpanNotTheCounts() throws {
    // Times 0 to 100: up to 80 trains, up to 90 validates.
    let whole = log("u a@0,u b@80,u c@81,u d@90,u a@91,v e@85,v a@100,w b@10")
    let split = try SequenceSplit.globalTime(whole)
    #expect(Array(split.train[0]) == [1, 2] && split.train[1].isEmpty && Array(split.train[2]) == [2])
    // v's first event has no history.
    #expect(shown(split.validation) == ["0: 1 2 > 3", "0: 1 2 3 > 4"])
    #expect(shown(split.test) == ["0: 1 2 3 4 > 1", "1: 5 > 1"])
    #expect(split.name == "global time 80/90")
    let trained = try SequenceSplit.globalTime(whole, seen: .target)
    #expect(trained.validation.count == 0)
    #expect(shown(trained.test) == ["0: 1 2 3 4 > 1", "1: 5 > 1"])
    let strict = try SequenceSplit.globalTime(whole, seen: .targetAndHistory)
    #expect(strict.test.count == 0)
    let long = try SequenceSplit.globalTime(whole, minimumHistory: 3)
    #expect(shown(long.validation) == ["0: 1 2 3 > 4"] && shown(long.test) == ["0: 1 2 3 4 > 1"])
    let cold = try SequenceSplit.globalTime(whole, minimumHistory: 0)
    #expect(shown(cold.validation).contains("1:  > 5"))
  }

  @Test func globalTimeNeedsTimesAndAscendingShares() {
    #expect(throws: KernelError.self) { try SequenceSplit.globalTime(log("u a,u b")) }
    for (a, b) in [(0.9, 0.8), (-0.1, 0.5), (0.5, 1.1), (.nan, 0.9)] {
      #expect(throws: KernelError.self) {
        try SequenceSplit.globalTime(log("u a@1"), validationFrom: a, testFrom: b)
      }
    }
  }

  @Test func partsOfTheFileAreTaken() throws {
    let text = "user,item,part\nu,a,train\nu,b,valid\nu,c,test\nu,d,test\nv,a,test\n"
    let split = try SequenceSplit.ofFile(InteractionReader(bytes: Array(text.utf8)).log())
    #expect(shown(split.validation) == ["0: 1 > 2"])
    #expect(shown(split.test) == ["0: 1 2 > 3", "0: 1 2 3 > 4"])
    #expect(throws: KernelError.self) { try SequenceSplit.ofFile(log("u a")) }
  }

  @Test func theChecksumIsThatOfTheTestItems() throws {
    let split = try SequenceSplit.leaveOneOut(log("v a,v b,v c,u a,u b,u d"))
    #expect(split.testChecksum == XXHash64.hex(Array("u\t2\td\nv\t2\tc\n".utf8)))
    // Another order of users in the file, the same questions.
    let same = try SequenceSplit.leaveOneOut(log("u a,u b,u d,v a,v b,v c"))
    #expect(same.testChecksum == split.testChecksum)
    let other = try SequenceSplit.leaveOneOut(log("v a,v c,v b,u a,u b,u d"))
    #expect(other.testChecksum != split.testChecksum)
  }

  @Test func casesAreCheckedAndCanBeSampled() throws {
    let sequences = try ItemSequences(itemCount: 3, sequences: [[1, 2, 3], [], [2, 1]])
    for (users, positions) in [([0], []), ([3], [0]), ([0], [3]), ([1], [0]), ([0], [-1])]
      as [([Int32], [Int32])]
    {
      #expect(throws: KernelError.self) {
        try NextItemCases(sequences: sequences, users: users, positions: positions)
      }
    }
    let cases = try NextItemCases(sequences: sequences, users: [0, 0, 2, 2], positions: [1, 2, 0, 1])
    #expect(shown(cases) == ["0: 1 > 2", "0: 1 2 > 3", "2:  > 2", "2: 2 > 1"])
    let some = try cases.sampled(2, seed: 5)
    #expect(some.count == 2 && Set(shown(some)).isSubset(of: shown(cases)))
    #expect(try cases.sampled(2, seed: 5) == some)
    #expect(try cases.sampled(9, seed: 5) == cases)
  }
}
