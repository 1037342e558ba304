import PenchantKernels
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
}
