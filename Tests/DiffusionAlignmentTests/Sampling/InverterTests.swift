import Foundation
import PenchantKernels
import TestSupport
import Testing

@testable import DiffusionAlignment

/// A mixture whose noise is known: what a perfect network predicts.
struct RingPredictor: NoisePredictor {
  let schedule: NoiseSchedule
  let ring: RingOfGaussians
  let shape = SampleShape.point(2)

  init() throws {
    schedule = try NoiseSchedule()
    ring = try RingOfGaussians()
  }

  func noise(in x: [Float], times: [Int], classes: [Int]) throws -> [Float] {
    times.enumerated().flatMap { row, time in
      let eps = ring.noise(Double(x[2 * row]), Double(x[2 * row + 1]), signal: schedule.level(time))
      return [Float(eps.x), Float(eps.y)]
    }
  }
}

/// Rows moved between levels.
private func moved(_ x: [Float], _ eps: [Float], from: Double, to: Double) throws -> [Float] {
  let rows = x.count / 2
  let levels = (from: [Double](repeating: from, count: rows), to: [Double](repeating: to, count: rows))
  var out = x
  var span = out.mutableSpan
  try ddimMove(from: levels.from.span, to: levels.to.span, x.span, eps: eps.span, into: &span)
  return out
}

@Suite struct InverterTests {
  private static func configuration(
    _ change: (inout InversionConfiguration) -> Void = { _ in }
  ) -> InversionConfiguration {
    var configuration = InversionConfiguration()
    configuration.eta = 0
    change(&configuration)
    return configuration
  }

  /// InPO section 4.1.
  @Test func landingStatisticsAreThoseOfTheGrid() throws {
    for (grid, calls) in [(10, 6.382), (5, 3.792), (20, 11.412)] {
      let configuration = Self.configuration { ($0.grid, $0.landing) = (grid, .grid) }
      let sources = configuration.sources(1000)
      let mean = (0..<1000).reduce(0.0) { sum, time in sum + Double(sources.count { $0 < time }) } / 1000
      #expect(abs(mean - calls) < 1e-9, "\(grid): \(mean)")
    }
    let grid = Self.configuration { $0.landing = .grid }
    #expect(grid.sources(1000) == [-99, 1, 101, 201, 301, 401, 501, 601, 701, 801])
    let landings = (0..<1000).map { grid.landing(of: $0, 1000) }
    let later = landings.indices.count { landings[$0] > $0 }
    let earlier = landings.indices.count { landings[$0] < $0 }
    #expect(later == 892 && earlier == 98)
    let schedule = try NoiseSchedule()
    let gains = landings.enumerated().map { time, landing in
      ((1 - schedule.level(landing)) / (1 - schedule.level(time))).squareRoot()
    }
    let meanGain = gains.reduce(0.0, +) / 1000
    let largestGain = gains.max() ?? 0
    #expect(abs(meanGain - 1.139) < 5e-4)
    #expect(abs(largestGain - 6.46) < 5e-3 && gains.firstIndex(of: largestGain) == 2)
    let leaks = landings.enumerated().map { time, landing in
      (schedule.level(landing).squareRoot() - schedule.level(time).squareRoot())
        / (1 - schedule.level(time)).squareRoot()
    }
    let meanSquareLeak = leaks.reduce(0.0) { $0 + $1 * $1 } / 1000
    let lowestLeak = leaks.min() ?? 0
    #expect(abs(meanSquareLeak.squareRoot() - 0.121) < 5e-4)
    #expect(abs(lowestLeak + 1.06) < 5e-3)
  }

  @Test func exactLandingNeedsAlittleMore() throws {
    let predictor = try RingPredictor()
    let times = Array(0..<1000)
    let x = try predictor.ring.samples(1000, seed: 3).values
    let found = try Inverter(Self.configuration(), with: predictor).invert(
      x, times: times, classes: [], seed: 1, rows: times.map(UInt64.init))
    #expect(found.calls == 6480)
  }

  /// InPO section 4.2, to 10 %: round trip and spread at the top, by grid and by the time that is asked about.
  @Test(
    .enabled(if: isOptimised, "runs in release"),
    arguments: [
      (5, 0, 0.207, 0.674), (5, 1, 0.087, 1.105), (5, 2, 0.104, 0.966), (5, 3, 0.059, 1.254),
      (10, 0, 0.096, 0.776), (10, 1, 0.063, 1.037), (10, 2, 0.052, 1.007), (10, 3, 0.028, 1.186),
      (20, 0, 0.060, 0.854), (20, 1, 0.052, 1.012), (20, 2, 0.035, 1.035), (20, 3, 0.019, 1.147),
      (50, 0, 0.033, 0.925), (50, 1, 0.027, 1.009), (50, 2, 0.015, 1.042), (50, 3, 0.008, 1.080),
      (100, 0, 0.019, 0.957), (100, 1, 0.014, 1.008), (100, 2, 0.005, 1.031), (100, 3, 0.002, 1.043),
      (500, 0, 0.0047, 0.988), (500, 1, 0.0027, 1.002), (500, 2, 0.0002, 1.007), (500, 3, 0, 1.008),
    ])
  func roundTripIsThatOfTheTable(_ grid: Int, _ form: Int, _ error: Double, _ spread: Double) throws {
    let predictor = try RingPredictor()
    let count = 4000
    let x = try predictor.ring.samples(count, seed: 11).values
    let configuration = Self.configuration {
      ($0.grid, $0.landing, $0.asked) = (grid, .grid, form == 1 ? .target : .source)
      $0.renoise = [0, 0, 1, 3][form]
    }
    let sources = configuration.sources(1000)
    let top = configuration.landing(of: 999, 1000)
    let latents = try Inverter(configuration, with: predictor).invert(
      x, times: [Int](repeating: 999, count: count), classes: [], seed: 1, rows: (0..<count).map(UInt64.init)
    ).values
    var back = latents
    let levels = ([top] + sources.reversed()).map(predictor.schedule.level)
    for (time, (from, to)) in zip([top] + sources.reversed(), zip(levels, levels.dropFirst())) {
      let eps = try predictor.noise(in: back, times: [Int](repeating: time, count: count), classes: [])
      back = try moved(back, eps, from: from, to: to)
    }
    let apart = zip(back, x).reduce(0.0) { $0 + pow(Double($1.0 - $1.1), 2) } / Double(count)
    let size = latents.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(latents.count)
    // The table has three digits, four in its last line: the last one is the tolerance where 10 % is less.
    let digit = grid == 500 ? 0.00012 : 0.0012
    #expect(abs((apart / 2).squareRoot() - error) < max(0.1 * error, digit), "\((apart / 2).squareRoot())")
    #expect(abs(size.squareRoot() - spread) < 0.1 * spread, "\(size.squareRoot())")
  }

  @Test func aMoveUndoesItself() throws {
    let schedule = try NoiseSchedule()
    let x = normals(400, "x")
    let eps = normals(400, "eps")
    for (from, to) in [(1, 101), (501, 999), (999, 0), (300, 301)] {
      let (a, b) = (schedule.level(from), schedule.level(to))
      let back = try moved(moved(x, eps, from: a, to: b), eps, from: b, to: a)
      let scale = Float(max(1, (schedule.level(from) / schedule.level(to)).squareRoot()))
      #expect(zip(back, x).allSatisfy { abs($0 - $1) < 1e-6 * 8 * scale }, "\(from) to \(to)")
    }
  }

  /// InPO section 5: a hop is a walk in the space of samples, x0(t') = x0(t) − σ̂_t' (ε_t' − ε_t).
  @Test func estimatesWalkByTheDifferenceOfTheNoise() throws {
    let predictor = try RingPredictor()
    let x0 = try predictor.ring.samples(50, seed: 2).values
    var (x, time) = (x0, 1)
    for target in [101, 201, 501, 901] {
      let times = [Int](repeating: time, count: 50)
      let next = [Int](repeating: target, count: 50)
      let eps = try predictor.noise(in: x, times: times, classes: [])
      let before = try predictor.estimates(of: x, times: times, classes: [])
      x = try moved(x, eps, from: predictor.schedule.level(time), to: predictor.schedule.level(target))
      let after = try predictor.estimates(of: x, times: next, classes: [])
      let new = try predictor.noise(in: x, times: next, classes: [])
      let ratio = Float(predictor.schedule.noiseToSignal(target))
      for i in after.indices {
        #expect(abs(after[i] - (before[i] - ratio * (new[i] - eps[i]))) < 1e-5 * max(1, ratio))
      }
      time = target
    }
  }

  @Test(arguments: [InversionConfiguration.Landing.exact, .grid])
  func aBatchOfTimesEqualsOneByOne(_ landing: InversionConfiguration.Landing) throws {
    let predictor = try RingPredictor()
    let inverter = Inverter(
      Self.configuration { ($0.landing, $0.eta) = (landing, 0.1) }, with: predictor)
    let times = [0, 1, 2, 99, 100, 101, 102, 500, 901, 902, 999, 37]
    let x = try predictor.ring.samples(times.count, seed: 8).values
    let rows = times.indices.map { UInt64(100 + 7 * $0) }
    let all = try inverter.invert(x, times: times, classes: [], seed: 4, rows: rows).values
    for (row, time) in times.enumerated() {
      let one = try inverter.invert(
        Array(x[2 * row..<2 * row + 2]), times: [time], classes: [], seed: 4, rows: [rows[row]]
      ).values
      #expect(one == Array(all[2 * row..<2 * row + 2]), "time \(time)")
    }
  }

  @Test func storedInversionsHaveTheBitsOfMadeOnes() throws {
    let predictor = try RingPredictor()
    let samples = try predictor.ring.samples(20, seed: 8)
    for eta in [0, 0.1] {
      let inverter = Inverter(Self.configuration { $0.eta = eta }, with: predictor)
      let stored = StoredInversions(inverter, samples: samples, seed: 6)
      let scarce = StoredInversions(inverter, samples: samples, seed: 6, bytes: 100)
      for seed in 0..<3 {
        let rows = (0..<20).map { ($0 * 7 + seed) % 20 }
        let times = rows.map { ($0 * 53 + 400 * seed) % 1000 }
        let classes = rows.map { _ in DiffusionModel.noClass }
        let found = try stored.latents(rows: rows, times: times, classes: classes)
        let made = try inverter.invert(
          rows.flatMap { samples[$0] }, times: times, classes: classes, seed: 6, rows: rows.map(UInt64.init))
        #expect(found.values == made.values)
        #expect(try scarce.latents(rows: rows, times: times, classes: classes).values == made.values)
        #expect(seed == 0 ? found.calls == 20 * 11 : found.calls == 0)
      }
    }
  }
}
