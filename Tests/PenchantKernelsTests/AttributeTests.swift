import Foundation
import PenchantKernels
import TestSupport
import Testing

/// One random problem, with every formula written again in Double.
private struct Problem: CustomStringConvertible {
  let texts, attributes, width, queries, rank: Int
  let additive, masked, named: Bool
  var E, query, key, score, bias, direction, content, pooledGradient, alphaGradient, utilityGradient: [Double]
  let mask: [UInt8]?
  let ids: [UInt32]?
  let beta = 0.7
  let scale = 0.125

  var description: String {
    "\(additive ? "additive" : "dot") B \(texts) K \(attributes) m \(width) Q \(queries) r \(rank)"
      + (masked ? " masked" : "") + (named ? " named" : "")
  }

  init(
    _ texts: Int, _ attributes: Int, _ width: Int, queries: Int? = nil, rank: Int? = nil, masked: Bool = false
  ) {
    self.texts = texts
    self.attributes = attributes
    self.width = width
    self.queries = queries ?? texts
    self.rank = rank ?? width
    self.masked = masked
    additive = rank != nil
    named = queries != nil
    var generator = TestGenerator(
      stream: "attribute \(texts) \(attributes) \(width) \(self.queries) \(self.rank)")
    // Floats, so that the kernel and the reference start from the same numbers.
    func draw(_ count: Int, _ distribution: Distribution = .uniform(-1, 1)) -> [Double] {
      generator.floats(count, distribution).map(Double.init)
    }
    E = draw(texts * attributes * width)
    query = draw(self.queries * self.rank, .uniform(-2, 2))
    key = draw(additive ? self.rank * width : 0)
    score = draw(additive ? self.rank : 0, .uniform(-2, 2))
    bias = draw(additive ? self.rank : 0)
    direction = draw(width)
    content = draw(texts * width)
    pooledGradient = draw(texts * width)
    alphaGradient = draw(texts * attributes)
    utilityGradient = draw(texts * self.queries)
    let count = self.queries
    mask =
      masked
      ? (0..<texts * attributes).map { $0 / attributes == 1 ? 0 : UInt8.random(in: 0...1, using: &generator) }
      : nil
    ids =
      named ? (0..<texts).map { _ in UInt32.random(in: 0..<UInt32(max(count, 1)), using: &generator) } : nil
  }

  func floats(_ x: [Double]) -> [Float] { x.map { Float($0) } }

  func attention() throws -> AttributeAttention {
    try AttributeAttention(
      attributes: attributes, width: width,
      score: additive
        ? .additive(key: floats(key), score: floats(score), bias: floats(bias)) : .dot(scale: Float(scale)),
      queries: floats(query))
  }

  func weights(_ b: Int, _ c: Int) -> [Double] {
    let sigma = (0..<attributes).map { i -> Double in
      if let mask, mask[b * attributes + i] == 0 { return -.infinity }
      let e = E[(b * attributes + i) * width..<(b * attributes + i + 1) * width]
      guard additive else {
        return scale * zip(query[c * width..<(c + 1) * width], e).reduce(0) { $0 + $1.0 * $1.1 }
      }
      return (0..<rank).reduce(0) { sum, k in
        let a = zip(key[k * width..<(k + 1) * width], e).reduce(query[c * rank + k] + bias[k]) {
          $0 + $1.0 * $1.1
        }
        return sum + score[k] * tanh(a)
      }
    }
    let largest = sigma.max()!
    guard largest > -.infinity else { return sigma.map { _ in 0 } }
    let total = sigma.reduce(0) { $0 + exp($1 - largest) }
    return sigma.map { exp($0 - largest) / total }
  }

  func pooled(_ b: Int, _ c: Int) -> [Double] {
    let alpha = weights(b, c)
    return (0..<width).map { j in
      (0..<attributes).reduce(0) {
        alpha[$1] == 0 ? $0 : $0 + alpha[$1] * E[(b * attributes + $1) * width + j]
      }
    }
  }

  func utility(_ b: Int, _ c: Int, beta: Double) -> Double {
    let z = pooled(b, c)
    return (0..<width).reduce(0) { $0 + direction[$1] * (content[b * width + $1] + beta * z[$1]) }
  }

  func queryOf(_ b: Int) -> Int { ids.map { Int($0[b]) } ?? b }

  /// What the gradient calls differentiate: pooled and alpha against their upstream gradients, or the utilities.
  func poolObjective(_ some: Range<Int>) -> Double {
    some.reduce(0) { sum, b in
      let alpha = weights(b, queryOf(b))
      let z = pooled(b, queryOf(b))
      return sum + (0..<width).reduce(0) { $0 + z[$1] * pooledGradient[b * width + $1] }
        + (0..<attributes).reduce(0) { $0 + alpha[$1] * alphaGradient[b * attributes + $1] }
    }
  }

  func utilityObjective(_ some: Range<Int>, beta: Double) -> Double {
    some.reduce(0) { $0 + utilityGradient[$1] * utility($1, queryOf($1), beta: beta) }
  }

  func multiObjective(_ some: Range<Int>, beta: Double) -> Double {
    (some.lowerBound * queries..<some.upperBound * queries).reduce(0) {
      $0 + utilityGradient[$1] * utility($1 / queries, $1 % queries, beta: beta)
    }
  }

  enum Mode { case pool, utility, multi }

  struct Gradients {
    var shared: AttributeAttention.Gradients
    var texts, content: [Float]
  }

  func gradients(_ mode: Mode) throws -> Gradients {
    let attention = try attention()
    var (dE, dContent, none) = (floats(E), floats(content), [Float]())
    var e = dE.mutableSpan
    let E = floats(E)
    let (u, h) = (floats(direction), floats(content))
    let shared: AttributeAttention.Gradients
    switch mode {
    case .pool:
      var p = none.mutableSpan
      let (dz, da) = (floats(pooledGradient), floats(alphaGradient))
      shared = try attention.poolGradient(
        E.span, mask: mask?.span, ids: ids?.span, pooledGradient: dz.span, alphaGradient: da.span,
        textsGradient: &e,
        pooled: &p)
    case .utility:
      var c = dContent.mutableSpan
      let dR = floats(Array(utilityGradient[..<texts]))
      shared = try attention.utilityGradient(
        E.span, mask: mask?.span, ids: ids?.span, direction: u.span, content: h.span, beta: Float(beta),
        utilityGradient: dR.span, textsGradient: &e, contentGradient: &c)
    case .multi:
      var c = dContent.mutableSpan
      let dR = floats(utilityGradient)
      shared = try attention.utilitiesGradient(
        E.span, mask: mask?.span, direction: u.span, content: h.span, beta: Float(beta),
        utilitiesGradient: dR.span,
        textsGradient: &e, contentGradient: &c)
    }
    return Gradients(shared: shared, texts: dE, content: dContent)
  }

  static let all: [Problem] = [
    Problem(0, 3, 16), Problem(1, 1, 1), Problem(3, 19, 64), Problem(12, 19, 64, queries: 3),
    Problem(7, 5, 16, queries: 3, masked: true), Problem(4, 17, 32, queries: 6),
    Problem(2, 33, 128, masked: true),
    Problem(6, 4, 7, queries: 2), Problem(5, 19, 48, queries: 2, masked: true),
    Problem(4, 3, 5, masked: true),
    Problem(0, 3, 8, queries: 2, rank: 4), Problem(1, 1, 1, rank: 1),
    Problem(4, 19, 64, queries: 3, rank: 16),
    Problem(17, 6, 13, queries: 4, rank: 5, masked: true), Problem(3, 9, 20, rank: 17),
    Problem(3, 4, 16, queries: 5, rank: 33),
  ]
}

@Suite struct AttributeTests {
  @Test(arguments: Problem.all) fileprivate func poolMatchesItsFormula(_ p: Problem) throws {
    let attention = try p.attention()
    let E = p.floats(p.E)
    var pooled = [Float](repeating: .nan, count: p.texts * p.width)
    var alpha = [Float](repeating: .nan, count: p.texts * p.attributes)
    var z = pooled.mutableSpan
    var a = alpha.mutableSpan
    try attention.pool(E.span, mask: p.mask?.span, ids: p.ids?.span, pooled: &z, alpha: &a)
    for b in 0..<p.texts {
      let weights = p.weights(b, p.queryOf(b))
      let want = p.pooled(b, p.queryOf(b))
      for i in 0..<p.attributes { #expect(abs(Double(alpha[b * p.attributes + i]) - weights[i]) <= 2e-6) }
      for j in 0..<p.width { #expect(abs(Double(pooled[b * p.width + j]) - want[j]) <= 4e-6) }
    }
  }

  @Test(arguments: Problem.all) fileprivate func utilityMatchesItsFormulaAndItsParts(_ p: Problem) throws {
    let attention = try p.attention()
    let (E, u, h) = (p.floats(p.E), p.floats(p.direction), p.floats(p.content))
    var utility = [Float](repeating: .nan, count: p.texts)
    var kappa = [Float](repeating: .nan, count: p.texts * p.attributes)
    var none: [Float] = []
    var r = utility.mutableSpan
    var k = kappa.mutableSpan
    var a = none.mutableSpan
    try attention.utility(
      E.span, mask: p.mask?.span, ids: p.ids?.span, direction: u.span, content: h.span, beta: Float(p.beta),
      into: &r,
      alpha: &a, kappa: &k)
    for b in 0..<p.texts {
      #expect(abs(Double(utility[b]) - p.utility(b, p.queryOf(b), beta: p.beta)) <= 1e-5)
      let content = (0..<p.width).reduce(0) { $0 + p.direction[$1] * p.content[b * p.width + $1] }
      let parts = kappa[b * p.attributes..<(b + 1) * p.attributes].reduce(content) { $0 + Double($1) }
      #expect(abs(Double(utility[b]) - parts) <= 1e-5)
    }
  }

  @Test(arguments: Problem.all) fileprivate func everyQueryOfEveryTextMatchesOneByOne(_ p: Problem) throws {
    let attention = try p.attention()
    let (E, u, h) = (p.floats(p.E), p.floats(p.direction), p.floats(p.content))
    var utilities = [Float](repeating: .nan, count: p.texts * p.queries)
    var alpha = [Float](repeating: .nan, count: p.texts * p.queries * p.attributes)
    var r = utilities.mutableSpan
    var a = alpha.mutableSpan
    try attention.utilities(
      E.span, mask: p.mask?.span, direction: u.span, content: h.span, beta: Float(p.beta), into: &r, alpha: &a
    )
    for b in 0..<p.texts {
      for c in 0..<p.queries {
        #expect(abs(Double(utilities[b * p.queries + c]) - p.utility(b, c, beta: p.beta)) <= 1e-5)
        let weights = p.weights(b, c)
        for i in 0..<p.attributes {
          #expect(abs(Double(alpha[(b * p.queries + c) * p.attributes + i]) - weights[i]) <= 2e-6)
        }
      }
    }
  }

  @Test(arguments: Problem.all.filter { $0.texts > 0 }, [Problem.Mode.pool, .utility, .multi])
  fileprivate func gradientsAreRight(_ p: Problem, _ mode: Problem.Mode) throws {
    let got = try p.gradients(mode)
    func objective(_ p: Problem, _ some: Range<Int>, beta: Double? = nil) -> Double {
      switch mode {
      case .pool: p.poolObjective(some)
      case .utility: p.utilityObjective(some, beta: beta ?? p.beta)
      case .multi: p.multiObjective(some, beta: beta ?? p.beta)
      }
    }
    /// `size` values of a part belong to one text; `nil`: they are shared by all.
    func compare(_ gradient: [Float], _ part: WritableKeyPath<Problem, [Double]>, of size: Int? = nil) {
      #expect(gradient.count == p[keyPath: part].count)
      for i in stride(from: 0, to: gradient.count, by: max(1, gradient.count / 3)) {
        let some = size.map { i / $0..<i / $0 + 1 } ?? 0..<p.texts
        var moved = p
        moved[keyPath: part][i] += 1e-4
        let above = objective(moved, some)
        moved[keyPath: part][i] -= 2e-4
        let slope = (above - objective(moved, some)) / 2e-4
        #expect(abs(Double(gradient[i]) - slope) <= 2e-5 * (1 + abs(slope)), "\(part) \(i)")
      }
    }
    compare(got.texts, \.E, of: p.attributes * p.width)
    compare(got.shared.queries, \.query)
    if p.additive {
      compare(got.shared.key, \.key)
      compare(got.shared.score, \.score)
      compare(got.shared.bias, \.bias)
    }
    if mode != .pool {
      compare(got.shared.direction, \.direction)
      compare(got.content, \.content, of: p.width)
      let slope =
        (objective(p, 0..<p.texts, beta: p.beta + 1e-4) - objective(p, 0..<p.texts, beta: p.beta - 1e-4))
        / 2e-4
      #expect(abs(got.shared.beta - slope) <= 2e-5 * (1 + abs(slope)))
    }
  }

  @Test(arguments: [
    Problem(120, 19, 64, queries: 9), Problem(100, 7, 24, queries: 9, rank: 10, masked: true),
    Problem(90, 5, 16, queries: 100),
  ])
  fileprivate func sameBitsForEveryTeam(_ p: Problem) throws {
    for mode in [Problem.Mode.pool, .utility, .multi] {
      let one = try Team.with(threads: 1) { () throws in try p.gradients(mode) }
      for threads in [2, 3, 5] {
        let many = try Team.with(threads: threads) { () throws in try p.gradients(mode) }
        #expect(one.shared == many.shared)
        #expect(bits(one.texts) == bits(many.texts))
      }
    }
  }

  @Test func maskedAttributesAreNotRead() throws {
    for additive in [false, true] {
      var p = Problem(7, 5, 16, queries: 3, rank: additive ? 4 : nil, masked: true)
      let clean = try p.gradients(.utility)
      for i in p.E.indices where p.mask![i / 16] == 0 { p.E[i] = .nan }
      let dirty = try p.gradients(.utility)
      #expect(clean.shared == dirty.shared)
      #expect(bits(clean.texts) == bits(dirty.texts))
      for i in p.E.indices where p.mask![i / 16] == 0 { #expect(clean.texts[i] == 0) }
    }
  }

  @Test func notANumberStaysInItsText() throws {
    for (width, rank) in [(64, nil), (20, nil), (64, 8)] as [(Int, Int?)] {
      var p = Problem(6, 5, width, queries: 2, rank: rank)
      p.E[2 * 5 * width + 3] = .nan
      let E = p.floats(p.E)
      var pooled = [Float](repeating: 0, count: 6 * width)
      var none: [Float] = []
      var z = pooled.mutableSpan
      var a = none.mutableSpan
      try p.attention().pool(E.span, ids: p.ids?.span, pooled: &z, alpha: &a)
      for b in 0..<6 { #expect(pooled[b * width].isNaN == (b == 2)) }
    }
  }

  @Test func permutedAttributesPermuteTheirWeights() throws {
    let p = Problem(5, 19, 64, queries: 3, rank: 16)
    var turned = p
    for b in 0..<5 {
      for i in 0..<19 {
        for j in 0..<64 { turned.E[(b * 19 + i) * 64 + j] = p.E[(b * 19 + (i + 7) % 19) * 64 + j] }
      }
    }
    func alpha(_ p: Problem) throws -> [Float] {
      let E = p.floats(p.E)
      var none: [Float] = []
      var z = none.mutableSpan
      return try filled(5 * 19) { (a) throws(KernelError) in
        guard let attention = try? p.attention() else { return }
        try attention.pool(E.span, ids: p.ids?.span, pooled: &z, alpha: &a)
      }
    }
    let (given, permuted) = try (alpha(p), alpha(turned))
    for b in 0..<5 {
      for i in 0..<19 { #expect(abs(permuted[b * 19 + i] - given[b * 19 + (i + 7) % 19]) <= 1e-6) }
    }
  }

  @Test func falseShapesAndIdsAreRefused() throws {
    #expect(throws: KernelError.self) {
      try AttributeAttention(attributes: 3, width: 4, score: .dot(scale: 1), queries: [1, 2, 3])
    }
    #expect(throws: KernelError.self) {
      try AttributeAttention(attributes: 3, width: 4, score: .additive(key: [1], score: [1]), queries: [1])
    }
    let attention = try AttributeAttention(attributes: 1, width: 2, score: .dot(scale: 1), queries: [1, 2])
    func pool(_ texts: [Float], ids: [UInt32]?) throws {
      var (pooled, alpha) = ([Float](), [Float]())
      var z = pooled.mutableSpan
      var a = alpha.mutableSpan
      try attention.pool(texts.span, ids: ids?.span, pooled: &z, alpha: &a)
    }
    #expect(throws: KernelError.self) { try pool([1, 2, 3], ids: nil) }
    #expect(throws: KernelError.self) { try pool([1, 2, 3, 4], ids: nil) }
    #expect(throws: KernelError.self) { try pool([1, 2], ids: [1]) }
    try pool([1, 2], ids: [0])
  }
}
