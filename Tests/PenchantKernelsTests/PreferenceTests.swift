import Foundation
import PenchantKernels
import TestSupport
import Testing

/// The losses written from their formulas, in Double.
private enum Formula {
  static func softplus(_ x: Double) -> Double { max(x, 0) + log1p(exp(-abs(x))) }
  static func sigmoid(_ x: Double) -> Double { x >= 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x)) }

  /// a·b where a = 0 switches b off.
  static func times(_ a: Double, _ b: Double) -> Double { a == 0 ? 0 : a * b }

  static func loss(_ kind: PreferenceLoss, _ s: Double, label p: Double) -> Double {
    if s.isNaN { return .nan }
    let e = Double(kind.smoothing)
    let shape = Double(kind.shape)
    switch kind.kind {
    case .sigmoid: return times(p, softplus(-s)) + times(1 - p, softplus(s))
    case .robust: return ((1 - e) * softplus(-s) - times(e, softplus(s))) / (1 - 2 * e)
    case .hinge: return times(p, max(0, 1 - s)) + times(1 - p, max(0, 1 + s))
    case .ipo:
      let c = 1 / (2 * Double(kind.beta))
      return times(p, (s - c) * (s - c)) + times(1 - p, (s + c) * (s + c))
    case .holder: return -(1 + shape) * pow(sigmoid(s), shape) + shape * pow(sigmoid(s), 1 + shape)
    case .ropo: return 4 * shape / ((1 + shape) * (1 + shape)) * (softplus(-s) + shape * sigmoid(-s))
    case .exo:
      return times(sigmoid(s), -softplus(-s) - log(1 - e)) + times(sigmoid(-s), -softplus(s) - log(e))
    case .discoPOP:
      return times(sigmoid(-s / shape), softplus(-s)) + sigmoid(s / shape) * exp(min(-s, 30))
    }
  }

  static func slope(_ kind: PreferenceLoss, _ s: Double, label p: Double) -> Double {
    if s.isNaN { return .nan }
    let e = Double(kind.smoothing)
    let shape = Double(kind.shape)
    switch kind.kind {
    case .sigmoid: return (1 - p) * sigmoid(s) - p * sigmoid(-s)
    case .robust: return -((1 - e) * sigmoid(-s) + e * sigmoid(s)) / (1 - 2 * e)
    case .hinge: return (s > -1 ? 1 - p : 0) - (s < 1 ? p : 0)
    case .ipo:
      let c = 1 / (2 * Double(kind.beta))
      return 2 * (times(p, s - c) + times(1 - p, s + c))
    case .holder: return -shape * (1 + shape) * pow(sigmoid(s), shape) * sigmoid(-s) * sigmoid(-s)
    case .ropo: return -4 * shape / ((1 + shape) * (1 + shape)) * sigmoid(-s) * (1 + shape * sigmoid(s))
    case .exo: return times(sigmoid(s) * sigmoid(-s), s - log((1 - e) / e))
    case .discoPOP:
      let (gate, turn) = (sigmoid(s / shape), sigmoid(s / shape) * sigmoid(-s / shape) / shape)
      let growth = exp(min(-s, 30))
      return -sigmoid(-s) * (1 - gate) - gate * (-s > 30 ? 0 : growth) + times(turn, growth - softplus(-s))
    }
  }
}

/// Labels that switch branches off, by place.
private func labels(_ n: Int) -> [Float] { (0..<n).map { [0, 0.3, 1, 0.75][$0 % 4] } }

/// Lengths with an empty answer among them.
private func lengths(_ n: Int, _ step: Int) -> [UInt32] { (0..<n).map { UInt32($0 * step % 7) } }

/// Losses and gradients of margins.
private func margins(
  _ loss: PreferenceLoss, _ margins: [Float], targets: [Float]? = nil, labels: [Float]? = nil,
  weights: [Float]? = nil, scale: Float = 1
) throws -> (mean: Double, losses: [Float], gradient: [Float]) {
  var losses = [Float](repeating: .nan, count: margins.count)
  var gradient = losses
  var l = losses.mutableSpan
  var g = gradient.mutableSpan
  let mean = try preferenceLoss(
    loss, margins: margins.span, targets: targets?.span, labels: labels?.span, weights: weights?.span,
    gradientScale: scale, losses: &l, gradient: &g)
  return (mean, losses, gradient)
}

extension OpCase {
  /// Losses of margins with β = 1 and γ = 0, so that the float margin is the input.
  fileprivate static func preference(
    _ name: String, _ loss: PreferenceLoss, labelled: Bool = false, inputs: [Distribution],
    tolerance: Tolerance
  ) -> OpCase {
    let label: @Sendable (Int) -> Double = {
      labelled ? Double([0, 0.3, 1, 0.75][$0 % 4] as Float) : 1 - Double(loss.smoothing)
    }
    return OpCase(
      "preference_\(name)", shapes: Shapes.vectors, inputs: inputs, counts: { [$0[0]] },
      call: { [try margins(loss, $1[0], labels: labelled ? labels($0[0]) : nil).losses] },
      reference: { [$1[0].enumerated().map { Formula.loss(loss, $1, label: label($0)) }] },
      gradient: {
        [try margins(loss, $1[0], labels: labelled ? labels($0[0]) : nil, weights: $2[0]).gradient]
      },
      tolerance: tolerance)
  }

  fileprivate static func preferenceGradient(
    _ name: String, _ loss: PreferenceLoss, labelled: Bool = false, inputs: [Distribution],
    tolerance: Tolerance
  ) -> OpCase {
    let label: @Sendable (Int) -> Double = {
      labelled ? Double([0, 0.3, 1, 0.75][$0 % 4] as Float) : 1 - Double(loss.smoothing)
    }
    return OpCase(
      "preference_\(name)_gradient", shapes: Shapes.vectors, inputs: inputs, counts: { [$0[0]] },
      call: { [try margins(loss, $1[0], labels: labelled ? labels($0[0]) : nil).gradient] },
      reference: { [$1[0].enumerated().map { Formula.slope(loss, $1, label: label($0)) }] },
      tolerance: tolerance)
  }

  /// Log-probabilities with references and lengths: outputs the losses, differentiates both policies.
  fileprivate static func logProbabilities(
    _ name: String, _ loss: PreferenceLoss, references: Bool, lengths long: Bool
  ) -> OpCase {
    @Sendable func run(_ x: [[Float]], _ weights: [Float]?) throws -> (
      losses: [Float], chosen: [Float], rejected: [Float]
    ) {
      let n = x[0].count
      let chosenLengths = long ? lengths(n, 3) : nil
      let rejectedLengths = long ? lengths(n, 5) : nil
      let chosenReference = references ? x[2] : nil
      let rejectedReference = references ? x[3] : nil
      let (given, refused) = (x[0], x[1])
      var (losses, chosen, rejected) = (
        [Float](repeating: .nan, count: n), [Float](repeating: .nan, count: n),
        [Float](repeating: .nan, count: n)
      )
      var l = losses.mutableSpan
      var c = chosen.mutableSpan
      var r = rejected.mutableSpan
      try preferenceLoss(
        loss, chosenLogProbabilities: given.span, rejectedLogProbabilities: refused.span,
        chosenReference: chosenReference?.span, rejectedReference: rejectedReference?.span,
        chosenLengths: chosenLengths?.span, rejectedLengths: rejectedLengths?.span, weights: weights?.span,
        losses: &l,
        chosenGradient: &c, rejectedGradient: &r)
      return (losses, chosen, rejected)
    }
    return OpCase(
      "preference_\(name)", shapes: [0, 1, 3, 17, 130, 4099].map { [$0] },
      inputs: [.uniform, .exactPowersOfTwo],
      counts: { Array(repeating: $0[0], count: references ? 4 : 2) },
      call: { [try run($1, nil).losses] },
      reference: { shape, x in
        let (m, k) = (lengths(shape[0], 3), lengths(shape[0], 5))
        return [
          (0..<shape[0]).map { i in
            let (a, b) = long ? (Double(max(m[i], 1)), Double(max(k[i], 1))) : (1, 1)
            let d = (x[0][i] - (references ? x[2][i] : 0)) / a - (x[1][i] - (references ? x[3][i] : 0)) / b
            let beta = loss.kind == .ipo ? 1 : Double(loss.beta)
            let s = beta * d - Double(loss.targetMargin)
            return Formula.loss(loss, s, label: 1 - Double(loss.smoothing)) - Double(loss.likelihood)
              * x[0][i] / a
          }
        ]
      },
      gradient: {
        let g = try run($1, $2[0])
        return [g.chosen, g.rejected]
      },
      tolerance: .close(relative: 1e-5, absolute: 1e-5))
  }

  fileprivate static let preferenceLosses: [OpCase] = [
    .preference(
      "sigmoid", PreferenceLoss(),
      inputs: [.uniform, .logNormal, .cauchy, .exactPowersOfTwo, .specials, .finiteBits], tolerance: .ulp(4)),
    .preference(
      "labelled", PreferenceLoss(), labelled: true, inputs: [.uniform, .logNormal, .cauchy, .specials],
      tolerance: .ulp(4)),
    .preference(
      "cdpo", PreferenceLoss(smoothing: 0.125), inputs: [.uniform, .logNormal, .cauchy], tolerance: .ulp(4)),
    .preference(
      "robust", PreferenceLoss(.robust, smoothing: 0.2), inputs: [.uniform, .logNormal, .cauchy],
      tolerance: .close(relative: 2e-6, absolute: 1e-6)),
    .preference(
      "hinge", PreferenceLoss(.hinge), labelled: true, inputs: [.uniform, .exactPowersOfTwo, .specials],
      tolerance: .ulp(4)),
    .preference(
      "ipo", PreferenceLoss(.ipo, beta: 0.25), labelled: true,
      inputs: [.uniform, .exactPowersOfTwo, .specials], tolerance: .ulp(4)),
    .preference(
      "holder", PreferenceLoss(.holder, shape: 2), inputs: [.uniform, .logNormal, .cauchy],
      tolerance: .close(relative: 4e-6, absolute: 1e-30)),
    .preference(
      "ropo", PreferenceLoss(.ropo, shape: 2), inputs: [.uniform, .logNormal, .cauchy, .specials],
      tolerance: .ulp(6)),
    .preference(
      "exo", PreferenceLoss(.exo, smoothing: 0.1), inputs: [.uniform, .logNormal, .cauchy],
      tolerance: .close(relative: 4e-6, absolute: 1e-6)),
    .preference(
      "discopop", PreferenceLoss(.discoPOP, shape: 0.05), inputs: [.uniform, .logNormal, .cauchy, .specials],
      tolerance: .close(relative: 4e-6, absolute: 1e-6)),
    .preference(
      "discopopWide", PreferenceLoss(.discoPOP, shape: 0.75), inputs: [.uniform, .logNormal],
      tolerance: .close(relative: 4e-6, absolute: 1e-6)),
    .preferenceGradient(
      "discopop", PreferenceLoss(.discoPOP, shape: 0.05), inputs: [.uniform, .logNormal],
      tolerance: .close(relative: 2e-5, absolute: 2e-5)),
    .preferenceGradient(
      "sigmoid", PreferenceLoss(), inputs: [.uniform, .logNormal, .cauchy, .specials, .finiteBits],
      tolerance: .ulp(4)),
    .preferenceGradient(
      "labelled", PreferenceLoss(), labelled: true, inputs: [.uniform, .logNormal],
      tolerance: .close(relative: 1e-6, absolute: 2e-7)),
    .preferenceGradient(
      "robust", PreferenceLoss(.robust, smoothing: 0.2), inputs: [.uniform, .cauchy], tolerance: .ulp(6)),
    .preferenceGradient(
      "hinge", PreferenceLoss(.hinge), labelled: true, inputs: [.exactPowersOfTwo, .specials],
      tolerance: .ulp(1)),
    .preferenceGradient(
      "ipo", PreferenceLoss(.ipo, beta: 0.25), labelled: true, inputs: [.uniform, .exactPowersOfTwo],
      tolerance: .close(relative: 1e-6, absolute: 1e-6)),
    .preferenceGradient(
      "holder", PreferenceLoss(.holder, shape: 2), inputs: [.uniform, .logNormal],
      tolerance: .close(relative: 4e-6, absolute: 1e-37)),
    .preferenceGradient(
      "ropo", PreferenceLoss(.ropo, shape: 2), inputs: [.uniform, .cauchy], tolerance: .ulp(8)),
    .preferenceGradient(
      "exo", PreferenceLoss(.exo, smoothing: 0.1), inputs: [.uniform, .logNormal],
      tolerance: .close(relative: 4e-6, absolute: 1e-7)),
    .logProbabilities("dpo", .dpo(beta: 0.5), references: true, lengths: false),
    .logProbabilities("ipoLengths", .ipo(tau: 0.5), references: true, lengths: true),
    .logProbabilities("simpo", .simPO(beta: 2, gamma: 0.5), references: false, lengths: true),
    .logProbabilities("cpo", .cpo(beta: 0.5), references: false, lengths: false),
    .logProbabilities("cpoLengths", .cpo(beta: 0.5, likelihood: 0.25), references: false, lengths: true),
    .logProbabilities("slic", .slic(beta: 0.25, likelihood: 0.5), references: true, lengths: false),
  ]
}

@Suite struct PreferenceTests {
  @Test(arguments: OpCase.preferenceLosses) func matchesReference(_ op: OpCase) throws { try op.compare() }

  @Test(arguments: OpCase.preferenceLosses.filter { $0.isDifferentiable && $0.name != "preference_hinge" })
  func gradientIsRight(_ op: OpCase) throws { try op.checkGradient() }

  @Test(arguments: OpCase.preferenceLosses, [2, 3, 5])
  func sameBits(_ op: OpCase, _ threads: Int) throws { try op.checkBits(threads) }

  @Test func everyOptionTogetherMatchesTheFormula() throws {
    var generator = TestGenerator(stream: "options")
    let n = 777
    let (a, b) = (generator.floats(n, .uniform), generator.floats(n, .uniform))
    let (target, weight) = (generator.floats(n, .uniform(0, 1)), generator.floats(n, .uniform(0, 3)))
    let label = labels(n)
    let loss = PreferenceLoss(beta: 0.7, targetMargin: 0.2)
    var (losses, chosen, rejected) = (
      [Float](repeating: 0, count: n), [Float](repeating: 0, count: n), [Float](repeating: 0, count: n)
    )
    var l = losses.mutableSpan
    var c = chosen.mutableSpan
    var r = rejected.mutableSpan
    let mean = try preferenceLoss(
      loss, chosen: a.span, rejected: b.span, targets: target.span, labels: label.span, weights: weight.span,
      gradientScale: 0.5, losses: &l, chosenGradient: &c, rejectedGradient: &r)
    var sum = 0.0
    for i in 0..<n {
      let s = Double(Float(0.7)) * (Double(a[i]) - Double(b[i])) - Double(Float(0.2)) - Double(target[i])
      let want = Double(weight[i]) * Formula.loss(loss, s, label: Double(label[i]))
      let slope =
        0.5 * Double(weight[i]) * Double(Float(0.7)) * Formula.slope(loss, s, label: Double(label[i]))
      sum += want
      #expect(abs(Double(losses[i]) - want) <= 1e-5 * (1 + abs(want)))
      #expect(abs(Double(chosen[i]) - slope) <= 1e-5)
      #expect(rejected[i] == -chosen[i])
    }
    #expect(abs(mean - sum / Double(n)) <= 1e-6)
  }

  @Test func meanHasTheSameBitsForEveryTeam() throws {
    var generator = TestGenerator(stream: "mean")
    let x = generator.floats(50_021, .cauchy)
    let means = try [1, 2, 3, 5, 8].map { threads in
      try Team.with(threads: threads) { () throws in try margins(PreferenceLoss(), x).mean.bitPattern }
    }
    #expect(Set(means).count == 1)
    let exact = x.reduce(0.0) { $0 + Formula.softplus(-Double($1)) } / Double(x.count)
    #expect(abs(Double(bitPattern: means[0]) - exact) <= 1e-6 * exact)
  }

  @Test func swappedPairWithSwappedLabelIsTheSamePair() throws {
    var generator = TestGenerator(stream: "antisymmetry")
    let x = generator.floats(1000, .uniform)
    let label = labels(1000)
    for kind in [PreferenceLoss.Kind.sigmoid, .hinge, .ipo] {
      let loss = PreferenceLoss(kind)
      let given = try margins(loss, x, labels: label)
      let swapped = try margins(loss, x.map { -$0 }, labels: label.map { 1 - $0 })
      for i in x.indices {
        #expect(abs(given.losses[i] - swapped.losses[i]) <= 4e-6 * (1 + given.losses[i]))
        #expect(abs(given.gradient[i] + swapped.gradient[i]) <= 4e-6 * (1 + abs(given.gradient[i])))
      }
    }
  }

  @Test func batchesConcatenate() throws {
    var generator = TestGenerator(stream: "concatenation")
    let (a, b) = (generator.floats(511, .uniform), generator.floats(4500, .uniform))
    let whole = try margins(PreferenceLoss(beta: 0.3), a + b)
    let parts = try [margins(PreferenceLoss(beta: 0.3), a), margins(PreferenceLoss(beta: 0.3), b)]
    #expect(bits(whole.losses) == bits(parts[0].losses + parts[1].losses))
    #expect(bits(whole.gradient) == bits(parts[0].gradient + parts[1].gradient))
  }

  @Test func robustLossIsUnbiased() throws {
    let s: [Float] = [-20, -3, -0.5, 0, 0.25, 2, 9, 30]
    let e: Float = 0.2
    let loss = PreferenceLoss.rDPO(beta: 1, smoothing: e)
    let (right, wrong) = try (margins(loss, s), margins(loss, s.map { -$0 }))
    for i in s.indices {
      let mixed = (1 - Double(e)) * Double(right.losses[i]) + Double(e) * Double(wrong.losses[i])
      #expect(abs(mixed - Formula.softplus(-Double(s[i]))) <= 1e-6 * (1 + abs(Double(s[i]))))
    }
  }

  @Test func parametersOutsideTheirRangeAreRefused() {
    let bad: [PreferenceLoss] = [
      PreferenceLoss(beta: 0), PreferenceLoss(beta: -1), PreferenceLoss(beta: .nan),
      PreferenceLoss(targetMargin: .infinity),
      PreferenceLoss(smoothing: 1), PreferenceLoss(smoothing: -0.1), PreferenceLoss(.robust, smoothing: 0.5),
      PreferenceLoss(.exo), PreferenceLoss(.holder, shape: 0), PreferenceLoss(.ropo, smoothing: 0.1),
      PreferenceLoss(.discoPOP, shape: 0),
      PreferenceLoss(likelihood: -1),
    ]
    for loss in bad { #expect(throws: KernelError.self, "\(loss)") { try margins(loss, [0.5]) } }
    #expect(throws: KernelError.self) { try margins(PreferenceLoss(.holder), [0.5], labels: [1]) }
    #expect(throws: KernelError.self) { try margins(PreferenceLoss(), [0.5], scale: .infinity) }
  }

  @Test func lengthsThatDifferAreNamed() {
    #expect(throws: KernelError.shape("preferenceLoss", "weights has 2 values, 3 expected")) {
      try margins(PreferenceLoss(), [1, 2, 3], weights: [1, 2])
    }
  }

  @Test func nothingIsNoLoss() throws {
    let nothing = try margins(PreferenceLoss(), [])
    #expect(nothing.mean == 0)
  }
}

private struct Rankings {
  var offsets: [Int]
  var places: [UInt32]

  init(offsets: [Int], places: [UInt32] = []) {
    self.offsets = offsets
    self.places = places
  }

  /// Lists of 0 to `most` items of which some head is ranked, the rest not.
  init(_ lists: Int, most: Int, using generator: inout TestGenerator) {
    offsets = [0]
    places = []
    for _ in 0..<lists {
      let count = Int.random(in: 0...most, using: &generator)
      let ranked = count == 0 ? 0 : Int.random(in: 0...count, using: &generator)
      let order = Array(0..<count).shuffled(using: &generator)
      places += order.map { $0 < ranked ? UInt32($0) : unranked }
      offsets.append(offsets.last! + count)
    }
  }

  /// From the definition: the items that are left compete for each place.
  func losses(_ score: [Double], top: Int?) -> [Double] {
    (0..<offsets.count - 1).map { l in
      let items = offsets[l]..<offsets[l + 1]
      let ranked = items.filter { places[$0] != unranked }.count
      return (0..<min(ranked, top ?? ranked)).reduce(0) { sum, place in
        let left = items.filter { places[$0] >= UInt32(place) }
        let largest = left.map { score[$0] }.max()!
        let winner = left.first { places[$0] == UInt32(place) }!
        return sum + log(left.reduce(0) { $0 + exp(score[$1] - largest) }) + largest - score[winner]
      }
    }
  }
}

@Suite struct PlackettLuceTests {
  private func run(
    _ rankings: Rankings, _ scores: [Float], top: Int? = nil, weights: [Float]? = nil, ordered: Bool = false
  ) throws -> (mean: Double, losses: [Float], gradient: [Float]) {
    var losses = [Float](repeating: .nan, count: rankings.offsets.count - 1)
    var gradient = [Float](repeating: .nan, count: scores.count)
    var l = losses.mutableSpan
    var g = gradient.mutableSpan
    let mean = try plackettLuceLoss(
      offsets: rankings.offsets.span, scores: scores.span, places: ordered ? nil : rankings.places.span,
      top: top,
      weights: weights?.span, losses: &l, gradient: &g)
    return (mean, losses, gradient)
  }

  @Test(arguments: [1, 2, 7, 63, 64, 65, 200], [nil, 1, 2, 3])
  func matchesItsDefinition(_ lists: Int, _ top: Int?) throws {
    var generator = TestGenerator(stream: "plackett \(lists) \(String(describing: top))")
    for wide in [false, true] {
      let rankings = Rankings(lists, most: 9, using: &generator)
      let scores = generator.floats(rankings.offsets.last!, wide ? .uniform(-60, 60) : .uniform)
      let got = try run(rankings, scores, top: top)
      let want = rankings.losses(scores.map(Double.init), top: top)
      for l in 0..<lists { #expect(abs(Double(got.losses[l]) - want[l]) <= 2e-6 * (0.01 + want[l])) }
      #expect(abs(got.mean - want.reduce(0, +) / Double(lists)) <= 1e-6 * (1 + got.mean))
    }
  }

  @Test func gradientIsRight() throws {
    var generator = TestGenerator(stream: "plackett gradient")
    let rankings = Rankings(12, most: 7, using: &generator)
    let scores = generator.floats(rankings.offsets.last!, .uniform)
    let weights = generator.floats(12, .uniform(0, 2))
    for top in [nil, 2] as [Int?] {
      let got = try run(rankings, scores, top: top, weights: weights)
      func total(_ s: [Double]) -> Double {
        zip(rankings.losses(s, top: top), weights).reduce(0) { $0 + $1.0 * Double($1.1) }
      }
      for i in scores.indices {
        var (above, below) = (scores.map(Double.init), scores.map(Double.init))
        above[i] += 1e-5
        below[i] -= 1e-5
        #expect(abs(Double(got.gradient[i]) - (total(above) - total(below)) / 2e-5) <= 2e-6)
      }
    }
  }

  @Test func twoItemsAreAPair() throws {
    let margin: [Float] = [-30, -2, 0, 0.5, 12]
    let two = Rankings(offsets: (0...margin.count).map { $0 * 2 })
    let got = try run(two, margin.flatMap { [$0, 0] }, ordered: true)
    for i in margin.indices {
      #expect(ulps(got.losses[i], Formula.softplus(-Double(margin[i]))) <= 4)
      #expect(ulps(got.gradient[2 * i], -Formula.sigmoid(-Double(margin[i]))) <= 4)
      #expect(got.gradient[2 * i] == -got.gradient[2 * i + 1])
    }
  }

  @Test(arguments: [2, 3, 5]) func sameBitsForEveryTeam(_ threads: Int) throws {
    var generator = TestGenerator(stream: "plackett bits")
    let rankings = Rankings(300, most: 12, using: &generator)
    let scores = generator.floats(rankings.offsets.last!, .uniform)
    let one = try Team.with(threads: 1) { () throws in try run(rankings, scores) }
    let many = try Team.with(threads: threads) { () throws in try run(rankings, scores) }
    #expect(one.mean.bitPattern == many.mean.bitPattern)
    #expect(bits(one.gradient) == bits(many.gradient))
  }

  @Test func tiesGapsAndFalsePlacesAreRefused() {
    for places in [[0, 0, 1], [0, 2, unranked], [1, 2, 3], [0, 7, 1]] as [[UInt32]] {
      let bad = Rankings(offsets: [0, 3], places: places)
      #expect(throws: KernelError.self, "\(places)") { try run(bad, [1, 2, 3]) }
    }
    let falling = Rankings(offsets: [0, 3, 2])
    #expect(throws: KernelError.self) { try run(falling, [1, 2], ordered: true) }
  }

  @Test func notANumberStaysInItsList() throws {
    let lists = Rankings(offsets: [0, 3, 6])
    let got = try run(lists, [1, .nan, 2, 1, 2, 3], ordered: true)
    #expect(got.losses[0].isNaN && got.losses[1].isFinite)
    #expect(!got.gradient[3...].contains { !$0.isFinite })
  }
}
