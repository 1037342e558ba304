import Foundation
import PenchantKernels
import TestSupport
import Testing

private struct State: Equatable {
  var parameters: [Float]
  var first: [Float]
  var second: [Float]

  init(_ count: Int, _ stream: String) {
    var generator = TestGenerator(stream: stream)
    parameters = generator.floats(count, .uniform)
    first = .init(repeating: 0, count: count)
    second = first
  }

  mutating func stepRows(_ adam: Adam, _ ids: [UInt32], _ width: Int, _ gradient: [Float]) throws {
    var (some, means, squares) = (parameters, first, second)
    defer { (parameters, first, second) = (some, means, squares) }
    var p = some.mutableSpan
    var m = means.mutableSpan
    var v = squares.mutableSpan
    try adam.stepRows(
      1, rows: ids.span, width: width, gradient: gradient.span, table: &p, first: &m, second: &v)
  }

  mutating func step(
    _ adam: Adam, _ number: Int, _ gradient: [Float], scale: Double = 1, ranges: [ParameterRange]? = nil
  ) throws {
    var (some, means, squares) = (parameters, first, second)
    defer { (parameters, first, second) = (some, means, squares) }
    var p = some.mutableSpan
    var m = means.mutableSpan
    var v = squares.mutableSpan
    try adam.step(
      number, gradientScale: scale, ranges: ranges, gradient: gradient.span, parameters: &p, first: &m,
      second: &v)
  }
}

/// Adam from the paper, element by element, in Double.
private func adamReference(
  _ adam: Adam, _ start: [Float], _ gradients: [[Float]], scale: Double, rate: Double = 1,
  decay: Double? = nil
) -> [Double] {
  let decay = decay ?? adam.decay
  return start.indices.map { i in
    var (p, m, v) = (Double(start[i]), 0.0, 0.0)
    for (index, gradient) in gradients.enumerated() {
      let step = Double(index + 1)
      var g = Double(gradient[i]) * scale
      if adam.isDecoupled { p -= adam.rate * rate * decay * p } else { g += decay * p }
      m = adam.beta1 * m + (1 - adam.beta1) * g
      v = adam.beta2 * v + (1 - adam.beta2) * g * g
      p -=
        adam.rate * rate * (m / (1 - pow(adam.beta1, step)))
        / ((v / (1 - pow(adam.beta2, step))).squareRoot() + adam.epsilon)
    }
    return p
  }
}

@Suite struct OptimizerTests {
  private func gradients(_ steps: Int, _ count: Int) -> [[Float]] {
    var generator = TestGenerator(stream: "gradients \(count)")
    return (0..<steps).map { _ in generator.floats(count, .uniform(-1, 1)) }
  }

  @Test(arguments: [0, 1, 17, 1000, 16_385], [true, false])
  func adamFollowsThePaper(_ count: Int, _ isDecoupled: Bool) throws {
    let adam = Adam(rate: 0.01, decay: 0.1, isDecoupled: isDecoupled)
    let all = gradients(12, count)
    var state = State(count, "adam")
    let want = adamReference(adam, state.parameters, all, scale: 0.5)
    for (index, gradient) in all.enumerated() { try state.step(adam, index + 1, gradient, scale: 0.5) }
    #expect(zip(state.parameters, want).allSatisfy { abs(Double($0) - $1) < 2e-6 * (1 + abs($1)) })
  }

  @Test func rangesHaveTheirOwnRateAndDecayAndTheRestStandsStill() throws {
    let count = 40_000
    let ranges = [
      ParameterRange(3..<20_000, rate: 2, decay: 0.3), ParameterRange(20_000..<20_000),
      ParameterRange(20_001..<39_990),
    ]
    let adam = Adam(rate: 0.01, decay: 0.1)
    let all = gradients(3, count)
    var state = State(count, "ranges")
    let start = state.parameters
    let fast = adamReference(adam, start, all, scale: 1, rate: 2, decay: 0.3)
    let plain = adamReference(adam, start, all, scale: 1, decay: 0)
    for (index, gradient) in all.enumerated() { try state.step(adam, index + 1, gradient, ranges: ranges) }
    for i in 0..<count {
      let want =
        (3..<20_000).contains(i) ? fast[i] : (20_001..<39_990).contains(i) ? plain[i] : Double(start[i])
      #expect(abs(Double(state.parameters[i]) - want) < 1e-5)
    }
    #expect(state.first[0] == 0 && state.second[39_995] == 0)
    var untouched = State(8, "none")
    let before = untouched
    try untouched.step(adam, 1, [Float](repeating: 1, count: 8), ranges: [])
    #expect(untouched == before)
  }

  @Test func gradientsThatAreNotFiniteAreNamedAndLeftOut() throws {
    for bad in [Float.nan, .infinity, -.infinity] {
      var state = State(20_000, "bad")
      let before = state
      var gradient = [Float](repeating: 1, count: 20_000)
      gradient[17_003] = bad
      gradient[19_999] = bad
      do {
        try state.step(Adam(), 1, gradient)
        Issue.record("not refused")
      } catch let error as KernelError {
        #expect("\(error)".contains("gradient[17003] is not finite"))
      }
      #expect(state.parameters[17_003] == before.parameters[17_003] && state.second[17_003] == 0)
      #expect(state.parameters[17_004] != before.parameters[17_004])
      #expect(throws: KernelError.self) { try gradientNorm(gradient.span) }
    }
  }

  @Test(arguments: [2, 3, 5]) func sameBits(_ threads: Int) throws {
    let gradient = gradients(1, 70_001)[0]
    var one = State(70_001, "bits")
    var many = one
    try Team.with(threads: 1) { () throws in try one.step(Adam(decay: 0.1), 1, gradient) }
    try Team.with(threads: threads) { () throws in try many.step(Adam(decay: 0.1), 1, gradient) }
    #expect(one == many)
    let norms = try [1, threads].map { count in
      try Team.with(threads: count) { () throws in try gradientNorm(gradient.span) }
    }
    #expect(norms[0] == norms[1])
  }

  @Test func rowsMoveAsInTheDenseStepAndOthersStandStill() throws {
    let (rows, width) = (50, 7)
    let ids: [UInt32] = [0, 3, 49]
    let sparse = gradients(1, ids.count * width)[0]
    var dense = [Float](repeating: 0, count: rows * width)
    for (place, id) in ids.enumerated() {
      for j in 0..<width { dense[Int(id) * width + j] = sparse[place * width + j] }
    }
    let adam = Adam(rate: 0.1, decay: 0.1)
    var all = State(rows * width, "rows")
    var some = all
    let start = all
    try all.step(adam, 1, dense)
    try some.stepRows(adam, ids, width, sparse)
    for i in 0..<rows * width {
      #expect(some.parameters[i] == (ids.contains(UInt32(i / width)) ? all : start).parameters[i])
    }
    for wrong in [[3, 0], [0, 0], [50]] as [[UInt32]] {
      #expect(throws: KernelError.self) {
        var state = start
        try state.stepRows(adam, wrong, width, [Float](repeating: 0, count: wrong.count * width))
      }
    }
  }

  @Test(arguments: [
    SGD(rate: 0.1), SGD(rate: 0.1, decay: 0.2), SGD(rate: 0.1, momentum: 0.9, dampening: 0.3, decay: 0.1),
    SGD(rate: 0.1, momentum: 0.9, isNesterov: true),
  ])
  func sgdFollowsItsFormula(_ sgd: SGD) throws {
    let count = 300
    let all = gradients(6, count)
    var generator = TestGenerator(stream: "sgd")
    var parameters = generator.floats(count, .uniform)
    var buffer = [Float](repeating: .nan, count: count)
    var want = parameters.map(Double.init)
    var b = [Double](repeating: 0, count: count)
    for (index, gradient) in all.enumerated() {
      for i in 0..<count {
        let g = Double(gradient[i]) * 2 + sgd.decay * want[i]
        b[i] = index == 0 ? g : sgd.momentum * b[i] + (1 - sgd.dampening) * g
        let move = sgd.momentum == 0 ? g : sgd.isNesterov ? g + sgd.momentum * b[i] : b[i]
        want[i] -= sgd.rate * move
      }
      var p = parameters.mutableSpan
      var m = buffer.mutableSpan
      try sgd.step(index + 1, gradientScale: 2, gradient: gradient.span, parameters: &p, buffer: &m)
    }
    #expect(zip(parameters, want).allSatisfy { abs(Double($0) - $1) < 2e-6 * (1 + abs($1)) })
  }

  @Test func settingsOutsideTheirRangeAreRefused() {
    let wrong = [
      Adam(rate: -1), Adam(rate: .nan), Adam(beta1: 1), Adam(beta2: -0.1), Adam(epsilon: -1),
      Adam(decay: .nan),
    ]
    for adam in wrong {
      #expect(throws: KernelError.self) {
        var state = State(3, "wrong")
        try state.step(adam, 1, [1, 1, 1])
      }
    }
    #expect(throws: KernelError.value("Adam.step", "step 0; steps count from 1")) {
      var state = State(3, "wrong")
      try state.step(Adam(), 0, [1, 1, 1])
    }
    for ranges in [[ParameterRange(2..<4)], [ParameterRange(1..<2), ParameterRange(0..<1)]] {
      #expect(throws: KernelError.self) {
        var state = State(3, "wrong")
        try state.step(Adam(), 1, [1, 1, 1], ranges: ranges)
      }
    }
  }

  @Test func normsClipAndAverages() throws {
    #expect(try gradientNorm([3, 4].span) == 5)
    #expect(try gradientNorm([Float](repeating: 1e30, count: 4).span) > 1.9e30)
    #expect(try gradientNorm([Float]().span) == 0)
    let factor = 1 / (5 + 1e-6)
    #expect(clipFactor(norm: 5, limit: 1) == factor)
    #expect(clipFactor(norm: 0.5, limit: 1) == 1 && clipFactor(norm: 7, limit: .infinity) == 1)
    #expect(clipFactor(norm: .nan, limit: 1) == 0 && clipFactor(norm: .infinity, limit: 1) == 0)
    var average: [Float] = [1, 2]
    var span = average.mutableSpan
    try movingAverage(decay: 0.75, parameters: [5, 6].span, average: &span)
    #expect(average == [2, 3])
  }
}
