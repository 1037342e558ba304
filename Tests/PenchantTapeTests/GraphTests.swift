import Foundation
import PenchantKernels
import TapeSupport
import TestSupport
import Testing

@testable import PenchantTape

/// Every operation: the recorded gradient against finite differences in Double, and the C program against
/// Double.
struct GraphTests {
  @Test(arguments: GraphCase.all) func gradientRuleIsRight(_ item: GraphCase) throws {
    let graph = Graph(seed: testSeed)
    try graph.checkRule(item.build(graph), name: item.name)
  }

  @Test(arguments: GraphCase.all + GraphCase.stopped) func programAgreesWithDouble(_ item: GraphCase) throws {
    let graph = Graph(seed: testSeed &+ 1)
    try graph.checkProgram(item.build(graph), name: item.name)
  }

  @Test func randomGraphs() throws {
    let runs = ProcessInfo.processInfo.environment["PENCHANT_LONG"] == "1" ? 500 : 50
    for run in 0..<runs {
      let seed = testSeed &* 1000 &+ UInt64(run)
      let graph = Graph(seed: seed)
      let loss = RandomGraph.build(graph)
      let name = "random graph \(run), repeat with PENCHANT_SEED=\(testSeed)"
      try graph.checkProgram(loss, name: name)
      if run % 5 == 0 { try graph.checkRule(loss, name: name) }
    }
  }
}
