import Foundation
import PenchantKernels
import TestSupport
import Testing

@testable import DiffusionAlignment

@Suite struct FrechetDistanceTests {
  /// Normal samples whitened so that their mean is 0 and their covariance the identity, then mapped.
  private static func samples(_ count: Int, scales: [Double], shift: [Double], turn: Double = 0) throws
    -> SampleSet
  {
    let width = scales.count
    var draws = TestGenerator(stream: "frechet\(count)")
    var rows = (0..<count).map { _ in (0..<width).map { _ in draws.normal() } }
    // Gram-Schmidt over the columns.
    for column in 0..<width {
      let mean = rows.reduce(0.0) { $0 + $1[column] } / Double(count)
      for row in 0..<count { rows[row][column] -= mean }
      for before in 0..<column {
        let product = rows.reduce(0.0) { $0 + $1[column] * $1[before] } / Double(count - 1)
        for row in 0..<count { rows[row][column] -= product * rows[row][before] }
      }
      let length = (rows.reduce(0.0) { $0 + $1[column] * $1[column] } / Double(count - 1)).squareRoot()
      for row in 0..<count { rows[row][column] /= length }
    }
    let values = rows.flatMap { row -> [Float] in
      var point = zip(row, scales).map { $0 * $1 }
      let (a, b) = (point[0], point[1])
      point[0] = cos(turn) * a - sin(turn) * b
      point[1] = sin(turn) * a + cos(turn) * b
      return zip(point, shift).map { Float($0 + $1) }
    }
    return SampleSet(shape: .point(width), values: values)
  }

  @Test func distancesOfKnownGaussians() throws {
    let a = try Self.samples(50, scales: [1, 2, 0.5], shift: [0, 0, 0])
    let b = try Self.samples(40, scales: [3, 1, 0.5], shift: [1, -2, 2])
    // Diagonal covariances: |shift|² + Σ (s - t)².
    let distance = try FrechetDistance(from: a).distance(to: b)
    #expect(abs(distance - (9 + 4 + 1)) < 1e-4, "\(distance)")
    #expect(try abs(FrechetDistance(from: b).distance(to: a) - distance) < 1e-9)
    #expect(try FrechetDistance(from: a).distance(to: a) < 1e-9)
    // A turned ellipse in two dimensions: tr (C1 C2)^½ = (tr C1 C2 + 2 (det C1 C2)^½)^½.
    let turned = try Self.samples(40, scales: [3, 1], shift: [0, 0], turn: 0.6)
    let round = try Self.samples(30, scales: [2, 1], shift: [0, 0])
    let (c, s) = (cos(0.6) * cos(0.6), sin(0.6) * sin(0.6))
    let product = 4 * (9 * c + s) + (9 * s + c)
    let expected = 10 + 5 - 2 * (product + 2 * (36.0).squareRoot()).squareRoot()
    let found = try FrechetDistance(from: turned).distance(to: round)
    #expect(abs(found - expected) < 1e-4, "\(found), \(expected)")
  }

  @Test func fewerSamplesThanValuesNeedNoRidge() throws {
    // Two samples span a line: covariance v vᵀ with v = difference / √2.
    func two(_ a: [Float], _ b: [Float]) -> SampleSet { SampleSet(shape: .point(a.count), values: a + b) }
    let a = two([0, 0, 0, 0], [2, 0, 0, 0])
    let b = two([0, 0, 0, 0], [0, 2, 0, 0])
    // Means differ by (1, -1); traces are 2 each; the spans are orthogonal.
    #expect(try abs(FrechetDistance(from: a).distance(to: b) - 6) < 1e-12)
    #expect(try FrechetDistance(from: a).distance(to: a) < 1e-12)
    // The same covariance from few and from many samples: rows doubled, divided by n - 1.
    var draws = TestGenerator(stream: "few")
    let few = SampleSet(shape: .point(6), values: draws.floats(30, .uniform))
    let many = SampleSet(shape: .point(6), values: few.values + few.values + few.values)
    let factor = (14.0 / 12).squareRoot()
    let spread = try FrechetDistance(from: few).distance(to: many)
    let trace = try FrechetDistance(from: few).distance(
      to: SampleSet(shape: .point(6), values: [Float](repeating: 0, count: 12)))
    let mean = (0..<6).reduce(0.0) { sum, column in
      let m = (0..<5).reduce(0.0) { $0 + Double(few.values[6 * $1 + column]) } / 5
      return sum + m * m
    }
    // C/few = C, C/many = C · 12/14: (1 - √(12/14))² tr C.
    #expect(abs(spread - pow(1 - 1 / factor, 2) * (trace - mean)) < 1e-9 * trace)
  }

  @Test func theBitsDoNotDependOnThreads() throws {
    var draws = TestGenerator(stream: "threads")
    let a = SampleSet(shape: .point(7), values: draws.floats(700, .uniform))
    let b = SampleSet(shape: .point(7), values: draws.floats(350, .uniform))
    let distances = try [1, 2, 3].map { threads in
      try Team.with(threads: threads) { try FrechetDistance(from: a).distance(to: b) }
    }
    #expect(distances[0] == distances[1] && distances[1] == distances[2])
  }

  @Test func whatHasNoCovarianceIsRefused() throws {
    #expect(throws: KernelError.self) {
      try FrechetDistance(from: SampleSet(shape: .point(2), values: [1, 2]))
    }
    #expect(throws: KernelError.self) {
      try FrechetDistance(from: SampleSet(shape: .point(1), values: [1, .nan]))
    }
    let fine = try FrechetDistance(from: SampleSet(shape: .point(1), values: [1, 2]))
    #expect(throws: KernelError.self) {
      try fine.distance(to: SampleSet(shape: .point(2), values: [1, 2, 3, 4]))
    }
  }
}

@Suite struct LinearClassifierTests {
  @Test func theGradientVanishesAtTheFit() throws {
    // Three overlapping classes; the conditions of the optimum, from the formula.
    let ring = try RingOfGaussians(modes: 3, radius: 0.5, deviation: 0.4)
    let samples = try ring.samples(300, seed: 8, labelled: true)
    let ridge = 0.7
    let fitted = try LinearClassifier(fitting: samples, ridge: ridge)
    // [x, y, 1] × [class]; the intercepts have no ridge.
    var slope = fitted.weights.enumerated().map { $0.offset < 6 ? ridge * $0.element : 0 }
    for row in 0..<samples.count {
      let x = samples[row].map(Double.init) + [1]
      let powers: [Double] = (0..<3).map { k in
        exp((0..<3).reduce(0.0) { (sum: Double, j: Int) -> Double in sum + fitted.weights[3 * j + k] * x[j] })
      }
      let total = powers.reduce(0, +)
      for k in 0..<3 {
        let target = samples.classes[row] == k ? 1.0 : 0.0
        let error = powers[k] / total - target
        for j in 0..<3 { slope[3 * j + k] += error * x[j] }
      }
    }
    #expect(slope.allSatisfy { abs($0) < 1e-3 }, "\(slope)")
    let accuracy = try fitted.accuracy(samples)
    #expect(accuracy > 0.6 && accuracy < 0.95)
  }

  @Test func classesAreMatchedByName() throws {
    let samples = SampleSet(
      shape: .point(1), values: [-2, -1, 1, 2], classes: [0, 0, 1, 1], classNames: ["n", "p"])
    let fitted = try LinearClassifier(fitting: samples)
    #expect(try fitted.classes(of: samples) == [0, 0, 1, 1])
    let other = SampleSet(shape: .point(1), values: [3, -3], classes: [0, 1], classNames: ["p", "n"])
    #expect(try fitted.accuracy(other) == 1)
    let unknown = SampleSet(shape: .point(1), values: [3], classes: [0], classNames: ["q"])
    #expect(throws: KernelError.self) { try fitted.accuracy(unknown) }
  }

  @Test func theBitsDoNotDependOnThreads() throws {
    let samples = try RingOfGaussians().samples(1000, seed: 8, labelled: true)
    let fits = try [1, 2, 3].map { threads in
      try Team.with(threads: threads) { try LinearClassifier(fitting: samples).weights }
    }
    #expect(fits[0] == fits[1] && fits[1] == fits[2])
  }

  @Test func whatCannotBeFittedIsRefused() {
    let one = SampleSet(shape: .point(1), values: [1, 2], classes: [0, 0], classNames: ["a", "b"])
    let none = SampleSet(shape: .point(1), values: [1, 2])
    let bad = SampleSet(shape: .point(1), values: [1, .nan], classes: [0, 1], classNames: ["a", "b"])
    for samples in [one, none, bad] {
      #expect(throws: KernelError.self) { try LinearClassifier(fitting: samples) }
    }
    #expect(throws: KernelError.self) {
      try LinearClassifier(fitting: RingOfGaussians().samples(9, seed: 1, labelled: true), ridge: 0)
    }
  }

  @Test(.enabled(if: SharedData.has("digits-8x8/digits.csv.gz"), "the digits are not here"))
  func digitsAreToldApart() throws {
    let digits = try SampleReader.read(
      SharedData.path("digits-8x8/digits.csv.gz"), size: SampleShape("8x8"), range: 0...16)
    let fitted = try LinearClassifier(fitting: digits.samples(stride(from: 0, to: digits.count, by: 2)))
    let accuracy = try fitted.accuracy(digits.samples(stride(from: 1, to: digits.count, by: 2)))
    #expect(accuracy > 0.94, "\(accuracy)")
    let near = try FrechetDistance(from: digits.samples(0..<900)).distance(to: digits.samples(900..<1797))
    #expect(near > 0 && near < 2, "\(near)")
  }
}
