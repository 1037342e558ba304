import Foundation
import PenchantKernels
import TestSupport
import Testing

@Suite struct PaletteTests {
  struct Case: CustomStringConvertible, Sendable {
    var form: PaletteShape.Form
    var d, K, m, r, C, texts, pairs: Int
    var masked = false, half = false

    var description: String {
      "\(form) d \(d) K \(K) m \(m) r \(r) C \(C) N \(texts) P \(pairs)" + (masked ? " masked" : "")
        + (half ? " bfloat16" : "")
    }
    var shape: PaletteShape {
      PaletteShape(form: form, content: d, attributes: K, width: m, rank: r, communities: C)
    }

    struct Problem {
      var shape: PaletteShape
      var texts: PaletteTexts
      var parameters: [Float]
      var chosen, rejected, community: [UInt32]
      var weight, margin: [Float]
      var pairs: [PaletteReference.Pair]
    }

    func problem() throws -> Problem {
      var draws = TestGenerator(stream: "palette \(self)")
      let content = draws.floats(texts * d, .uniform(-1, 1))
      let e = draws.floats(texts * K * m, .uniform(-1, 1))
      let scores = draws.floats(texts * K, .uniform(-2, 2))
      let mask =
        masked
        ? (0..<texts * K).map { $0 / K == 1 ? 0 : UInt8.random(in: 0...1, using: &draws) } : nil
      var values = try PaletteTexts(
        contentWidth: d, attributes: K, width: m, content: content, representations: .float(e),
        scores: scores, mask: mask)
      if half { values = try values.halved() }
      let parameters = draws.floats(shape.count, .uniform(-0.7, 0.7))
      func ids(_ count: Int) -> [UInt32] {
        (0..<pairs).map { _ in UInt32.random(in: 0..<UInt32(max(count, 1)), using: &draws) }
      }
      let (chosen, rejected, community) = (ids(texts), ids(texts), ids(C))
      let (weight, margin) = (draws.floats(pairs, .uniform(0.25, 2)), draws.floats(pairs, .uniform(-1, 1)))
      return Problem(
        shape: shape, texts: values, parameters: parameters, chosen: chosen, rejected: rejected,
        community: community, weight: weight, margin: margin,
        pairs: (0..<pairs).map {
          PaletteReference.Pair(
            chosen: Int(chosen[$0]), rejected: Int(rejected[$0]), community: Int(community[$0]),
            weight: Double(weight[$0]), margin: Double(margin[$0]))
        })
    }

    static let all: [Case] =
      [PaletteShape.Form.paper, .signed].flatMap { form in
        [
          Case(form: form, d: 3, K: 1, m: 3, r: 1, C: 0, texts: 2, pairs: 1),
          Case(form: form, d: 17, K: 5, m: 17, r: 4, C: 3, texts: 11, pairs: 13, masked: true),
          Case(form: form, d: 16, K: 19, m: 16, r: 16, C: 45, texts: 30, pairs: 33),
          Case(form: form, d: 33, K: 7, m: 33, r: 17, C: 1, texts: 20, pairs: 400, half: true),
        ]
      } + [Case(form: .signed, d: 20, K: 6, m: 9, r: 5, C: 2, texts: 9, pairs: 12, masked: true)]
  }

  static func gradient(
    _ p: Case.Problem, use: Bool = true, ridge: Float = 0.125
  ) throws -> (loss: Double, gradient: [Float]) {
    var gradient = [Float](repeating: .nan, count: p.shape.count)
    var out = gradient.mutableSpan
    let loss = try p.shape.loss(
      p.texts, chosen: p.chosen.span, rejected: p.rejected.span, community: p.community.span,
      weight: p.weight.span, margin: p.margin.span, use: use, ridge: ridge, parameters: p.parameters.span,
      gradient: &out)
    return (loss, gradient)
  }

  static func utilities(
    _ p: Case.Problem, community: UInt32
  ) throws -> (utility: [Float], alpha: [Float], kappa: [Float]) {
    let n = p.texts.count
    var utility = [Float](repeating: .nan, count: n)
    var alpha = [Float](repeating: .nan, count: n * p.shape.attributes)
    var kappa = alpha
    var u = utility.mutableSpan
    var a = alpha.mutableSpan
    var k = kappa.mutableSpan
    let ids = [UInt32](repeating: community, count: n)
    try p.shape.utility(
      p.texts, community: ids.span, use: true, parameters: p.parameters.span, utility: &u, alpha: &a,
      kappa: &k)
    return (utility, alpha, kappa)
  }

  /// Central differences of fourth order on the reference: 1e-8 of the largest element.
  @Test(.enabled(if: isOptimised, "runs in release"), arguments: Case.all.filter { $0.pairs < 100 })
  func referenceGradientIsRight(_ test: Case) throws {
    let p = try test.problem()
    let reference = PaletteReference(p.shape, p.texts)
    let x = p.parameters.map(Double.init)
    let gradient = reference.gradient(x, p.pairs, ridge: 0.125)
    let largest = gradient.map(abs).max() ?? 0
    for i in stride(from: 0, to: x.count, by: max(1, x.count / 60)) {
      func at(_ step: Double) -> Double {
        var moved = x
        moved[i] += step
        return reference.loss(moved, p.pairs, ridge: 0.125)
      }
      let h = 2e-3
      let slope = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h)
      #expect(abs(slope - gradient[i]) <= 1e-8 * max(1, largest), "parameter \(i) of \(test)")
    }
  }

  @Test(arguments: Case.all) func lossAndGradientMatchReference(_ test: Case) throws {
    let p = try test.problem()
    let reference = PaletteReference(p.shape, p.texts)
    let x = p.parameters.map(Double.init)
    for use in [true, false] {
      let (loss, gradient) = try Self.gradient(p, use: use)
      #expect(abs(loss - reference.loss(x, p.pairs, use: use, ridge: 0.125)) < 2e-5)
      for (i, expected) in reference.gradient(x, p.pairs, use: use, ridge: 0.125).enumerated() {
        #expect(abs(Double(gradient[i]) - expected) < 2e-5, "parameter \(i) of \(test)")
      }
    }
  }

  @Test(arguments: Case.all) func utilitiesMatchReference(_ test: Case) throws {
    let p = try test.problem()
    let reference = PaletteReference(p.shape, p.texts)
    let x = p.parameters.map(Double.init)
    let K = test.K
    var all = [Float](repeating: .nan, count: test.texts * test.C)
    if test.C > 0 {
      var span = all.mutableSpan
      try p.shape.utilities(p.texts, use: true, parameters: p.parameters.span, into: &span)
    }
    for community in 0..<max(1, test.C) {
      let (utility, alpha, kappa) = try Self.utilities(p, community: UInt32(community))
      for n in 0..<test.texts {
        let text = reference.forward(x, n, community: community)
        #expect(abs(Double(utility[n]) - text.utility) < 3e-5)
        if test.C > 0 { #expect(abs(Double(all[n * test.C + community]) - text.utility) < 3e-5) }
        for i in 0..<K {
          #expect(abs(Double(alpha[n * K + i]) - text.alpha[i]) < 2e-6)
          #expect(abs(Double(kappa[n * K + i]) - text.kappa[i]) < 1e-5)
        }
      }
    }
  }

  @Test(arguments: Case.all) func sameBitsForEveryNumberOfThreads(_ test: Case) throws {
    let p = try test.problem()
    func run() throws -> [UInt32] {
      let (loss, gradient) = try Self.gradient(p)
      var bits = gradient.map(\.bitPattern) + [Float(loss).bitPattern]
      bits += try Self.utilities(p, community: 0).utility.map(\.bitPattern)
      guard test.C > 0 else { return bits }
      var all = [Float](repeating: 0, count: test.texts * test.C)
      var span = all.mutableSpan
      try p.shape.utilities(p.texts, use: true, parameters: p.parameters.span, into: &span)
      return bits + all.map(\.bitPattern)
    }
    let one = try Team.with(threads: 1) { try run() }
    for threads in [2, 3, 5] { #expect(try Team.with(threads: threads) { try run() } == one) }
  }

  @Test func wrongInputIsRefused() throws {
    var p = try Case.all[1].problem()
    p.chosen[2] = 99
    #expect(throws: KernelError.self) { try Self.gradient(p) }
    p = try Case.all[1].problem()
    p.community[0] = 3
    #expect(throws: KernelError.self) { try Self.gradient(p) }
    p = try Case.all[1].problem()
    p.weight = p.weight.map { _ in 0 }
    #expect(throws: KernelError.self) { try Self.gradient(p) }
    p = try Case.all[1].problem()
    p.parameters.removeLast()
    #expect(throws: KernelError.self) { try Self.gradient(p) }
    #expect(throws: KernelError.self) {
      try PaletteTexts(
        contentWidth: 2, attributes: 1, width: 2, content: [1, 2], representations: .float([1]), scores: [0])
    }
  }
}
