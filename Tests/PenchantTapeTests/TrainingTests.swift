import PenchantKernels
import TapeSupport
import TestSupport
import Testing

@testable import PenchantTape

/// Steps: the same bits for any number of threads and after a resume; optimisers against their formulas;
/// failures.
struct TrainingTests {
  /// A network with everything that could depend on threads or order: products, dropout, an embedding, a
  /// norm.
  struct Network {
    let store: ParameterStore
    let optimizer: Optimizer
    let step: TrainingStep
    let x: Tensor
    let ids: Ids
    let y: Tensor
    static let batch = 64

    init(_ configuration: OptimizerConfiguration, width: Int = 48) throws {
      var layout = ParameterLayout()
      let table = layout.add("table", [50, 16], .normal(deviation: 0.1))
      let w1 = layout.add("w1", [width, 32], .fanIn(32))
      let b1 = layout.add("b1", [width], .zeros, decays: false)
      let scale = layout.add("scale", [width], .constant(1), decays: false)
      let shift = layout.add("shift", [width], .zeros, decays: false)
      let w2 = layout.add("w2", [1, width], .fanIn(width))
      store = try ParameterStore(layout, seed: 5)
      let tape = Tape()
      x = tape.input("x", [Self.batch, 16])
      ids = tape.ids("ids", [Self.batch])
      y = tape.input("y", [Self.batch])
      let joined = x.joined(with: [tape.parameter(table).embedding(ids)])
      let hidden = joined.linear(tape.parameter(w1), bias: tape.parameter(b1)).relu().dropout(0.1)
      let normed = hidden.layerNorm(scale: tape.parameter(scale), shift: tape.parameter(shift))
      let logits = normed.linear(tape.parameter(w2))
      optimizer = try Optimizer(configuration, for: store, seed: 11)
      step = try TrainingStep(Loss.binaryCrossEntropy(logits: logits, targets: y), optimizer: optimizer)
    }

    /// The batch of a step is a function of its number.
    func train(steps: Range<Int>) throws {
      for number in steps {
        var draw = Draw(UInt64(number) + 100)
        let values = draw.floats(Self.batch * 16)
        try step.set(x, to: values)
        try step.set(ids, to: (0..<Self.batch).map { _ in UInt32(draw.below(50)) })
        try step.set(y, to: (0..<Self.batch).map { values[$0 * 16] > 0.1 ? 1 : 0 })
        try step.run()
      }
    }

    func bits() throws -> [UInt32] {
      try store.parameters.flatMap { try store.copy(of: $0).map(\.bitPattern) }
    }
  }

  static var configuration: OptimizerConfiguration {
    var configuration = OptimizerConfiguration.adamW(0.01, decay: 0.05)
    configuration.schedule = .cosine(peak: 0.01, warmup: 10, steps: 200)
    configuration.clip = 1
    configuration.average = 0.99
    return configuration
  }

  @Test func sameBitsForAnyNumberOfThreads() throws {
    var expected: [UInt32]?
    for threads in [1, 2, 3, 5] {
      let bits = try Team.with(threads: threads) {
        let network = try Network(Self.configuration)
        try network.train(steps: 0..<200)
        return try network.bits()
      }
      #expect(expected.map { $0 == bits } ?? true, "\(threads) threads")
      expected = bits
    }
  }

  @Test func resumedTrainingHasTheSameBits() throws {
    let whole = try Network(Self.configuration)
    try whole.train(steps: 0..<60)
    var draw = Draw(testSeed)
    for _ in 0..<3 {
      let stop = 1 + draw.below(58)
      let first = try Network(Self.configuration)
      try first.train(steps: 0..<stop)
      let second = try Network(Self.configuration)
      for parameter in first.store.parameters {
        try second.store.set(parameter, to: try first.store.copy(of: parameter))
      }
      try second.optimizer.restore(first.optimizer.state)
      try second.train(steps: stop..<60)
      #expect(try second.bits() == whole.bits(), "stopped at \(stop)")
      #expect(second.optimizer.state == whole.optimizer.state)
    }
  }

  @Test func lossFalls() throws {
    for configuration in [OptimizerConfiguration.adam(0.01), .adamW(0.01), .sgd(0.3, momentum: 0.9)] {
      let network = try Network(configuration)
      try network.train(steps: 0..<1)
      let before = try network.step.run().loss
      try network.train(steps: 1..<150)
      #expect(try network.step.run().loss < before / 2, "\(configuration.method)")
    }
  }

  /// Adam, AdamW and SGD with momentum, three steps of a quadratic, against their formulas in Double.
  @Test(arguments: OptimizerConfiguration.Method.allCases) func optimiserFollowsItsFormula(
    _ method: OptimizerConfiguration.Method
  ) throws {
    var layout = ParameterLayout()
    let p = layout.add("p", [5], .uniform(bound: 1))
    let store = try ParameterStore(layout, seed: 3)
    var configuration = OptimizerConfiguration(method, .linear(peak: 0.1, warmup: 2, steps: 10))
    configuration.decay = 0.02
    configuration.momentum = 0.9
    configuration.clip = 0.5
    configuration.average = method == .sgd ? nil : 0.9
    let tape = Tape()
    let target: [Float] = [1, -2, 0.5, 3, 0]
    let optimizer = try Optimizer(configuration, for: store)
    let step = try TrainingStep(
      Loss.meanSquaredError(tape.parameter(p), target: tape.constant(target, [5])), optimizer: optimizer)
    var x = try store.copy(of: p).map(Double.init)
    var m = [Double](repeating: 0, count: 5)
    var v = m
    for t in 1...3 {
      var g = zip(x, target).map { 2 * ($0 - Double($1)) / 5 }
      let norm = g.reduce(0) { $0 + $1 * $1 }.squareRoot()
      g = g.map { $0 * min(1, 0.5 / (norm + 1e-6)) }
      let rate = configuration.schedule.rate(at: UInt64(t))
      for i in 0..<5 {
        if method == .adamW { x[i] -= rate * 0.02 * x[i] } else { g[i] += 0.02 * x[i] }
        if method == .sgd {
          m[i] = t == 1 ? g[i] : 0.9 * m[i] + g[i]
          x[i] -= rate * m[i]
        } else {
          m[i] = 0.9 * m[i] + 0.1 * g[i]
          v[i] = 0.999 * v[i] + 0.001 * g[i] * g[i]
          x[i] -= rate * m[i] / (1 - pow(0.9, t)) / ((v[i] / (1 - pow(0.999, t))).squareRoot() + 1e-8)
        }
      }
      let outcome = try step.run()
      #expect(abs(outcome.gradientNorm - norm) < 1e-5)
      #expect(outcome.learningRate == rate)
    }
    #expect(distance(try store.copy(of: p).map(Double.init), x) < 1e-5)
  }

  private func pow(_ base: Double, _ exponent: Int) -> Double {
    (0..<exponent).reduce(1) { power, _ in power * base }
  }

  @Test func frozenParametersStay() throws {
    var layout = ParameterLayout()
    let a = layout.add("a", [20], .uniform(bound: 1))
    let b = layout.add("b", [20], .uniform(bound: 1))
    let store = try ParameterStore(layout.training { $0.name == "b" }, seed: 3)
    let before = try (store.copy(of: a), store.copy(of: b))
    let tape = Tape()
    let step = try TrainingStep(
      (tape.parameter(a) * tape.parameter(b)).squared().mean(),
      optimizer: try Optimizer(.adamW(0.1), for: store))
    try step.run()
    #expect(try store.copy(of: a) == before.0)
    #expect(try store.copy(of: b) != before.1)
    #expect(try step.gradient(of: a) == [Float](repeating: 0, count: 20))
  }

  @Test func averageIsKeptAndAdopted() throws {
    var configuration = OptimizerConfiguration.sgd(0.5)
    configuration.average = 0.5
    var layout = ParameterLayout()
    let p = layout.add("p", [3], .constant(1))
    let store = try ParameterStore(layout)
    let tape = Tape()
    let optimizer = try Optimizer(configuration, for: store)
    let step = try TrainingStep(
      Loss.meanSquaredError(tape.parameter(p), target: tape.constant([0, 0, 0], [3])) * 1.5,
      optimizer: optimizer)
    try step.run()  // p = 1 - 0.5 * 1 = 0.5, average = (1 + 0.5) / 2
    #expect(try store.copy(of: p) == [0.5, 0.5, 0.5])
    optimizer.adoptAverage()
    #expect(try store.copy(of: p) == [0.75, 0.75, 0.75])
  }

  // MARK: What goes wrong

  @Test func nonFiniteStepChangesNothing() throws {
    let network = try Network(.adam(0.01))
    try network.train(steps: 0..<3)
    let before = try (network.bits(), network.optimizer.state)
    try network.step.set(network.x, to: [Float](repeating: .nan, count: Network.batch * 16))
    let error = #expect(throws: TapeError.self) { try network.step.run() }
    guard case .nonFinite(_, let step) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(step == 4)
    #expect(try network.bits() == before.0)
    #expect(network.optimizer.state == before.1)
    try network.train(steps: 3..<5)
  }

  /// The loss is finite, one gradient is not: its parameter is named.
  @Test func nonFiniteGradientIsNamed() throws {
    var layout = ParameterLayout()
    let fine = layout.add("fine", [4], .constant(1))
    let bad = layout.add("bad", [4], .zeros)
    let store = try ParameterStore(layout)
    let tape = Tape()
    let loss = tape.parameter(bad).squareRoot().sum() + tape.parameter(fine).squared().sum()
    let step = try TrainingStep(loss, optimizer: try Optimizer(.adam(0.1), for: store))
    #expect(throws: TapeError.nonFinite(tensor: "gradient of bad", step: 1)) { try step.run() }
    #expect(try store.copy(of: fine) == [1, 1, 1, 1])
  }

  @Test func idOutsideTheTableStopsTheStep() throws {
    let network = try Network(.adam(0.01))
    try network.train(steps: 0..<1)
    let before = try network.bits()
    try network.step.set(network.ids, to: [UInt32](repeating: 50, count: Network.batch))
    #expect(throws: TapeError.self) { try network.step.run() }
    #expect(try network.bits() == before)
  }

  @Test func recordingErrorsNameTheOperationAndShapes() throws {
    let tape = Tape()
    let a = tape.input("a", [3, 4])
    let broken = (a.matmul(tape.input("b", [5, 6])) + a).tanh().mean()
    #expect(tape.error?.description == "matmul: [3, 4] and [5, 6]: inner extents 4 and 5")
    let store = try ParameterStore(ParameterLayout())
    let optimizer = try Optimizer(.adam(0.1), for: store)
    #expect(throws: TapeError.self) { try TrainingStep(broken, optimizer: optimizer) }
    #expect(throws: TapeError.self) { try Inference([broken], on: store) }
  }

  @Test func mistakesInLayoutsAreThrown() throws {
    var layout = ParameterLayout()
    _ = layout.add("w", [3], .zeros)
    _ = layout.add("w", [4], .zeros)
    #expect(throws: TapeError.parameter(name: "w", detail: "the name is taken; give the layer another name"))
    {
      try ParameterStore(layout)
    }
    var empty = ParameterLayout()
    _ = empty.add("w", [3, 0], .zeros)
    #expect(throws: TapeError.self) { try ParameterStore(empty) }
    var other = ParameterLayout()
    let stranger = other.add("stranger", [3], .zeros)
    let tape = Tape()
    let store = try ParameterStore(ParameterLayout())
    #expect(throws: TapeError.self) { try Inference([tape.parameter(stranger)], on: store) }
    #expect(throws: TapeError.self) { try store.copy(of: stranger) }
  }

  @Test func valuesOfTheWrongKindAreRefused() throws {
    let network = try Network(.adam(0.01))
    #expect(throws: TapeError.self) { try network.step.set(network.x, to: [1, 2]) }
    #expect(throws: TapeError.self) { try network.step.values(of: network.x.tanh()) }
  }

  /// Dropout: the share of zeros, the scale, the same mask in the gradient, rest outside training, another
  /// mask each step.
  @Test func dropoutDrawsAndScales() throws {
    var layout = ParameterLayout()
    let p = layout.add("p", [10_000], .constant(1))
    let store = try ParameterStore(layout)
    let tape = Tape()
    let y = tape.parameter(p).dropout(0.25)
    let optimizer = try Optimizer(.sgd(0), for: store, seed: 9)
    let step = try TrainingStep(y.sum(), reading: [y], optimizer: optimizer)
    try step.run()
    let first = try step.values(of: y)
    let zeros = first.count { $0 == 0 }
    #expect((2300...2700).contains(zeros))
    #expect(first.allSatisfy { $0 == 0 || abs($0 - 4 / 3) < 1e-6 })
    #expect(try step.gradient(of: p) == first)
    try step.run()
    #expect(try step.values(of: y) != first)
    let inference = try Inference([y], on: store)
    try inference.run()
    #expect(try inference.values(of: y) == [Float](repeating: 1, count: 10_000))
  }

  @Test func schedulesRiseAndFall() {
    let cosine = Schedule.cosine(peak: 1, warmup: 10, steps: 110, floor: 0.1)
    #expect(abs(cosine.rate(at: 5) - 0.5) < 1e-12)
    #expect(abs(cosine.rate(at: 10) - 1) < 1e-12)
    #expect(abs(cosine.rate(at: 60) - 0.55) < 1e-12)
    #expect(abs(cosine.rate(at: 110) - 0.1) < 1e-12)
    #expect(abs(cosine.rate(at: 500) - 0.1) < 1e-12)
    let linear = Schedule.linear(peak: 2, warmup: 0, steps: 10)
    #expect(linear.rate(at: 5) == 1 && linear.rate(at: 10) == 0)
    #expect(Schedule.constant(0.3).rate(at: 99) == 0.3)
  }

  @Test func startingValuesDependOnNameAndSeedAlone() throws {
    var one = ParameterLayout()
    let a = one.add("a", [100], .normal(deviation: 1))
    var two = ParameterLayout()
    _ = two.add("before", [7], .uniform(bound: 1))
    let b = two.add("a", [100], .normal(deviation: 1))
    #expect(try ParameterStore(one, seed: 4).copy(of: a) == ParameterStore(two, seed: 4).copy(of: b))
    #expect(try ParameterStore(one, seed: 4).copy(of: a) != ParameterStore(one, seed: 5).copy(of: a))
  }
}
