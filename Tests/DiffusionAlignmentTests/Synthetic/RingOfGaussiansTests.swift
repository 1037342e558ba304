import Foundation
import PenchantKernels
import Testing

@testable import DiffusionAlignment

@Suite struct RingOfGaussiansTests {
  private static let seed: UInt64 = 5

  @Test func drawsHaveTheMomentsOfTheMixture() throws {
    let ring = try RingOfGaussians()
    let count = 80_000
    let samples = try ring.samples(count, seed: Self.seed, labelled: true)
    #expect(samples.count == count && samples.shape == .point(2))
    // E x² = radius²/2 + deviation², mean 0; five standard errors.
    for part in 0..<2 {
      let values = stride(from: part, to: 2 * count, by: 2).map { Double(samples.values[$0]) }
      let square = values.reduce(0) { $0 + $1 * $1 } / Double(count)
      let mean = values.reduce(0.0, +) / Double(count)
      let share = 5 / Double(count).squareRoot()
      let expected = 1.35 * 1.35 / 2 + 0.15 * 0.15
      #expect(abs(mean) < 0.967 * share)
      #expect(abs(square - expected) < 0.7 * share)
    }
    for mode in 0..<8 {
      let members = samples.classes.indices.filter { samples.classes[$0] == mode }
      #expect(abs(members.count - 10_000) < 5 * 94)
      let centre = ring.centre(mode)
      let spread = members.reduce(0.0) { sum, row in
        let dx = Double(samples.values[2 * row]) - centre.x
        let dy = Double(samples.values[2 * row + 1]) - centre.y
        return sum + dx * dx + dy * dy
      }
      #expect(
        abs(spread / Double(2 * members.count) - 0.0225) < 5 * 0.0225 / Double(members.count).squareRoot())
    }
    // e^-8 of the draws of a mode are further away than four deviations.
    #expect(try abs(ring.offShare(samples) - exp(-8)) < 5 * (exp(-8) / Double(count)).squareRoot())
  }

  @Test func aDrawDependsOnSeedAndIndexOnly() throws {
    let ring = try RingOfGaussians()
    let many = try ring.samples(100, seed: 3)
    let few = try ring.samples(17, seed: 3)
    #expect(many.values.prefix(34).elementsEqual(few.values))
    #expect(try ring.samples(17, seed: 4).values != few.values)
    #expect(try ring.samples(0, seed: 3).count == 0)
    #expect(few.classes.isEmpty)
  }

  @Test func theDensityIsThatOfTheSum() throws {
    let ring = try RingOfGaussians(modes: 3, radius: 0.7, deviation: 0.4)
    // The formula, and the whole mass by a sum over a fine grid.
    var mass = 0.0
    for i in -150..<150 {
      for j in -150..<150 {
        let (x, y) = (Double(i) * 0.02 + 0.01, Double(j) * 0.02 + 0.01)
        var sum = 0.0
        for mode in 0..<3 {
          let angle = 2 * Double.pi * Double(mode) / 3
          let square = pow(x - 0.7 * cos(angle), 2) + pow(y - 0.7 * sin(angle), 2)
          sum += exp(-square / (2 * 0.16)) / (2 * .pi * 0.16) / 3
        }
        let density = ring.density(x, y)
        mass += density * 0.0004
        if abs(density - sum) > 1e-12 * max(1e-3, sum) {
          Issue.record("density at \(x), \(y): \(density), \(sum)")
        }
      }
    }
    #expect(abs(mass - 1) < 1e-6)
  }

  @Test(arguments: [0.99915, 0.75, 0.16, 0.00466, 1e-6])
  func theNoiseIsTheSlopeOfTheNoisedDensity(_ signal: Double) throws {
    let ring = try RingOfGaussians()
    func logDensity(_ x: Double, _ y: Double) -> Double {
      let variance = signal * 0.0225 + 1 - signal
      let terms = (0..<8).map { mode -> Double in
        let centre = ring.centre(mode)
        return -(pow(x - signal.squareRoot() * centre.x, 2) + pow(y - signal.squareRoot() * centre.y, 2))
          / (2 * variance)
      }
      let top = terms.max() ?? 0
      return top + log(terms.reduce(0) { $0 + exp($1 - top) })
    }
    let h = 1e-5
    for (x, y) in [(0.0, 0.0), (1.3, 0.1), (-0.4, 2.0), (0.9, -0.9), (5, 5)] as [(Double, Double)] {
      let noise = ring.noise(x, y, signal: signal)
      let scale = -(1 - signal).squareRoot()
      let dx = scale * (logDensity(x + h, y) - logDensity(x - h, y)) / (2 * h)
      let dy = scale * (logDensity(x, y + h) - logDensity(x, y - h)) / (2 * h)
      #expect(abs(noise.x - dx) < 1e-6 * max(1, abs(dx)), "\(x), \(y)")
      #expect(abs(noise.y - dy) < 1e-6 * max(1, abs(dy)), "\(x), \(y)")
    }
    // Far away the nearest mode holds alone; nothing underflows.
    let far = ring.noise(1e6, 0, signal: 0.5)
    #expect(
      abs(far.x - 0.5.squareRoot() * (1e6 - 0.5.squareRoot() * 1.35) / 0.51125) < 1e-3 && abs(far.y) < 1)
    #expect(ring.density(1e6, 0) == 0)
  }

  @Test func offIsFurtherThanFourDeviationsFromAllModes() throws {
    let ring = try RingOfGaussians()
    #expect(!ring.isOff(1.35 + 0.599, 0) && ring.isOff(1.35 + 0.601, 0) && ring.isOff(0, 0))
    #expect(ring.isOff(.nan, 0) && ring.isOff(.infinity, 0))
    #expect(throws: KernelError.self) { try ring.offShare(SampleSet(shape: .point(1), values: [1])) }
  }

  /// Section 4.2 of the specification: invert to the top of the grid with the time of the source and sample
  /// back on the same grid with a perfect network; root mean square error, and deviation of the latent.
  @Test(arguments: [(5, 0.207, 0.674), (10, 0.096, 0.776), (20, 0.060, 0.854), (50, 0.033, 0.925)])
  func invertingAndSamplingBackLosesWhatIsPublished(_ row: (steps: Int, error: Double, latent: Double)) throws
  {
    let ring = try RingOfGaussians()
    let ends = (0.00085.squareRoot(), 0.012.squareRoot())
    var signals: [Double] = []
    for step in 0..<1000 {
      let beta = pow(ends.0 + Double(step) / 999 * (ends.1 - ends.0), 2)
      signals.append((signals.last ?? 1) * (1 - beta))
    }
    let stride = 1000 / row.steps
    func signal(_ time: Int) -> Double { signals[max(0, time)] }
    func move(_ x: (x: Double, y: Double), from: Int, to: Int) -> (x: Double, y: Double) {
      let noise = ring.noise(x.x, x.y, signal: signal(from))
      let (a, b) = (signal(from), signal(to))
      let scale = (b / a).squareRoot()
      let push = b.squareRoot() * (((1 - b) / b).squareRoot() - ((1 - a) / a).squareRoot())
      return (scale * x.x + push * noise.x, scale * x.y + push * noise.y)
    }
    let times = (0..<row.steps).map { 1 - stride + $0 * stride }
    let samples = try ring.samples(4000, seed: Self.seed)
    var (error, square) = (0.0, 0.0)
    for row in 0..<samples.count {
      let start = (x: Double(samples.values[2 * row]), y: Double(samples.values[2 * row + 1]))
      var point = start
      for time in times { point = move(point, from: time, to: time + stride) }
      square += point.x * point.x + point.y * point.y
      for time in times.reversed() { point = move(point, from: time + stride, to: time) }
      error += pow(point.x - start.x, 2) + pow(point.y - start.y, 2)
    }
    let rms = (error / Double(2 * samples.count)).squareRoot()
    let deviation = (square / Double(2 * samples.count)).squareRoot()
    #expect(abs(rms / row.error - 1) < 0.1, "\(rms)")
    #expect(abs(deviation / row.latent - 1) < 0.1, "\(deviation)")
  }

  @Test func mixturesThatCannotBe() {
    for (modes, radius, deviation) in [
      (0, 1.0, 1.0), (1, -1, 1), (1, 1, 0), (1, .nan, 1), (1, 1, .infinity), (.max, 1, 1),
    ] as [(Int, Double, Double)] {
      #expect(throws: KernelError.self) {
        try RingOfGaussians(modes: modes, radius: radius, deviation: deviation)
      }
    }
    #expect(throws: KernelError.self) { try RingOfGaussians().samples(-1, seed: 0) }
    #expect(throws: KernelError.self) { try RingOfGaussians().samples(.max, seed: 0) }
  }
}

@Suite struct SpiralsTests {
  @Test func pointsLieAlongTheirArms() throws {
    let spirals = try Spirals(arms: 3, turns: 1.25, radius: 2, deviation: 0)
    let samples = try spirals.samples(3000, seed: 2)
    #expect(samples.classNames == ["arm 0", "arm 1", "arm 2"])
    for row in 0..<samples.count {
      let (x, y) = (Double(samples.values[2 * row]), Double(samples.values[2 * row + 1]))
      let part = hypot(x, y) / 2
      let angle = 2 * Double.pi * (1.25 * part + Double(samples.classes[row]) / 3)
      #expect(part <= 1 && hypot(x - 2 * part * cos(angle), y - 2 * part * sin(angle)) < 1e-5)
    }
    for arm in 0..<3 { #expect(abs(samples.classes.count { $0 == arm } - 1000) < 130) }
    #expect(try spirals.samples(7, seed: 2).values == Array(samples.values.prefix(14)))
  }

  @Test func spiralsThatCannotBe() {
    #expect(throws: KernelError.self) { try Spirals(arms: 0) }
    #expect(throws: KernelError.self) { try Spirals(deviation: -1) }
    #expect(throws: KernelError.self) { try Spirals(turns: .infinity) }
  }
}
