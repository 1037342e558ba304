import Foundation
import PenchantKernels
import TestSupport
import Testing

private func softplus(_ x: Double) -> Double { max(x, 0) + log1p(exp(-abs(x))) }
private func sigmoid(_ x: Double) -> Double { x >= 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x)) }

@Suite struct LabelNoiseTests {
  private struct Result {
    var sums: AnnotatorSums
    var posterior, gradient, losses: [Float]
  }

  private func run(
    _ logits: [Float], _ reliability: [Float], annotators: [UInt32]? = nil, weights: [Float]? = nil,
    only posteriorOnly: Bool = false
  ) throws -> Result {
    var posterior = [Float](repeating: .nan, count: logits.count)
    var gradient = [Float](repeating: .nan, count: posteriorOnly ? 0 : logits.count)
    var losses = gradient
    var p = posterior.mutableSpan
    var g = gradient.mutableSpan
    var l = losses.mutableSpan
    let sums = try labelNoise(
      logits: logits.span, annotators: annotators?.span, reliability: reliability.span,
      weights: weights?.span,
      posterior: &p, gradient: &g, losses: &l)
    return Result(sums: sums, posterior: posterior, gradient: gradient, losses: losses)
  }

  @Test(arguments: Shapes.sizes, [-2.2, 0, 1.4, 6.9] as [Float])
  func oneAnnotatorMatchesTheFormula(_ n: Int, _ a: Float) throws {
    var generator = TestGenerator(stream: "noise \(n) \(a)")
    for inputs in [Distribution.uniform, .cauchy, .exactPowersOfTwo] {
      let u = generator.floats(n, inputs)
      let got = try run(u, [a])
      let eta = sigmoid(Double(a))
      var (sum, loss) = (0.0, 0.0)
      for i in 0..<n {
        let x = Double(u[i])
        let w = sigmoid(x + Double(a))
        // σ(u) − σ(u + a), as a product that does not cancel.
        let difference =
          -sigmoid(x) * sigmoid(-x) * (2 * eta - 1) / (eta * sigmoid(x) + (1 - eta) * sigmoid(-x))
        let marginal =
          x > 0
          ? -log1p(-(eta * sigmoid(-x) + (1 - eta) * sigmoid(x)))
          : -log(eta * sigmoid(x) + (1 - eta) * sigmoid(-x))
        sum += w
        loss += marginal
        #expect(abs(Double(got.posterior[i]) - w) <= 4e-7 * w + 1e-29)
        #expect(abs(Double(got.gradient[i]) - difference) <= 8e-7 * abs(difference) + 1e-37)
        #expect(abs(Double(got.losses[i]) - marginal) <= 2e-6 * marginal)
      }
      #expect(abs(got.sums.sum[0] - sum) <= 1e-6 * (1 + sum))
      #expect(got.sums.count == [Double(n)])
      if n > 0 { #expect(abs(got.sums.meanLoss - loss / Double(n)) <= 1e-6 * (1 + loss / Double(n))) }
      #expect(bits(try run(u, [a], only: true).posterior) == bits(got.posterior))
    }
  }

  @Test func gradientIsThatOfTheMarginalLoss() throws {
    let a: Float = 2.2
    let eta = sigmoid(Double(a))
    func marginal(_ u: Double) -> Double { -log(eta * sigmoid(u) + (1 - eta) * sigmoid(-u)) }
    let u: [Float] = [-20, -4, -1.1, 0, 0.3, 2, 7]
    let got = try run(u, [a])
    for i in u.indices {
      let x = Double(u[i])
      let slope = (marginal(x + 1e-5) - marginal(x - 1e-5)) / 2e-5
      #expect(abs(Double(got.gradient[i]) - slope) <= 1e-6)
    }
  }

  @Test(arguments: [1, 2, 7, 227, 5000]) func sumsOfAnnotatorsMatchAScatter(_ k: Int) throws {
    var generator = TestGenerator(stream: "annotators \(k)")
    let n = 20_011
    let u = generator.floats(n, .uniform)
    let ids = (0..<n).map { _ in UInt32.random(in: 0..<UInt32(k), using: &generator) }
    let a = generator.floats(k, .uniform(-2, 3))
    let weights = generator.floats(n, .uniform(0, 2))
    let got = try run(u, a, annotators: ids, weights: weights)
    var sum = [Double](repeating: 0, count: k)
    var count = sum
    for i in 0..<n {
      sum[Int(ids[i])] += Double(weights[i]) * sigmoid(Double(u[i]) + Double(a[Int(ids[i])]))
      count[Int(ids[i])] += Double(weights[i])
    }
    for j in 0..<k {
      #expect(abs(got.sums.sum[j] - sum[j]) <= 1e-6 * (1 + sum[j]))
      #expect(abs(got.sums.count[j] - count[j]) <= 1e-6 * (1 + count[j]))
    }
    for threads in [2, 3, 5] {
      let again = try Team.with(threads: threads) { () throws in
        try run(u, a, annotators: ids, weights: weights)
      }
      #expect(again.sums == got.sums)
      #expect(bits(again.gradient) == bits(got.gradient))
    }
  }

  /// 10⁵ labels of an annotator who never errs, where a float of P is 1: the mean keeps its digits, as every loss does.
  @Test func meanOfSureLabelsKeepsItsDigits() throws {
    let u = (0..<100_000).map { Float($0 % 40) / 2 }
    let got = try run(u, [20])
    let wrong = 1 / (1 + exp(20.0))
    let want = u.map { -log1p(-(sigmoid(-Double($0)) * (1 - wrong) + wrong * sigmoid(Double($0)))) }
    #expect(abs(got.sums.meanLoss * 1e5 / want.reduce(0, +) - 1) <= 1e-6)
    let certain = try run([Float](repeating: .infinity, count: 1000), [20])
    #expect(abs(certain.sums.meanLoss / -log1p(-wrong) - 1) <= 1e-6)
    let denied = try run([Float](repeating: -.infinity, count: 1000), [20])
    #expect(abs(denied.sums.meanLoss / -log(wrong) - 1) <= 1e-6)
    let poisoned = try run(u + [.nan] + u, [20])
    #expect(poisoned.sums.meanLoss.isNaN)
  }

  @Test func hostileLogitsStayWithinTheirLimits() throws {
    let u: [Float] = [.infinity, -.infinity, 1e30, -1e30, 103, -103, 0, .nan]
    for a in [Float.infinity, -Float.infinity, 80, -80, 0] as [Float] {
      let got = try run(u, [a])
      for i in 0..<u.count - 1 {
        #expect((0...1).contains(got.posterior[i]), "u \(u[i]), a \(a)")
        #expect(got.gradient[i].isFinite)
        #expect(got.losses[i] >= 0)
      }
      #expect(got.posterior[7].isNaN && got.gradient[7].isNaN && got.losses[7].isNaN)
    }
  }

  @Test func unknownAnnotatorsAreRefused() {
    #expect(throws: KernelError.self) { try run([0, 1], [1, 1], annotators: [0, 2]) }
    #expect(throws: KernelError.self) { try run([0], [.nan]) }
    #expect(throws: KernelError.shape("labelNoise", "annotators has 1 values, 2 expected")) {
      try run([0, 1], [1], annotators: [0])
    }
  }

  /// The noise rate of a calibrated model is found from any start, within four standard errors (LCPO, theorem 4.1).
  @Test(arguments: [0.6, 0.8, 0.95]) func noiseRateIsFoundFromAnyStart(_ truth: Double) throws {
    var generator = TestGenerator(stream: "theorem \(truth)")
    let n = 20_000
    let u: [Float] = (0..<n).map { _ in
      let s = 2 * generator.normal()
      let clean = generator.unit() < sigmoid(s)
      let right = generator.unit() < truth
      return Float(clean == right ? s : -s)
    }
    var ends: [Double] = []
    for start in [0.1, 0.55, 0.9, 0.99] {
      var eta = [start]
      var a = [Float(log(start / (1 - start)))]
      for _ in 0..<400 {
        let before = eta[0]
        a = try ReliabilityRule.mean.update(&eta, from: run(u, a, only: true).sums)
        if abs(eta[0] - before) < 1e-9 { break }
      }
      ends.append(eta[0])
    }
    let information = u.reduce(0.0) { sum, x in
      let p = sigmoid(Double(x))
      let seen = p * truth + (1 - p) * (1 - truth)
      return sum + (2 * p - 1) * (2 * p - 1) / (seen * seen)
    }
    #expect(abs(ends[0] - truth) <= 4 / information.squareRoot())
    #expect(ends.max()! - ends.min()! <= 1e-4)
  }

  @Test func rulesOfReliability() throws {
    let sums = AnnotatorSums(sum: [8, 0, 3], count: [10, 0, 3], meanLoss: 0)
    func next(_ rule: ReliabilityRule) throws -> [Double] {
      var eta = [0.9, 0.7, 0.5]
      let a = try rule.update(&eta, from: sums, floor: 1e-3)
      for i in eta.indices { #expect(ulps(a[i], log(eta[i] / (1 - eta[i]))) <= 1) }
      return eta
    }
    func near(_ got: [Double], _ want: [Double]) {
      for (g, w) in zip(got, want) { #expect(abs(g - w) <= 1e-12) }
    }
    near(try next(.mean), [0.8, 0.7, 0.999])
    near(try next(.movingAverage(step: 0.1)), [0.89, 0.7, 0.55])
    near(
      try next(.countedAverage(step: 0.1)),
      [0.9 - 0.1 * (1 - pow(0.9, 10)), 0.7, 0.5 + 0.5 * (1 - pow(0.9, 3))])
    near(try next(.beta(right: 9, wrong: 1)), [17.0 / 20, 0.9, 12.0 / 13])
    for rule in [ReliabilityRule.movingAverage(step: 2), .beta(right: -1, wrong: 0)] {
      #expect(throws: KernelError.self) { try next(rule) }
    }
  }
}

@Suite struct NoisyObjectiveTests {
  private static let objectives = [
    NoisyObjective(.dpo, beta: 0.5), NoisyObjective(.ipo, beta: 0.5),
    NoisyObjective(.simPO, beta: 2, gamma: 0.75),
    NoisyObjective(.cpo, beta: 0.25, likelihood: 0.5), NoisyObjective(.hinge, beta: 0.5),
  ]

  /// The loss itself, of the order as given and of the other.
  private func losses(
    _ o: NoisyObjective, _ x: [Double], _ m: Double, _ k: Double
  ) -> (given: Double, swapped: Double) {
    let beta = Double(o.beta)
    let d = (x[0] - x[2]) / m - (x[1] - x[3]) / k
    switch o.kind {
    case .dpo: return (softplus(-beta * d), softplus(beta * d))
    case .ipo:
      let c = 1 / (2 * beta)
      return ((d - c) * (d - c), (-d - c) * (-d - c))
    case .simPO:
      let gamma = Double(o.gamma)
      return (softplus(gamma - beta * d), softplus(beta * d + gamma))
    case .hinge: return (max(0, 1 - beta * d), max(0, 1 + beta * d))
    case .cpo:
      let s = beta * (x[0] - x[1])
      let pull = Double(o.likelihood)
      return (softplus(-s) - pull * x[0] / m, softplus(s) - pull * x[1] / k)
    }
  }

  struct Setting: Sendable, CustomTestStringConvertible {
    var form: NoisyObjective.Form
    var hasLengths, hasWeights: Bool
    var testDescription: String { "\(form), lengths \(hasLengths), weights \(hasWeights)" }
  }
  private static let settings = [NoisyObjective.Form.induced, .weighted].flatMap { form in
    [false, true].flatMap { lengths in
      [false, true].map { Setting(form: form, hasLengths: lengths, hasWeights: $0) }
    }
  }

  @Test(arguments: objectives, settings) func logitAndGradientFollowTheLoss(
    _ objective: NoisyObjective, _ setting: Setting
  ) throws {
    var o = objective
    o.form = setting.form
    let long = setting.hasLengths
    var generator = TestGenerator(stream: "objective \(o.kind) \(long)")
    let n = 300
    let x = (0..<4).map { _ in generator.floats(n, .uniform) }
    let references = o.kind != .cpo
    let chosenLengths = long ? (0..<n).map { UInt32(1 + $0 % 5) } : nil
    let rejectedLengths = long ? (0..<n).map { UInt32(1 + $0 % 3) } : nil
    let chosenReference = references ? x[2] : nil
    let rejectedReference = references ? x[3] : nil
    let (chosen, rejected) = (x[0], x[1])
    let a: [Float] = [1.5]
    let weights = setting.hasWeights ? generator.floats(n, .uniform(0, 2)) : nil
    let u = try filled(n) { (out) throws(KernelError) in
      try o.logits(
        chosen: chosen.span, rejected: rejected.span, chosenReference: chosenReference?.span,
        rejectedReference: rejectedReference?.span, chosenLengths: chosenLengths?.span,
        rejectedLengths: rejectedLengths?.span, into: &out)
    }
    var (posterior, dChosen, dRejected) = (u, u, u)
    var p = posterior.mutableSpan
    var c = dChosen.mutableSpan
    var r = dRejected.mutableSpan
    let sums = try o.step(
      chosen: chosen.span, rejected: rejected.span, chosenReference: chosenReference?.span,
      rejectedReference: rejectedReference?.span, chosenLengths: chosenLengths?.span,
      rejectedLengths: rejectedLengths?.span, reliability: a.span, weights: weights?.span,
      posterior: &p, chosenGradient: &c, rejectedGradient: &r)
    let eta = sigmoid(1.5)
    var mean = 0.0
    for i in 0..<n {
      let (m, k) = (Double(chosenLengths?[i] ?? 1), Double(rejectedLengths?[i] ?? 1))
      let at = [
        Double(x[0][i]), Double(x[1][i]), references ? Double(x[2][i]) : 0, references ? Double(x[3][i]) : 0,
      ]
      let order = losses(o, at, m, k)
      let want = order.swapped - order.given
      let w = sigmoid(want + 1.5)
      let weight = Double(weights?[i] ?? 1)
      func marginal(_ v: Double) -> Double { -log(eta * sigmoid(v) + (1 - eta) * sigmoid(-v)) }
      func slope(_ place: Int) -> Double {
        let ends = [1e-5, -1e-5].map { step in
          var moved = at
          moved[place] += step
          let order = losses(o, moved, m, k)
          return setting.form == .induced
            ? marginal(order.swapped - order.given) : w * order.given + (1 - w) * order.swapped
        }
        return weight * (ends[0] - ends[1]) / 2e-5
      }
      mean += weight * marginal(want) / Double(n)
      #expect(abs(Double(u[i]) - want) <= 4e-6 * (1 + abs(want)))
      #expect(abs(Double(posterior[i]) - w) <= 4e-6)
      // The hinge has kinks; a step across one says nothing.
      let kink = o.kind == .hinge && abs(abs(0.5 * ((at[0] - at[2]) / m - (at[1] - at[3]) / k)) - 1) < 1e-3
      if kink { continue }
      #expect(abs(Double(dChosen[i]) - slope(0)) <= 2e-5)
      #expect(abs(Double(dRejected[i]) - slope(1)) <= 2e-5)
    }
    #expect(abs(sums.meanLoss - mean) <= 1e-5)
  }
}

@Suite struct MixtureTests {
  private func run(
    _ input: MixtureInput, _ x: [Float], _ logWeights: [Float], weights: [Float]? = nil
  ) throws -> (step: MixtureStep, responsibility: [Float]) {
    var responsibility = [Float](repeating: .nan, count: x.count)
    var r = responsibility.mutableSpan
    let step = try mixtureStep(
      input, x.span, logWeights: logWeights.span, weights: weights?.span, responsibility: &r)
    return (step, responsibility)
  }

  /// Rows of softmax(log weight + log likelihood), with their log sums.
  private func reference(_ input: MixtureInput, _ x: [Float], _ logWeights: [Float]) -> [(
    r: [Double], log: Double
  )] {
    let k = logWeights.count
    return (0..<x.count / k).map { i in
      let l = (0..<k).map { j in
        let v = Double(x[i * k + j])
        return Double(logWeights[j]) + (input == .margins ? -softplus(-v) : v)
      }
      let largest = l.max()!
      let sum = l.reduce(0) { $0 + exp($1 - largest) }
      return (l.map { exp($0 - largest) / sum }, largest + log(sum))
    }
  }

  @Test(arguments: [1, 2, 3, 4, 7, 8, 16, 17, 100], [MixtureInput.margins, .logLikelihoods])
  func responsibilitiesMatchTheSoftmax(_ k: Int, _ input: MixtureInput) throws {
    var generator = TestGenerator(stream: "mixture \(k) \(input)")
    for n in k > 20 ? [1, 130] : [0, 1, 2, 5, 63, 1025] {
      for inputs in [Distribution.uniform, .uniform(-300, 20)] {
        let x = generator.floats(n * k, inputs)
        let logWeights = generator.floats(k, .uniform(-3, 2))
        let got = try run(input, x, logWeights)
        let want = reference(input, x, logWeights)
        var mass = [Double](repeating: 0, count: k)
        var mean = 0.0
        for i in 0..<n {
          mean += want[i].log / Double(n)
          for j in 0..<k {
            mass[j] += want[i].r[j] / Double(n)
            #expect(abs(Double(got.responsibility[i * k + j]) - want[i].r[j]) <= 1e-6 + 2e-5 * want[i].r[j])
          }
        }
        for j in 0..<k { #expect(abs(got.step.weights[j] - mass[j]) <= 2e-6) }
        #expect(abs(got.step.meanLogLikelihood - mean) <= 1e-6 * (1 + abs(mean)))
      }
    }
  }

  @Test func weightsOfRowsCount() throws {
    var generator = TestGenerator(stream: "mixture weights")
    let x = generator.floats(8 * 500, .uniform)
    let weights = generator.floats(500, .uniform(0, 2))
    let logWeights = [Float](repeating: log(1 / 8), count: 8)
    let got = try run(.margins, x, logWeights, weights: weights)
    let want = reference(.margins, x, logWeights)
    let all = weights.reduce(0.0) { $0 + Double($1) }
    for j in 0..<8 {
      let mass = (0..<500).reduce(0.0) { $0 + Double(weights[$1]) * want[$1].r[j] } / all
      #expect(abs(got.step.weights[j] - mass) <= 1e-6)
    }
  }

  @Test(arguments: [8, 19]) func sameBitsForEveryTeam(_ k: Int) throws {
    var generator = TestGenerator(stream: "mixture bits")
    let x = generator.floats(9001 * k, .uniform)
    let logWeights = generator.floats(k, .uniform(-1, 1))
    let one = try Team.with(threads: 1) { () throws in try run(.margins, x, logWeights) }
    for threads in [2, 3, 5] {
      let many = try Team.with(threads: threads) { () throws in try run(.margins, x, logWeights) }
      #expect(one.step == many.step)
      #expect(bits(one.responsibility) == bits(many.responsibility))
    }
  }

  @Test func aClosedComponentGetsNothing() throws {
    let got = try run(.margins, [1, 2, 3, 4], [-.infinity, 0])
    #expect(got.responsibility == [0, 1, 0, 1])
    #expect(throws: KernelError.self) { try run(.margins, [1, 2], [-.infinity, -.infinity]) }
  }

  @Test func notANumberStaysInItsRow() throws {
    var x = [Float](repeating: 0.5, count: 8 * 40)
    x[8 * 7 + 3] = .nan
    let got = try run(.margins, x, [Float](repeating: 0, count: 8))
    for i in 0..<40 { #expect(got.responsibility[8 * i].isNaN == (i == 7)) }
  }

  @Test(arguments: [GaussianMixture.Covariance.spherical, .diagonal], [1, 3, 16, 33])
  func gaussianStepsMatchTheirFormulas(_ covariance: GaussianMixture.Covariance, _ d: Int) throws {
    var generator = TestGenerator(stream: "gaussian \(covariance) \(d)")
    let (n, k) = (700, 3)
    let x = generator.floats(n * d, .uniform)
    let mixture = try GaussianMixture(
      covariance, dimension: d, weights: [0.5, 0.2, 0.3], means: generator.floats(k * d, .uniform),
      variances: generator.floats(covariance == .diagonal ? k * d : k, .uniform(0.5, 4)))
    var responsibility = [Float](repeating: .nan, count: n * k)
    var density = [Float](repeating: .nan, count: n)
    var r = responsibility.mutableSpan
    var l = density.mutableSpan
    let mean = try mixture.expect(x.span, responsibility: &r, logDensity: &l)
    var total = 0.0
    for i in 0..<n {
      let logs = (0..<k).map { c in
        (0..<d).reduce(log(mixture.weights[c])) { sum, j in
          let v = Double(mixture.variances[covariance == .diagonal ? c * d + j : c])
          let off = Double(x[i * d + j]) - Double(mixture.means[c * d + j])
          return sum - 0.5 * (off * off / v + log(2 * .pi * v))
        }
      }
      let largest = logs.max()!
      let sum = logs.reduce(0) { $0 + exp($1 - largest) }
      total += largest + log(sum)
      #expect(abs(Double(density[i]) - largest - log(sum)) <= 1e-5 * (1 + abs(largest)))
      for c in 0..<k {
        #expect(abs(Double(responsibility[i * k + c]) - exp(logs[c] - largest) / sum) <= 1e-4)
      }
    }
    #expect(abs(mean - total / Double(n)) <= 1e-5 * (1 + abs(mean)))

    var moved = mixture
    try moved.maximize(x.span, responsibility: responsibility.span)
    for c in 0..<k {
      let mass = (0..<n).reduce(0.0) { $0 + Double(responsibility[$1 * k + c]) }
      #expect(abs(moved.weights[c] - mass / Double(n)) <= 1e-9)
      var all = 0.0
      for j in 0..<d {
        let m = (0..<n).reduce(0.0) { $0 + Double(responsibility[$1 * k + c]) * Double(x[$1 * d + j]) } / mass
        let v =
          (0..<n).reduce(0.0) {
            $0 + Double(responsibility[$1 * k + c]) * (Double(x[$1 * d + j]) - m)
              * (Double(x[$1 * d + j]) - m)
          } / mass
        all += v / Double(d)
        #expect(ulps(moved.means[c * d + j], m, scale: 1) <= 2)
        if covariance == .diagonal { #expect(ulps(moved.variances[c * d + j], v) <= 2) }
      }
      if covariance == .spherical { #expect(ulps(moved.variances[c], all) <= 2) }
    }
    for threads in [2, 5] {
      var again = mixture
      try Team.with(threads: threads) { () throws in
        try again.maximize(x.span, responsibility: responsibility.span)
      }
      #expect(again == moved)
    }
  }

  @Test func likelihoodOfAGaussianMixtureNeverFalls() throws {
    var generator = TestGenerator(stream: "monotone")
    let x: [Float] = (0..<900).map { Float(generator.normal() + Double($0 % 3) * 4) }
    var mixture = try GaussianMixture(
      .diagonal, dimension: 1, weights: [0.3, 0.3, 0.4], means: [-1, 3, 9], variances: [1, 1, 1])
    var before = -Double.infinity
    for _ in 0..<40 {
      var responsibility = [Float](repeating: 0, count: 2700)
      var none: [Float] = []
      var r = responsibility.mutableSpan
      var l = none.mutableSpan
      let now = try mixture.expect(x.span, responsibility: &r, logDensity: &l)
      #expect(now >= before - 1e-6)
      before = now
      try mixture.maximize(x.span, responsibility: responsibility.span)
    }
    #expect(mixture.means.sorted().enumerated().allSatisfy { abs(Double($1) - Double($0) * 4) < 0.3 })
  }

  @Test(arguments: [1, 2, 8, 11]) func prototypesMatchTheirFormula(_ k: Int) throws {
    var generator = TestGenerator(stream: "prototypes \(k)")
    var offsets = [0]
    for u in 0..<50 {
      offsets.append(offsets[u] + (u == 9 ? 3000 : Int.random(in: 0...6, using: &generator)))
    }
    let margins = generator.floats(offsets[50] * k, .uniform)
    let logWeights = generator.floats(k, .uniform(-2, 0))
    func run() throws -> (step: MixtureStep, responsibility: [Float], gradient: [Float]) {
      var responsibility = [Float](repeating: .nan, count: 50 * k)
      var gradient = [Float](repeating: .nan, count: margins.count)
      var r = responsibility.mutableSpan
      var g = gradient.mutableSpan
      let step = try prototypeStep(
        offsets: offsets.span, margins: margins.span, logWeights: logWeights.span, responsibility: &r,
        gradient: &g)
      return (step, responsibility, gradient)
    }
    let got = try run()
    var likelihood = 0.0
    for u in 0..<50 {
      let logs = (0..<k).map { j in
        (offsets[u]..<offsets[u + 1]).reduce(Double(logWeights[j])) {
          $0 - softplus(-Double(margins[$1 * k + j]))
        }
      }
      let largest = logs.max()!
      let sum = logs.reduce(0) { $0 + exp($1 - largest) }
      likelihood += (largest + log(sum)) / 50
      for j in 0..<k {
        let r = exp(logs[j] - largest) / sum
        #expect(abs(Double(got.responsibility[u * k + j]) - r) <= 2e-5)
        for i in offsets[u]..<offsets[u + 1] where i % 7 == 0 {
          let slope = -r * sigmoid(-Double(margins[i * k + j]))
          #expect(abs(Double(got.gradient[i * k + j]) - slope) <= 2e-5)
        }
      }
    }
    #expect(abs(got.step.meanLogLikelihood - likelihood) <= 1e-6 * (1 + abs(likelihood)))
    #expect(abs(got.step.weights.reduce(0, +) - 1) <= 1e-6)
    for threads in [2, 3, 5] {
      let many = try Team.with(threads: threads) { () throws in try run() }
      #expect(many.step == got.step)
      #expect(bits(many.gradient) == bits(got.gradient))
    }
  }
}
