import PenchantKernels
import TapeSupport
import TestSupport
import Testing

@testable import PenchantTape

/// What a program refuses, and what it does with memory.
struct ProgramTests {
  private func program(
    _ tensors: [ProgramTensor], _ operations: [ProgramOperation], parameters: Int = 0, loss: Int? = nil
  ) throws(ProgramFault) -> Program {
    try Program(tensors: tensors, operations: operations, parameterCount: parameters, loss: loss)
  }

  private func float(_ count: Int, _ role: ProgramTensor.Role, offset: Int = 0) -> ProgramTensor {
    ProgramTensor(.float, role, count: count, offset: offset)
  }

  @Test func kindsHaveTheNamesOfTheTable() {
    for kind in ProgramOperation.Kind.allCases {
      let words = "\(kind)".flatMap { $0.isUppercase ? "_" + $0.lowercased() : String($0) }
      #expect(kind.name == String(words))
    }
  }

  @Test func emptyProgramRuns() throws {
    let empty = try program([], [])
    let store = Program.State(parameters: try FloatBuffer(count: 0))
    #expect(try empty.run(Program.Step(), on: store).loss == 0)
  }

  /// Every malformed program is refused with the number of the operation or tensor and a reason.
  @Test func malformedProgramsAreRefused() {
    let square = ProgramOperation(.unary, inputs: [0], outputs: [1], sizes: [4, 20])
    let pair = [float(4, .input), float(4, .kept)]
    let cases: [(String, [ProgramTensor], [ProgramOperation], Int, Int?)] = [
      (
        "input that does not exist", pair,
        [ProgramOperation(.unary, inputs: [7], outputs: [1], sizes: [4, 20])], 0, nil
      ),
      (
        "result that does not exist", pair,
        [ProgramOperation(.unary, inputs: [0], outputs: [9], sizes: [4, 20])], 0, nil
      ),
      (
        "missing input", pair, [ProgramOperation(.unary, inputs: [nil], outputs: [1], sizes: [4, 20])], 0, nil
      ),
      (
        "missing result", pair, [ProgramOperation(.unary, inputs: [0], outputs: [nil], sizes: [4, 20])], 0,
        nil
      ),
      (
        "too many inputs", pair, [ProgramOperation(.unary, inputs: [0, 0], outputs: [1], sizes: [4, 20])], 0,
        nil
      ),
      ("wrong size", pair, [ProgramOperation(.unary, inputs: [0], outputs: [1], sizes: [5, 20])], 0, nil),
      (
        "unknown function", pair, [ProgramOperation(.unary, inputs: [0], outputs: [1], sizes: [4, 9])], 0, nil
      ),
      ("written twice", pair, [square, square], 0, nil),
      ("written input", pair, [ProgramOperation(.unary, inputs: [1], outputs: [0], sizes: [4, 20])], 0, nil),
      ("kept but never written", pair, [], 0, nil),
      ("empty tensor", [float(0, .input)], [], 0, nil),
      ("tensor larger than memory", [float(.max, .input)], [], 0, nil),
      ("ids as a result", [float(4, .input), ProgramTensor(.id, .kept, count: 4)], [square], 0, nil),
      ("ids where floats belong", [ProgramTensor(.id, .input, count: 4), float(4, .kept)], [square], 0, nil),
      ("parameter outside", [float(4, .parameter, offset: 16)], [], 16, nil),
      ("parameter between slots", [float(4, .parameter, offset: 3)], [], 16, nil),
      (
        "gradients in one place", [float(4, .input), float(4, .gradient), float(4, .gradient)],
        [square, ProgramOperation(.unary, inputs: [0], outputs: [2], sizes: [4, 20])], 16, nil
      ),
      ("loss that is not kept", pair, [square], 0, 0),
      ("loss of four elements", pair, [square], 0, 1),
      ("loss that does not exist", pair, [square], 0, 12),
      (
        "sizes that overflow", pair,
        [
          ProgramOperation(
            .matmul, inputs: [0, 0], outputs: [1], sizes: [1, 1 << 40, 1 << 40, 1 << 40, 0, 0], reals: [1])
        ],
        0, nil
      ),
      (
        "slice that leaves the row", pair,
        [ProgramOperation(.slice, inputs: [0], outputs: [1], sizes: [1, 4, 3, 4])], 0, nil
      ),
      ("nine parts", pair, [ProgramOperation(.concat, inputs: [0], outputs: [1], sizes: [1, 9, 4])], 0, nil),
      (
        "dropout of everything", pair,
        [ProgramOperation(.dropout, inputs: [0], outputs: [1], sizes: [4, 0], reals: [1])],
        0, nil
      ),
    ]
    for (name, tensors, operations, parameters, loss) in cases {
      do {
        _ = try program(tensors, operations, parameters: parameters, loss: loss)
        Issue.record("\(name) was accepted")
      } catch {
        #expect(!error.reason.isEmpty && "\(error.underlying)".contains("PN_EPROGRAM"), "\(name): \(error)")
      }
    }
  }

  @Test func readBeforeWrittenIsRefused() {
    #expect(throws: ProgramFault.self) {
      try program(
        [float(4, .input), float(4, .temporary), float(4, .kept)],
        [
          ProgramOperation(.unary, inputs: [1], outputs: [2], sizes: [4, 20]),
          ProgramOperation(.unary, inputs: [0], outputs: [1], sizes: [4, 20]),
        ])
    }
  }

  /// Random numbers in place of tensor numbers and sizes: refused or run, never a crash.
  @Test func randomProgramsAreRefusedOrRun() throws {
    var draw = Draw(testSeed)
    let elements: [ProgramTensor.Element] = [.float, .float, .float, .id, .mask]
    let roles: [ProgramTensor.Role] = [.temporary, .temporary, .input, .kept, .parameter, .gradient]
    var accepted = 0
    for _ in 0..<3000 {
      let count = 1 + draw.below(5)
      let tensors = (0..<count).map { _ in
        ProgramTensor(
          elements[draw.below(5)], roles[draw.below(6)], count: 1 + draw.below(4), offset: 16 * draw.below(3))
      }
      let operations = (0..<draw.below(3)).map { _ in
        let kinds = ProgramOperation.Kind.allCases
        return ProgramOperation(
          kinds[draw.below(kinds.count)],
          inputs: (0..<draw.below(5)).map { _ in draw.below(4) == 0 ? nil : draw.below(6) },
          outputs: (0..<draw.below(3)).map { _ in draw.below(6) }, sizes: (0..<6).map { _ in draw.below(4) },
          reals: [draw.uniform(), draw.uniform(), 0, 0, 0, 0])
      }
      guard let made = try? program(tensors, operations, parameters: 48) else { continue }
      accepted += 1
      let buffer = try FloatBuffer(count: 48)
      _ = try? made.run(Program.Step(), on: Program.State(parameters: buffer))
    }
    #expect(accepted > 0)
  }

  /// A deep chain needs the bytes of its widest moment, not of all its tensors.
  @Test func temporariesShareBytes() throws {
    let graph = Graph(seed: testSeed)
    var x = graph.input([64, 64])
    for _ in 0..<30 { x = x.tanh() * 0.5 }
    let inference = try Inference([x], on: try graph.store())
    #expect(inference.facts.arenaBytes < 4 * 64 * 64 * 4)
    #expect(inference.facts.temporaryBytes >= 50 * 64 * 64 * 4)
  }

  /// linear, relu, linear and their gradients: no operation for an activation is left.
  @Test func activationsMoveIntoProducts() throws {
    let graph = Graph(seed: testSeed)
    let hidden = graph.input([8, 4]).linear(graph.parameter([6, 4]), bias: graph.parameter([6])).relu()
    let second = hidden.linear(graph.parameter([5, 6]), bias: graph.parameter([5])).gelu()
    let logits = second.linear(graph.parameter([1, 5]), bias: graph.parameter([1]))
    let loss = Loss.binaryCrossEntropy(logits: logits, targets: graph.input([8], 0...1))
    let run = try graph.compiled(loss)
    // three products forward, the loss, three weight gradients and two input gradients
    #expect(run.facts.operations == 9)
  }
}
