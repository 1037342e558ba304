import PenchantKernels
import PenchantTape
import TapeSupport
import TestSupport
import Testing

/// Memory that is refused: a clean error at every point of compiling and training, no leak, and no request
/// in a step.
struct AllocationTests {
  private func record(_ layout: inout ParameterLayout) -> (loss: Tensor, x: Tensor) {
    let table = layout.add("table", [9, 8], .normal(deviation: 1))
    let w = layout.add("w", [4, 8], .fanIn(8))
    let b = layout.add("b", [4], .zeros)
    let tape = Tape()
    let x = tape.input("x", [6, 8])
    let sum = x + tape.parameter(table).embedding(tape.ids("ids", [6]))
    let hidden = sum.linear(tape.parameter(w), bias: tape.parameter(b)).gelu().dropout(0.1)
    return (hidden.softmax().squared().mean(), x)
  }

  @Test func everyRefusalIsAnErrorAndNothingLeaks() throws {
    let points = try FaultInjection.sweep {
      do {
        var layout = ParameterLayout()
        let (loss, x) = record(&layout)
        let store = try ParameterStore(layout, seed: 1)
        let step = try TrainingStep(loss, optimizer: Optimizer(.adamW(0.01), for: store))
        for _ in 0..<5 {
          try step.set(x, to: [Float](repeating: 0.5, count: 48))
          try step.run()
        }
        return true
      } catch { return false }
    }
    #expect(points > 10)
  }

  @Test func runningAsksForNoMemory() throws {
    var layout = ParameterLayout()
    let (loss, x) = record(&layout)
    let store = try ParameterStore(layout, seed: 1)
    let step = try TrainingStep(loss, optimizer: Optimizer(.adamW(0.01), for: store))
    try step.set(x, to: [Float](repeating: 0.5, count: 48))
    let run = try FaultInjection.run(failing: 1, .persistent) {
      for _ in 0..<5 { try step.run() }
    }
    #expect(run.asked == 0)
  }
}
