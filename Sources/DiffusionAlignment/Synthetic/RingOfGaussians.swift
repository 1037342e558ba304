import Foundation
import PenchantKernels

/// A mixture of equal Gaussians on a circle in the plane: density, noised density and the best prediction of
/// the noise are known, so what a network and a sampler do can be compared with the truth.
public struct RingOfGaussians: Sendable, Hashable {
  public let modes: Int
  public let radius: Double
  /// Standard deviation of a mode, the same in every direction.
  public let deviation: Double

  /// Streams of the draws.
  private enum Stream {
    static let mode: UInt64 = 0x5249_4E47_0000_0000
    static let place: UInt64 = 0x5249_4E47_0000_0001
  }
  /// A point further from every mode than so many deviations is off the data: chance e^-8 for a draw from one
  /// mode.
  public static let offDeviations = 4.0

  /// - Throws: `KernelError.value` unless there are 1 to 4096 modes, a radius of 0 or more and a positive
  ///   deviation.
  public init(modes: Int = 8, radius: Double = 1.35, deviation: Double = 0.15) throws(KernelError) {
    guard 1...4096 ~= modes, radius >= 0, radius.isFinite, deviation > 0, deviation.isFinite else {
      throw .value(
        "RingOfGaussians",
        "\(modes) modes at radius \(radius) with deviation \(deviation); 1 to 4096 modes, a radius "
          + "of 0 or more and a deviation above 0 are possible")
    }
    self.modes = modes
    self.radius = radius
    self.deviation = deviation
  }

  /// The centre of a mode; the first lies on the x axis, the others follow against the clock.
  public func centre(_ mode: Int) -> (x: Double, y: Double) {
    let angle = 2 * Double.pi * Double(mode) / Double(modes)
    return (radius * cos(angle), radius * sin(angle))
  }

  /// `count` points; point i is a function of the seed and i.
  ///
  /// - Parameter labelled: the mode of each point is its class.
  /// - Throws: `KernelError.value` for a negative count.
  public func samples(_ count: Int, seed: UInt64, labelled: Bool = false) throws(KernelError) -> SampleSet {
    let (mode, normals) = try drawClassesAndNormals(
      count, below: modes, seed: seed, streams: (Stream.mode, Stream.place), "RingOfGaussians.samples")
    var values = normals
    for place in 0..<count {
      let centre = centre(mode[place])
      values[2 * place] = Float(centre.x + deviation * Double(normals[2 * place]))
      values[2 * place + 1] = Float(centre.y + deviation * Double(normals[2 * place + 1]))
    }
    guard labelled else { return SampleSet(shape: .point(2), values: values) }
    return SampleSet(
      shape: .point(2), values: values, classes: mode, classNames: (0..<modes).map { "mode \($0)" })
  }

  /// The density of the data at a point.
  public func density(_ x: Double, _ y: Double) -> Double { exp(terms(x, y, signal: 1).logDensity) }

  /// Whether a point lies further than four deviations from every mode. A point that is not finite does.
  public func isOff(_ x: Double, _ y: Double) -> Bool {
    !(0..<modes).contains { mode in
      let centre = centre(mode)
      return hypot(x - centre.x, y - centre.y) <= Self.offDeviations * deviation
    }
  }

  /// The share of samples that are off the data.
  ///
  /// - Throws: `KernelError.shape` unless the samples have two coordinates.
  public func offShare(_ samples: SampleSet) throws(KernelError) -> Double {
    guard samples.shape == .point(2) else {
      throw .shape("RingOfGaussians.offShare", "samples of \(samples.shape); points of 2 are needed")
    }
    let off = (0..<samples.count).count { row in
      isOff(Double(samples.values[2 * row]), Double(samples.values[2 * row + 1]))
    }
    return samples.count == 0 ? 0 : Double(off) / Double(samples.count)
  }

  /// The expected noise at a noised point, `E[ε | x_t] = -√(1-ᾱ) ∇ log p_t(x_t)` (Tweedie), where `p_t` is
  /// the mixture with centres `√ᾱ · m` and variance `ᾱ s² + 1 - ᾱ`: what a perfect network predicts.
  ///
  /// - Parameter signal: ᾱ, the share of the signal's power, in 0...1.
  public func noise(_ x: Double, _ y: Double, signal: Double) -> (x: Double, y: Double) {
    let slope = terms(x, y, signal: signal).slope
    let scale = -(1 - signal).squareRoot()
    return (scale * slope.x, scale * slope.y)
  }

  /// Log density of the noised mixture and its gradient. Sums start at the nearest mode, so that nothing
  /// underflows.
  private func terms(
    _ x: Double, _ y: Double, signal: Double
  ) -> (logDensity: Double, slope: (x: Double, y: Double)) {
    let variance = signal * deviation * deviation + 1 - signal
    let root = signal.squareRoot()
    var nearest = Double.infinity
    let offsets = (0..<modes).map { mode in
      let centre = centre(mode)
      let offset = (x: root * centre.x - x, y: root * centre.y - y)
      nearest = min(nearest, offset.x * offset.x + offset.y * offset.y)
      return offset
    }
    var sum = 0.0
    var pull = (x: 0.0, y: 0.0)
    for offset in offsets {
      let weight = exp((nearest - offset.x * offset.x - offset.y * offset.y) / (2 * variance))
      sum += weight
      pull.x += weight * offset.x
      pull.y += weight * offset.y
    }
    let log = Foundation.log(sum / (Double(modes) * 2 * .pi * variance)) - nearest / (2 * variance)
    return (log, (pull.x / sum / variance, pull.y / sum / variance))
  }
}
