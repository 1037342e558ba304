import Foundation
import PenchantKernels
import TestSupport
import Testing

@Suite struct DiffusionTests {
  private static let shapes: [[Int]] = [
    [0, 5], [3, 0], [1, 1], [2, 7], [5, 16], [3, 33], [7, 1000], [2, 16384], [2, 16385], [1, 40000],
    [300, 70],
  ]

  private func move(
    _ moves: [DDIMMove], _ x: [Float], _ eps: [Float], free: [Float]? = nil, guidance: Float = 1,
    z: [Float]? = nil
  ) throws -> [Float] {
    try filled(x.count) { (out) throws(KernelError) in
      try ddimMove(
        moves, x.span, eps: eps.span, free: free?.span, guidance: guidance, z: z?.span, into: &out)
    }
  }

  @Test func coefficientsMatchTheTextbook() throws {
    for from in [1e-4, 0.3, 0.81, 0.99915, 1] {
      for to in [1e-4, 0.29999999, 0.5, 0.79, 1] {
        let move = try DDIMMove(from: from, to: to)
        #expect(abs(move.signal - (to / from).squareRoot()) <= 1e-14 * move.signal)
        let want = to.squareRoot() * (((1 - to) / to).squareRoot() - ((1 - from) / from).squareRoot())
        #expect(abs(move.noise - want) <= 1e-13)
        #expect(move.spread == 0)
      }
    }
    #expect(try DDIMMove(from: 0.4, to: 0.4) == DDIMMove(from: 0.4, to: 0.4, eta: 1))
    #expect(try DDIMMove(from: 0.4, to: 0.4).noise == 0)
  }

  /// eta = 1 is the posterior of DDPM: variance (1 − ᾱ_to)/(1 − ᾱ_from) β with β = 1 − ᾱ_from/ᾱ_to.
  @Test func ancestralStepIsThePosterior() throws {
    let (from, to) = (0.4, 0.5)
    let move = try DDIMMove(from: from, to: to, eta: 1)
    let beta = 1 - from / to
    #expect(abs(move.spread - ((1 - to) / (1 - from) * beta).squareRoot()) <= 1e-14)
    // Mean of the posterior in terms of x and eps: (x − β/√(1−ᾱ) eps)/√α.
    #expect(abs(move.signal - 1 / (1 - beta).squareRoot()) <= 1e-14)
    #expect(abs(move.noise + beta / ((1 - from) * (1 - beta)).squareRoot()) <= 1e-14)
  }

  @Test(arguments: shapes) func movesMatchTheirFormula(_ shape: [Int]) throws {
    var generator = TestGenerator(stream: "move \(shape)")
    let (rows, columns) = (shape[0], shape[1])
    let n = rows * columns
    let a = (0..<4).map { _ in generator.floats(n, .uniform) }
    let moves = try (0..<rows).map { try DDIMMove(from: 0.2 + 0.002 * Double($0), to: 0.9, eta: 0.5) }
    let plain = try move(moves, a[0], a[1])
    let noisy = try move(moves, a[0], a[1], z: a[2])
    let guided = try move(moves, a[0], a[1], free: a[3], guidance: 3, z: a[2])
    var worst = 0.0
    for i in 0..<n {
      let c = moves[i / columns]
      let base = c.signal * Double(a[0][i])
      let want = base + c.noise * Double(a[1][i])
      let spread = c.spread * Double(a[2][i])
      let free = Double(a[3][i])
      let mixed = base + c.noise * (free + 3 * (Double(a[1][i]) - free)) + spread
      worst = max(
        worst, abs(Double(plain[i]) - want), abs(Double(noisy[i]) - want - spread),
        abs(Double(guided[i]) - mixed))
    }
    #expect(worst <= 1e-5)
    for threads in [2, 3, 5] {
      #expect(
        try Team.with(threads: threads) { () throws in bits(try move(moves, a[0], a[1], z: a[2])) }
          == bits(noisy))
    }
  }

  /// With a constant prediction, inverting and moving forward again is where it began.
  @Test func inversionThenForwardReturns() throws {
    for seed in 0..<200 {
      var generator = TestGenerator(stream: "round trip \(seed)")
      let (rows, columns) = (4, 37)
      let x = generator.floats(rows * columns, .uniform)
      let eps = generator.floats(rows * columns, .uniform(-2, 2))
      let clean = (0..<rows).map { _ in 0.5 + 0.49 * generator.unit() }
      let noisy = (0..<rows).map { _ in 0.05 + 0.4 * generator.unit() }
      func go(_ from: [Double], _ to: [Double], _ x: [Float]) throws -> [Float] {
        try filled(x.count) { (out) throws(KernelError) in
          try ddimMove(from: from.span, to: to.span, x.span, eps: eps.span, into: &out)
        }
      }
      let back = try go(noisy, clean, go(clean, noisy, x))
      #expect(zip(back, x).map { abs($0 - $1) }.max()! <= 2e-5)
    }
  }

  @Test func impliedNoiseIsWhatWasAdded() throws {
    var generator = TestGenerator(stream: "implied")
    let (rows, columns) = (9, 1025)
    let (clean, noise) = (
      generator.floats(rows * columns, .uniform), generator.floats(rows * columns, .uniform)
    )
    let levels = (0..<rows).map { 0.1 + 0.08 * Double($0) }
    let x = (0..<rows * columns).map { i in
      Float(
        levels[i / columns].squareRoot() * Double(clean[i]) + (1 - levels[i / columns]).squareRoot()
          * Double(noise[i]))
    }
    let got = try filled(x.count) { (out) throws(KernelError) in
      try impliedNoise(levels: levels.span, x.span, clean: clean.span, into: &out)
    }
    #expect(zip(got, noise).map { abs($0 - $1) }.max()! <= 1e-5)
  }

  private struct Pairs {
    let pairs, columns: Int
    let levels: [Double]
    var eps, reference, x, clean: [Float]
    let weights: [Float]

    init(_ pairs: Int, _ columns: Int, _ name: String) {
      var generator = TestGenerator(stream: name)
      self.pairs = pairs
      self.columns = columns
      levels = (0..<pairs).map { _ in 0.1 + 0.8 * generator.unit() }
      eps = generator.floats(2 * pairs * columns, .uniform(-2, 2))
      reference = generator.floats(2 * pairs * columns, .uniform(-2, 2))
      x = generator.floats(2 * pairs * columns, .uniform(-2, 2))
      clean = generator.floats(2 * pairs * columns, .uniform(-1, 1))
      weights = generator.floats(pairs, .uniform(0, 2))
    }

    func noise(_ row: Int, _ j: Int) -> Double {
      let level = levels[row % pairs]
      let i = row * columns + j
      return (Double(x[i]) - level.squareRoot() * Double(clean[i])) / (1 - level).squareRoot()
    }

    func logits(_ eps: [Double], beta: Double) -> [Double] {
      func error(_ e: [Double], _ row: Int) -> Double {
        (0..<columns).reduce(0) { sum, j in
          let off = e[row * columns + j] - noise(row, j)
          return sum + off * off
        } / Double(columns)
      }
      let old = reference.map(Double.init)
      return (0..<pairs).map { b in
        let policy = error(eps, b) - error(eps, pairs + b)
        return -beta / 2 * (policy - (error(old, b) - error(old, pairs + b)))
      }
    }

    func run(beta: Float) throws -> (result: DiffusionPairs, gradient: [Float]) {
      var gradient = [Float](repeating: .nan, count: eps.count)
      var g = gradient.mutableSpan
      let result = try inversionPreferenceLoss(
        levels: levels.span, beta: beta, eps: eps.span, reference: reference.span, x: x.span,
        clean: clean.span,
        weights: weights.span, gradient: &g)
      return (result, gradient)
    }
  }

  @Test(arguments: [[1, 1], [3, 17], [5, 64], [2, 2500], [40, 33]])
  func inversionLossMatchesItsFormula(_ shape: [Int]) throws {
    let pairs = Pairs(shape[0], shape[1], "inpo \(shape)")
    let beta = 3.0
    let got = try pairs.run(beta: 3)
    let eps = pairs.eps.map(Double.init)
    func losses(_ eps: [Double]) -> [Double] {
      zip(pairs.logits(eps, beta: beta), pairs.weights).map {
        Double($1) * (max(-$0, 0) + log1p(exp(-abs($0))))
      }
    }
    let (h, want) = (pairs.logits(eps, beta: beta), losses(eps))
    for b in 0..<shape[0] {
      #expect(abs(Double(got.result.logits[b]) - h[b]) <= 1e-5 * (1 + abs(h[b])))
      #expect(abs(Double(got.result.losses[b]) - want[b]) <= 1e-5 * (1 + want[b]))
    }
    #expect(abs(got.result.mean - want.reduce(0, +) / Double(shape[0])) <= 1e-5)
    for i in stride(from: 0, to: eps.count, by: max(1, eps.count / 12)) {
      var (above, below) = (eps, eps)
      above[i] += 1e-4
      below[i] -= 1e-4
      let slope = (losses(above).reduce(0, +) - losses(below).reduce(0, +)) / 2e-4
      #expect(abs(Double(got.gradient[i]) - slope) <= 1e-5 + 1e-4 * abs(slope))
    }
    for threads in [2, 3, 5] {
      let again = try Team.with(threads: threads) { () throws in try pairs.run(beta: 3) }
      #expect(again.result.mean.bitPattern == got.result.mean.bitPattern)
      #expect(bits(again.gradient) == bits(got.gradient))
    }
  }

  @Test func knownNoiseAndImpliedNoiseAgree() throws {
    let pairs = Pairs(6, 50, "known noise")
    let noise = (0..<12).flatMap { row in (0..<50).map { Float(pairs.noise(row, $0)) } }
    let implied = try pairs.run(beta: 2)
    var gradient = implied.gradient
    var g = gradient.mutableSpan
    let known = try diffusionPreferenceLoss(
      pairs: 6, beta: 2, eps: pairs.eps.span, reference: pairs.reference.span, noise: noise.span,
      weights: pairs.weights.span, gradient: &g)
    #expect(zip(gradient, implied.gradient).map { abs($0 - $1) }.max()! <= 1e-5)
    for (a, b) in zip(known.losses, implied.result.losses) { #expect(abs(a - b) <= 1e-5 * (1 + b)) }
  }

  @Test func equalNetworksStartAtLogTwo() throws {
    var pairs = Pairs(5, 1000, "equal")
    pairs.reference = pairs.eps
    let got = try pairs.run(beta: 5000)
    #expect(got.result.logits == [0, 0, 0, 0, 0])
    for (loss, weight) in zip(got.result.losses, pairs.weights) {
      #expect(ulps(loss, Double(weight) * log(2)) <= 2)
    }
    #expect(got.result.errors[0] == got.result.errors[2])
  }

  @Test func falseLevelsAndShapesAreRefused() {
    #expect(throws: KernelError.self) { try DDIMMove(from: 0, to: 0.5) }
    #expect(throws: KernelError.self) { try DDIMMove(from: 0.5, to: 1.5) }
    #expect(throws: KernelError.self) { try DDIMMove(from: 0.5, to: .nan) }
    #expect(throws: KernelError.self) { try move([DDIMMove(from: 0.5, to: 0.6)], [1, 2], [1]) }
    #expect(throws: KernelError.self) { try move([], [1], [1]) }
  }
}
