import PenchantKernels
import Synchronization
import Testing

@Suite struct TeamTests {
  @Test func sizeOfACallSiteIsRestored() {
    let before = Team.size
    let inside = Team.with(threads: 3) { Team.size }
    #expect(inside == 3)
    #expect(Team.size == before)
  }

  @Test func impossibleSizesAreRefused() {
    #expect(throws: KernelError.self) { try Team.setSize(0) }
    #expect(throws: KernelError.self) { try Team.setSize(257) }
  }

  private struct Failure: Error, Equatable { let number: Int }

  @Test(arguments: [0, 1, 2, 7, 1000], [1, 2, 5]) func eachNumberIsCalledOnce(_ count: Int, _ threads: Int)
    throws
  {
    let calls = Mutex([Int](repeating: 0, count: count))
    let members = Mutex(Set<Int>())
    try Team.with(threads: threads) { () throws in
      try Team.each(count, members: 3) { number, member in
        calls.withLock { $0[number] += 1 }
        _ = members.withLock { $0.insert(member) }
      }
    }
    #expect(calls.withLock { $0.allSatisfy { $0 == 1 } })
    #expect(members.withLock { $0.allSatisfy((0..<min(threads, 3)).contains) })
  }

  @Test func theErrorOfTheLowestNumberArrivesAndTheOthersRun() throws {
    let calls = Mutex(0)
    #expect(throws: Failure(number: 3)) {
      try Team.with(threads: 4) { () throws in
        try Team.each(20) { number, _ in
          calls.withLock { $0 += 1 }
          if number == 17 || number == 3 { throw Failure(number: number) }
        }
      }
    }
    #expect(calls.withLock { $0 } == 20)
  }
}
