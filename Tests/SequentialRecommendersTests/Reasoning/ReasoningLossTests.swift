import Foundation
import PenchantKernels
import TapeSupport
import TestSupport
import Testing

@testable import PenchantTape
@testable import SequentialRecommenders

/// A recorded loss of ReaRec with one block of data.
struct RecordedReasoning {
  let network: ReaRecNetwork
  let store: ParameterStore
  let block: PackedHistories
  let step: TrainingStep
  let loss: Tensor

  static let sequences: [[Int32]] = [[1, 2, 3, 4], [5, 1], [7, 6, 5, 4, 3], [5, 1, 7]]
  /// Eighty different pairs with an item behind them.
  static let pairs: [[Int32]] = (0..<80).map { user in [Int32(user % 9) + 1, Int32(user / 9) + 1, 3] }

  /// - Parameters:
  ///   - rows: of a block at most.
  ///   - values: by parameter name; others are drawn.
  init(
    _ sequences: [[Int32]] = sequences, rows: Int = 64, values: [String: [Float]] = [:],
    _ change: (inout ReaRecConfiguration) -> Void
  ) throws {
    let configuration = ReasoningExactnessTests.configuration {
      ($0.model.width, $0.model.inner, $0.model.layers, $0.model.longest) = (4, 6, 1, 5)
      $0.reasoning.steps = 2
      change(&$0)
    }
    let sequences = try ItemSequences(itemCount: 9, sequences: sequences)
    network = ReaRecNetwork(itemCount: 9, configuration.model, configuration.reasoning)
    store = try ParameterStore(network.layout)
    var draws = Philox(seed: testSeed, stream: 1)
    for parameter in store.parameters {
      let drawn = (0..<parameter.count).map { _ in Float(draws.uniform() * 1.4 - 0.7) }
      try store.set(parameter, to: values[parameter.name] ?? drawn)
    }
    let training = configuration.training
    var stream = try PackedStream(
      TrainingWindows(
        sequences, longest: 5, context: training.everyPrefix ? 0 : 1, everyPrefix: training.everyPrefix),
      rows: rows, seed: 3)
    try stream.advance(to: 0)
    block = stream.block
    let tape = Tape()
    let inputs = PackedInputs(tape, rows: block.rows, longest: 5)
    let recorded = network.record(inputs, rows: block.rows, on: tape)
    loss = recorded.loss
    step = try TrainingStep(recorded.loss, optimizer: Optimizer(.sgd(0), for: store))
    try inputs.set(block, on: step)
    try recorded.set(
      block, on: step, popularity: ItemPopularity(sequences), seed: 5, number: 2)
  }

  func value() throws -> Double { Double(try step.run().loss) }

  private func values(_ slot: Int) throws -> [Double] {
    try step.executable.program.withMemory(of: slot, as: Float.self, element: .float) { memory in
      memory.indices.map { Double(memory[$0]) }
    }
  }

  private func ids(_ slot: Int) throws -> [UInt32] {
    try step.executable.program.withMemory(of: slot, as: UInt32.self, element: .id) { memory in
      memory.indices.map { memory[$0] }
    }
  }

  private func slot(named name: String) throws -> Int {
    try #require(loss.tape.slots.firstIndex { $0.name == name })
  }

  /// An input by its name.
  func values(named name: String) throws -> [Double] { try values(slot(named: name)) }
  func ids(named name: String) throws -> [UInt32] { try ids(slot(named: name)) }

  /// The recorded formula in Double, with the inputs that the step was given.
  func interpreter(_ tape: Tape) throws -> DoubleInterpreter {
    var interpreter = DoubleInterpreter(tape)
    let program = step.executable.program
    for (id, slot) in tape.slots.enumerated() {
      switch slot.source {
      case .parameter(let parameter): interpreter.values[id] = try store.copy(of: parameter).map(Double.init)
      case .input:
        switch slot.element {
        case .float: interpreter.values[id] = try values(id)
        case .id: interpreter.ids[id] = try ids(id)
        case .mask:
          interpreter.masks[id] = try program.withMemory(of: id, as: UInt8.self, element: .mask) { memory in
            memory.indices.map { memory[$0] }
          }
        }
      default: break
      }
    }
    return interpreter
  }
}

@Suite struct ReasoningLossTests {
  static let cases: [(String, @Sendable (inout ReaRecConfiguration) -> Void)] = [
    ("naive", { $0.reasoning.method = .naive }),
    ("rpe", { $0.reasoning.method = .rpe }),
    ("rpe, prefix", { ($0.reasoning.method, $0.reasoning.form) = (.rpe, .prefix) }),
    ("rpe, bert4rec", { ($0.reasoning.method, $0.reasoning.backbone) = (.rpe, .bert4rec) }),
    ("erl without divergence", { ($0.reasoning.method, $0.reasoning.divergence) = (.erl, 0) }),
    ("erl", { ($0.reasoning.method, $0.reasoning.divergence) = (.erl, 0.3) }),
    (
      "erl, sums",
      {
        ($0.reasoning.method, $0.reasoning.reduction) = (.erl, .sum)
        ($0.reasoning.divergence, $0.reasoning.temperature) = (0.2, 0.6)
      }
    ),
    ("prl", { $0.reasoning.noise = 0.3 }),
    (
      "prl, sums",
      { ($0.reasoning.noise, $0.reasoning.reduction, $0.reasoning.temperature) = (0.3, .sum, 0.6) }
    ),
    ("prl, prefix", { ($0.reasoning.noise, $0.reasoning.form) = (0.3, .prefix) }),
  ]

  /// 13.1, 3: the recorded gradient in Double against finite differences in Double, every parameter group.
  @Test(arguments: cases.map(\.0)) func gradientIsRight(_ name: String) throws {
    let change = try #require(Self.cases.first { $0.0 == name }).1
    let recorded = try RecordedReasoning { change(&$0) }
    let graph = try GradientGraph(recorded.loss, layout: recorded.store.layout)
    let values = try recorded.interpreter(graph.tape).run()
    var plain = try recorded.interpreter(recorded.loss.tape)
    plain.held = values
    func loss(_ id: Int, _ index: Int, _ by: Double) throws -> Double {
      var moved = plain
      moved.values[id]?[index] += by
      return try moved.run()[recorded.loss.id]?[0] ?? .nan
    }
    for (gradient, parameter) in graph.gradients {
      let id = recorded.loss.tape.parameter(parameter).id
      let known = try #require(values[gradient])
      var (checked, expected): ([Double], [Double]) = ([], [])
      for index in stride(from: 0, to: parameter.count, by: max(1, parameter.count / 3)) {
        let h = 1e-4
        let wide = try loss(id, index, 2 * h) - loss(id, index, -2 * h)
        let narrow = try loss(id, index, h) - loss(id, index, -h)
        expected.append((8 * narrow - wide) / (12 * h))
        checked.append(known[index])
      }
      #expect(distance(checked, expected) < 1e-6, "\(name), \(parameter.name), seed \(testSeed)")
    }
    // And the program computes what is recorded.
    let outcome = try recorded.step.run()
    let exact = try #require(values[recorded.loss.id]?[0])
    #expect(abs(Double(outcome.loss) - exact) < 1e-5 * max(1, abs(exact)), "\(name)")
    for (gradient, parameter) in graph.gradients {
      let found = try recorded.step.gradient(of: parameter).map(Double.init)
      #expect(
        distance(found, try #require(values[gradient]), floor: 1e-2) < 1e-4, "\(name), \(parameter.name)")
    }
  }

  /// 13.1, 3: the regulariser's closed form against every pair of distributions, the second one held fixed.
  @Test func theDivergencePushesTheFirstOfEveryPair() throws {
    let (states, rows, items, width) = (3, 4, 11, 5)
    var draws = Philox(seed: testSeed, stream: 7)
    let hidden = (0..<states * rows * width).map { _ in draws.uniform() * 3 - 1.5 }
    let table = (0..<items * width).map { _ in draws.uniform() * 3 - 1.5 }
    let counted = [0, 1, 3]
    func logs(_ hidden: [Double], _ table: [Double], _ state: Int, _ row: Int) -> [Double] {
      let logits = (0..<items).map { v in
        (0..<width).reduce(0) { $0 + hidden[(state * rows + row) * width + $1] * table[v * width + $1] }
      }
      let sum = log(logits.reduce(0) { $0 + exp($1) })
      return logits.map { $0 - sum }
    }
    /// First distributions from the arguments, second ones from where the gradient is taken.
    func value(_ moved: [Double], _ movedTable: [Double]) -> Double {
      var total = 0.0
      for row in counted {
        for t in 0..<states {
          let p = logs(moved, movedTable, t, row)
          for u in 0..<states where u != t {
            let q = logs(hidden, table, u, row)
            total += zip(p, q).reduce(0) { $0 + exp($1.0) * ($1.0 - $1.1) }
          }
        }
      }
      return total / Double(states * (states - 1) * counted.count)
    }
    var layout = ParameterLayout()
    let (h, e) = (
      layout.add("hidden", [states, rows, width], .zeros), layout.add("items", [items, width], .zeros)
    )
    let store = try ParameterStore(layout)
    try store.set(h, to: hidden.map { Float($0) })
    try store.set(e, to: table.map { Float($0) })
    let tape = Tape()
    let ids = tape.ids("ids", [rows])
    let loss = Loss.catalogueDivergence(hidden: tape.parameter(h), items: tape.parameter(e), ids: ids)
    let step = try TrainingStep(loss, optimizer: Optimizer(.sgd(0), for: store))
    try step.set(ids, to: [0, 5, .max, 2])
    #expect(abs(Double(try step.run().loss) - value(hidden, table)) < 1e-6)

    let graph = try GradientGraph(loss, layout: layout)
    var interpreter = DoubleInterpreter(graph.tape)
    interpreter.values[tape.parameter(h).id] = hidden
    interpreter.values[tape.parameter(e).id] = table
    interpreter.ids[ids.id] = [0, 5, .max, 2]
    let values = try interpreter.run()
    for (gradient, parameter) in graph.gradients {
      let known = try #require(values[gradient])
      let found = try step.gradient(of: parameter).map(Double.init)
      var expected: [Double] = []
      for i in 0..<parameter.count {
        func at(_ by: Double) -> Double {
          var (a, b) = (hidden, table)
          if parameter == h { a[i] += by } else { b[i] += by }
          return value(a, b)
        }
        let step = 1e-4
        expected.append((8 * (at(step) - at(-step)) - (at(2 * step) - at(-2 * step))) / (12 * step))
      }
      #expect(distance(known, expected) < 1e-6, "\(parameter.name), seed \(testSeed)")
      #expect(distance(found, expected) < 1e-4, "\(parameter.name), seed \(testSeed)")
    }
  }

  /// 13.1, 5: rows are taken a chunk at a time; whatever the chunks, the mean is that of the rows.
  @Test func theDivergenceOfManyRowsIsTheMeanOfEach() throws {
    let (states, rows, items, width) = (3, 20, 90_000, 4)
    var layout = ParameterLayout()
    let e = layout.add("items", [items, width], .normal(deviation: 1))
    let store = try ParameterStore(layout, seed: testSeed)
    var draws = RandomStream(seed: testSeed, stream: 9)
    let hidden = try draws.normals(states * rows * width)
    func run(_ some: [Int]) throws -> (Double, [Float]) {
      let tape = Tape()
      let (x, ids) = (tape.input("hidden", [states, some.count, width]), tape.ids("ids", [some.count]))
      let loss = Loss.catalogueDivergence(hidden: x, items: tape.parameter(e), ids: ids)
      let step = try TrainingStep(loss, optimizer: Optimizer(.sgd(0), for: store))
      var values: [Float] = []
      for t in 0..<states {
        for row in some {
          let start = (t * rows + row) * width
          values += hidden[start..<start + width]
        }
      }
      try step.set(x, to: values)
      try step.set(ids, to: [UInt32](repeating: 0, count: some.count))
      return (Double(try step.run().loss), try step.gradient(of: e))
    }
    let whole = try run(Array(0..<rows))
    let halves = try [run(Array(0..<3)), run(Array(3..<rows))]
    let mean = (halves[0].0 * 3 + halves[1].0 * 17) / 20
    #expect(abs(whole.0 - mean) < 1e-5 * mean)
    let largest = whole.1.map(abs).max() ?? 0
    let means = zip(halves[0].1, halves[1].1).map { few, many -> Float in (few * 3 + many * 17) / 20 }
    let apart = zip(whole.1, means).map { abs($0 - $1) }.max() ?? 0
    #expect(apart < 1e-5 * largest)
  }

  /// 13.1, 2, of losses: every target once, whichever form.
  @Test(arguments: [ReaRecConfiguration.Method.naive, .rpe, .erl, .prl])
  func sharedAndPrefixFormHaveTheSameLoss(_ method: ReaRecConfiguration.Method) throws {
    let values = try [ReaRecConfiguration.Form.shared, .prefix].map { form in
      try RecordedReasoning {
        ($0.reasoning.method, $0.reasoning.form, $0.reasoning.contrast) = (method, form, 0)
        $0.reasoning.divergence = 0.3
        $0.reasoning.temperature = 0.7
      }.value()
    }
    #expect(abs(values[0] - values[1]) < 1e-5, "\(values)")
  }

  /// 13.1, 4.
  @Test func withoutItsPartsALossIsThePlainOne() throws {
    func value(
      _ values: [String: [Float]] = [:], _ change: (inout ReaRecConfiguration.Reasoning) -> Void
    ) throws -> Double {
      try RecordedReasoning(values: values) {
        $0.reasoning.temperature = 0.8
        change(&$0.reasoning)
      }.value()
    }
    let methods = ReaRecConfiguration.Method.allCases
    let plain = try methods.map { method in try value { ($0.method, $0.steps) = (method, 0) } }
    for other in plain { #expect(abs(other - plain[0]) < 1e-6) }

    let places = ["thoughts.weight": [Float](repeating: 0, count: 8)]
    let rpe = try value { $0.method = .rpe }
    let last = try value { ($0.method, $0.progressive, $0.contrast) = (.prl, 0, 0) }
    #expect(abs(last - rpe) < 1e-6)
    let placeless = try value(places) { $0.method = .rpe }
    #expect(try abs(placeless - value { $0.method = .naive }) < 1e-6)
    // A divergence is positive, and is taken away.
    #expect(
      try value { ($0.method, $0.divergence) = (.erl, 0.5) }
        < value { ($0.method, $0.divergence) = (.erl, 0) })

    var reasoning = ReaRecConfiguration.Reasoning()
    (reasoning.steps, reasoning.temperature, reasoning.decay) = (3, 0.5, 1)
    let flat = (0...3).map { reasoning.temperature(ofState: $0) }
    #expect(flat == [0.5, 0.5, 0.5, 0.5])
    reasoning.decay = 2
    let falling = (0...3).map { reasoning.temperature(ofState: $0) }
    #expect(falling == [4, 2, 1, 0.5])
    let third = 1 / 3.0
    let means = (0...3).map { reasoning.weight(ofState: $0) }
    #expect(means == [third, third, third, 1])
    reasoning.reduction = .sum
    let sums = (0...3).map { reasoning.weight(ofState: $0) }
    #expect(sums == [1, 1, 1, 1])
    #expect(reasoning.pairs == 6)
  }

  /// Eq. 12 written out, one history at a time: rows of a block share their encode, and the noisy view thinks behind the
  /// drawn rows alone. The second log has more sequences than take part.
  @Test(
    arguments: [ReaRecConfiguration.Form.shared, .prefix],
    [RecordedReasoning.sequences, RecordedReasoning.pairs])
  func theContrastIsThatOfTheReference(_ form: ReaRecConfiguration.Form, _ sequences: [[Int32]]) throws {
    func recorded(_ contrast: Double) throws -> RecordedReasoning {
      try RecordedReasoning(sequences, rows: 200) {
        ($0.reasoning.noise, $0.reasoning.temperature) = (0.3, 0.6)
        ($0.reasoning.form, $0.reasoning.contrast) = (form, contrast)
      }
    }
    let whole = try recorded(1)
    let (block, network) = (whole.block, whole.network)
    let rows = try whole.ids(named: "contrasted rows").filter { $0 != .max }
    #expect(rows.count == min(block.sequences, 64))
    let histories = rows.enumerated().map { number, row in
      let last = form == .shared ? Int(row) : Int(block.offsets[Int(row) + 1]) - 1
      return block.items[Int(block.offsets[number])...last].map { Int($0) }
    }
    let parameters = try whole.store.copies().mapValues { $0.map(Double.init) }
    let reference = SASRecReference(parameters: parameters, model: network.backbone.model, itemCount: 9)
    let width = network.width
    let noise = [try whole.values(named: "noise 0"), try whole.values(named: "noise 1")]
    let clean = histories.map { reference.thoughts($0, steps: 2) }
    let noisy: [[[Double]]] = histories.indices.map { row in
      let own = noise.map { Array($0[row * width..<(row + 1) * width]) }
      return reference.thoughts(histories[row], steps: 2, from: clean[row], noise: own)
    }
    var expected = 0.0
    for step in 1...2 {
      for row in histories.indices {
        let others = histories.indices.filter { $0 == row || histories[$0] != histories[row] }
        func logit(_ other: Int) -> Double {
          zip(noisy[row][step], clean[other][step]).reduce(0.0) { $0 + $1.0 * $1.1 } / 0.6
        }
        let own = logit(row)
        let sum = others.reduce(0.0) { $0 + exp(logit($1) - own) }
        expected += log(sum)
      }
    }
    expected /= Double(2 * histories.count)
    let found = try whole.value() - recorded(0).value()
    #expect(abs(found - expected) < 1e-5 * max(1, expected), "\(form), seed \(testSeed)")
  }

  /// Histories that are exactly alike are no negatives of each other.
  @Test func twinsAreNotContrasted() throws {
    // With twins alone every state has nothing to be told from: the contrast is 0.
    func loss(_ sequences: [[Int32]], _ contrast: Double) throws -> Double {
      try RecordedReasoning(sequences) {
        ($0.reasoning.noise, $0.reasoning.contrast) = (0.5, contrast)
      }.value()
    }
    let twins: [[Int32]] = [[3, 4], [3, 4], [3, 4]]
    #expect(abs(try loss(twins, 1) - loss(twins, 0)) < 1e-6)
    let others: [[Int32]] = [[3, 4], [5, 4], [6, 4]]
    #expect(try loss(others, 1) > loss(others, 0) + 1e-3)
  }
}
