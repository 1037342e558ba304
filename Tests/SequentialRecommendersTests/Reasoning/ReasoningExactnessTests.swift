import Foundation
import PenchantKernels
import PenchantTape
import PenchantTrain
import TestSupport
import Testing

@testable import SequentialRecommenders

/// The forms of the reasoning loop against each other and against a reference in Double.
@Suite struct ReasoningExactnessTests {
  static func configuration(
    _ change: (inout ReaRecConfiguration) -> Void = { _ in }
  ) -> ReaRecConfiguration {
    var c = ReaRecConfiguration()
    (c.model.width, c.model.heads, c.model.inner, c.model.longest) = (8, 2, 12, 50)
    c.model.dropout = 0
    c.reasoning.dropout = 0
    c.reasoning.steps = 5
    change(&c)
    return c
  }

  /// A model whose values are random numbers of ordinary size.
  static func drawn(_ configuration: ReaRecConfiguration, items: Int = 30) -> FittedReaRec {
    let network = configuration.network(itemCount: items)
    var draws = Philox(seed: testSeed)
    var parameters: [String: [Float]] = [:]
    for entry in network.layout.entries {
      parameters[entry.parameter.name] = (0..<entry.parameter.count).map { _ in Float(draws.uniform() - 0.5) }
    }
    return FittedReaRec(
      configuration: configuration, seed: 0, itemCounts: [UInt32](repeating: 1, count: items),
      parameters: parameters, state: TrainingState(seed: 0))
  }

  static func reference(_ model: FittedReaRec) -> SASRecReference {
    SASRecReference(
      parameters: model.parameters.mapValues { $0.map(Double.init) }, model: model.configuration.model,
      itemCount: model.itemCount, isCausal: model.configuration.reasoning.isCausal)
  }

  static func histories(_ lengths: [Int]) -> [[Int32]] {
    var draws = Philox(seed: testSeed, stream: 4)
    return lengths.map { (0..<$0).map { _ in Int32(draws.index(below: 30)) + 1 } }
  }

  /// 13.1, 1 and 2: a step with kept keys and values is the last row of the history with its thoughts encoded anew.
  @Test(
    arguments: [ReaRecConfiguration.Backbone.sasrec, .bert4rec],
    [ReaRecConfiguration.Method.rpe, .erl, .naive])
  func everyStepIsTheExtendedHistoryEncodedAnew(
    _ backbone: ReaRecConfiguration.Backbone, _ method: ReaRecConfiguration.Method
  ) throws {
    let model = Self.drawn(
      Self.configuration {
        $0.reasoning.backbone = backbone
        $0.reasoning.method = method
      })
    let reference = Self.reference(model)
    let histories = Self.histories([1, 2, 7, 23])
    let expected = histories.map { reference.thoughts($0.map { Int($0) - 1 }, steps: 5) }
    for steps in 0...5 {
      let states = try model.scorer(steps: steps).states(histories.map { $0[...] })
      for (row, known) in expected.enumerated() {
        for i in 0..<8 {
          let value =
            method == .erl
            ? known[0...steps].reduce(0) { $0 + $1[i] } / Double(steps + 1) : known[steps][i]
          #expect(abs(Double(states[row * 8 + i]) - value) <= 1e-5, "step \(steps), seed \(testSeed)")
        }
      }
    }
  }

  /// 13.1, 1, at one history: events and thoughts share the kept keys and values.
  @Test(arguments: [ReaRecConfiguration.Method.rpe, .erl])
  func aFollowedHistoryThinksAsAWholeOne(_ method: ReaRecConfiguration.Method) throws {
    let model = Self.drawn(
      Self.configuration {
        $0.reasoning.method = method
        $0.model.longest = 6
      })
    for steps in [0, 1, 3, 5] {
      let recommender = try model.recommender(steps: steps)
      let scorer = try model.scorer(steps: steps)
      var session = try recommender.session()
      var history: [Int32] = []
      for item in Self.histories([10])[0] {
        history.append(item)
        try recommender.append(item, to: &session)
        for (a, b) in zip(session.state, try scorer.states([history[...]])) { #expect(abs(a - b) <= 1e-5) }
      }
    }
  }

  /// 13.1, 2: one encode serves all prefixes. Lengths 1 to 50.
  @Test func sharedPrefixesThinkAsEachOnItsOwn() throws {
    let model = Self.drawn(Self.configuration { $0.reasoning.method = .rpe })
    let histories = Self.histories([1, 50, 2, 17, 33, 5])
    let network = ReaRecNetwork(
      itemCount: 30, model.configuration.model, model.configuration.reasoning)
    let store = try model.store(network.layout)
    var block = PackedHistories(rows: 120, longest: 50)
    for history in histories { block.append(history[...]) }
    block.finish()

    let tape = Tape()
    let inputs = PackedInputs(tape, rows: block.rows, longest: 50)
    let seen = tape.ids("seen", [block.rows])
    let offsets = inputs.packing.offsets
    let view = ReasoningView(
      network, inputs, prefixes: Prefixes(offsets: offsets, first: offsets, seen: seen))
    var states = [view.states]
    for step in 0..<5 { states.append(view.think(network.thought(step, after: states[step]))) }
    let program = try Inference(states, on: store)
    try inputs.set(block, on: program)
    try program.set(seen, to: block.places.map { $0 + 1 })
    try program.run()

    let prefixes = histories.flatMap { history in (1...history.count).map { history.prefix($0) } }
    for step in 0...5 {
      let shared = try program.values(of: states[step])
      let alone = try model.scorer(steps: step).states(prefixes)
      for (a, b) in zip(shared, alone) { #expect(abs(a - b) <= 1e-5, "step \(step), seed \(testSeed)") }
    }
  }

  @Test func stepsThatCannotBeAreRefused() throws {
    let model = Self.drawn(Self.configuration { $0.reasoning.steps = 2 })
    for steps in [-1, 3] {
      #expect(throws: ConfigurationError.self) { try model.scorer(steps: steps) }
      #expect(throws: ConfigurationError.self) { try model.recommender(steps: steps) }
    }
    let bidirectional = Self.drawn(Self.configuration { $0.reasoning.backbone = .bert4rec })
    #expect(throws: ConfigurationError.self) { try bidirectional.recommender() }
    #expect(throws: KernelError.self) { try model.recommender().session([31]) }
  }
}
