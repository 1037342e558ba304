import Foundation
import PenchantKernels
import PenchantTape
import TestSupport
import Testing

@testable import DiffusionAlignment

/// Every loss of a method against its formula in Double, and its gradient against differences of that formula.
@Suite struct AlignmentGraphTests {
  private static let values = 3
  private static let pairs = 4

  /// A network whose prediction is a table of parameters: the gradient with respect to ε itself.
  private struct Table: NoiseNetwork {
    let timeWidth = 2
    let classRows = 0
    let table: Parameter
    func callAsFunction(_ x: Tensor, times: Tensor, classes: Ids?) -> Tensor { x.tape.parameter(table) }
  }

  private struct Case {
    var eps: [Double]
    var reference: [Double]
    var target: [Double]
    var weights: [Double]
    var factor: [Double]
    var precision: [Double]
    var before: [Double]
  }

  private static func draw(rows: Int, weights: Int) -> Case {
    func numbers(_ count: Int, _ seed: UInt64) -> [Double] { normals(count, "\(seed)").map(Double.init) }
    let count = rows * values
    return Case(
      eps: numbers(count, 1), reference: numbers(count, 2), target: numbers(count, 3),
      weights: numbers(weights, 4).map { abs($0) + 0.2 }, factor: numbers(rows, 5).map { 0.3 * $0 },
      precision: numbers(rows, 6).map { abs($0) }, before: numbers(rows, 7).map { 0.3 * $0 - 0.5 })
  }

  private static func softplus(_ x: Double) -> Double { max(x, 0) + log1p(exp(-abs(x))) }

  /// The loss as InPO's section 10 writes it; sums of squares, nothing rearranged.
  ///
  /// - Parameter fixed: the predictions that KTO's anchor is computed from, which its gradient holds fixed.
  private static func value(
    _ method: AlignmentMethod, _ c: Case, fixed: [Double], beta: Double, gamma: Double, ratio: Double
  ) -> Double {
    let rows = c.eps.count / values
    let half = rows / 2
    func error(_ eps: [Double], _ row: Int) -> Double {
      (0..<values).reduce(0) { $0 + pow(eps[row * values + $1] - c.target[row * values + $1], 2) }
        / Double(values)
    }
    let own = (0..<rows).map { error(c.eps, $0) }
    let known = (0..<rows).map { error(c.reference, $0) }
    func change(_ row: Int) -> Double {
      -(0..<values).reduce(0) {
        $0 + pow(c.target[row * values + $1] - c.factor[row] * c.eps[row * values + $1], 2)
      } / Double(values) * c.precision[row] - c.before[row]
    }
    func clipped(_ x: Double) -> Double { min(max(x, 1 - ratio), 1 + ratio) }
    switch method {
    case .sft: return (0..<rows).reduce(0) { $0 + c.weights[$1] * own[$1] } / Double(rows)
    case .kto:
      let gains = (0..<rows).map { known[$0] - own[$0] }
      let anchor = max(0, (0..<rows).reduce(0) { $0 + known[$1] - error(fixed, $1) } / Double(rows))
      return (0..<rows).reduce(0) { sum, row in
        let sign = row < half ? 1.0 : -1.0
        return sum + c.weights[row] * (1 - 1 / (1 + exp(-sign * beta * (gains[row] - anchor))))
      } / Double(rows)
    case .mapo:
      func odds(_ l: Double) -> Double { 0.5 * l / (exp(0.5 * l) - 1) }
      return (0..<half).reduce(0) { sum, pair in
        let margin = 1000 * (odds(own[pair]) - odds(own[half + pair]))
        return sum + c.weights[pair] * (own[pair] + 0.1 * softplus(-margin))
      } / Double(half)
    case .d3po:
      return (0..<half).reduce(0) { sum, pair in
        let margin = beta * (log(clipped(exp(change(pair)))) - log(clipped(exp(change(half + pair)))))
        return sum + c.weights[pair] * softplus(-margin)
      } / Double(half)
    case .ddpo:
      return -(0..<rows).reduce(0) { sum, row in
        let r = exp(change(row))
        return sum + min(c.weights[row] * r, c.weights[row] * clipped(r))
      } / Double(rows)
    case .inpo, .dpo, .dpoIndependent, .smpo:
      return (0..<half).reduce(0) { sum, pair in
        var h = -beta / 2 * ((own[pair] - own[half + pair]) - (known[pair] - known[half + pair]))
        if method == .smpo {
          h *= gamma * c.weights[pair]
          return sum + softplus(-h)
        }
        return sum + c.weights[pair] * softplus(-h)
      } / Double(half)
    }
  }

  @Test(arguments: AlignmentMethod.allCases)
  func valueAndGradientAreThoseOfTheFormula(_ method: AlignmentMethod) throws {
    let rows = method == .sft ? Self.pairs : 2 * Self.pairs
    let perRow = method == .sft || method == .kto || method == .ddpo
    var layout = ParameterLayout()
    let table = layout.add("eps", [rows, Self.values], .zeros)
    let store = try ParameterStore(layout)
    let model = try DiffusionModel(
      ModelConfiguration(), shape: .point(Self.values), network: Table(table: table), store: store)
    let (beta, gamma, ratio) = (Float(0.7), Float(1.5), Float(0.3))
    let tape = Tape()
    let graph = AlignmentGraph(
      model, method: method, rows: rows, beta: beta, gamma: gamma, ratio: ratio, on: tape)
    let step = try TrainingStep(graph.loss, optimizer: Optimizer(.sgd(0), for: store))
    let c = Self.draw(rows: rows, weights: perRow ? rows : rows / 2)
    try store.set(table, to: c.eps.map(Float.init))
    try graph.noised.set(
      x: [Float](repeating: 0, count: rows * Self.values), times: [Int](repeating: 0, count: rows),
      classes: [],
      of: model, on: step)
    try step.set(graph.target, to: c.target.map(Float.init))
    try step.set(graph.weights, to: c.weights.map(Float.init))
    if let reference = graph.reference { try step.set(reference, to: c.reference.map(Float.init)) }
    if let chain = graph.chain {
      try step.set(chain.factor, to: c.factor.map(Float.init))
      try step.set(chain.precision, to: c.precision.map(Float.init))
      try step.set(chain.before, to: c.before.map(Float.init))
    }
    let loss = try step.run().loss
    let fixed = c.eps
    func value(_ c: Case) -> Double {
      Self.value(method, c, fixed: fixed, beta: Double(beta), gamma: Double(gamma), ratio: Double(ratio))
    }
    #expect(abs(Double(loss) - value(c)) < 2e-5 * max(1, abs(value(c))), "\(loss) for \(value(c))")
    let gradient = try step.gradient(of: table)
    #expect(gradient.contains { $0 != 0 })
    for i in c.eps.indices {
      var (up, down) = (c, c)
      up.eps[i] += 1e-5
      down.eps[i] -= 1e-5
      let slope = (value(up) - value(down)) / 2e-5
      #expect(
        abs(Double(gradient[i]) - slope) < 1e-3 * max(0.05, abs(slope)), "\(i): \(gradient[i]) for \(slope)")
    }
  }

  @Test func nothingIsPreferredAtTheReference() throws {
    let rows = 2 * Self.pairs
    let c = Self.draw(rows: rows, weights: Self.pairs)
    let eps = c.eps.map(Float.init)
    let noise = c.target.map(Float.init)
    let signs = try PairSigns(
      eps: eps, reference: eps, noise: noise, beta: 2000, weights: [Float](repeating: 1, count: Self.pairs))
    #expect(signs.logits == [0, 0, 0] && signs.accuracy == 0)
    var none: [Float] = []
    var span = none.mutableSpan
    let found = try diffusionPreferenceLoss(
      pairs: Self.pairs, beta: 2000, eps: eps.span, reference: eps.span, noise: noise.span, gradient: &span)
    #expect(abs(found.mean - log(2)) < 1e-7)
  }
}
