import Foundation
import PenchantKernels

/// Points along spirals that start at the origin, one class an arm.
public struct Spirals: Sendable, Hashable {
  public let arms: Int
  /// How often an arm goes around.
  public let turns: Double
  /// Distance of its end from the origin.
  public let radius: Double
  /// Standard deviation of the noise around it, in both coordinates.
  public let deviation: Double

  private enum Stream {
    static let arm: UInt64 = 0x5350_4952_0000_0000
    static let noise: UInt64 = 0x5350_4952_0000_0001
    static let place: UInt64 = 0x5350_4952_0000_0002
  }

  /// - Throws: `KernelError.value` unless there are 1 to 4096 arms and the rest is finite and 0 or more.
  public init(
    arms: Int = 2, turns: Double = 1.5, radius: Double = 1.5, deviation: Double = 0.05
  ) throws(KernelError) {
    guard 1...4096 ~= arms, [turns, radius, deviation].allSatisfy({ $0 >= 0 && $0.isFinite }) else {
      throw .value(
        "Spirals",
        "\(arms) arms of \(turns) turns to radius \(radius) with deviation \(deviation); 1 to 4096 arms and "
          + "numbers of 0 or more are possible")
    }
    self.arms = arms
    self.turns = turns
    self.radius = radius
    self.deviation = deviation
  }

  /// Where an arm is after a part of its way, in 0...1: the radius grows evenly with the angle.
  public func point(arm: Int, part: Double) -> (x: Double, y: Double) {
    let angle = 2 * Double.pi * (turns * part + Double(arm) / Double(arms))
    return (radius * part * cos(angle), radius * part * sin(angle))
  }

  /// `count` points with their arms as classes; point i is a function of the seed and i. The part of the way
  /// is the root of a uniform draw, so that points lie about as dense outside as inside.
  ///
  /// - Throws: `KernelError.value` for a negative count.
  public func samples(_ count: Int, seed: UInt64) throws(KernelError) -> SampleSet {
    let (arm, normals) = try drawClassesAndNormals(
      count, below: arms, seed: seed, streams: (Stream.arm, Stream.noise), "Spirals.samples")
    var places = RandomStream(seed: seed, stream: Stream.place)
    let parts = try places.uniforms(count)
    var values = normals
    for place in 0..<count {
      let point = point(arm: arm[place], part: Double(parts[place]).squareRoot())
      values[2 * place] = Float(point.x + deviation * Double(normals[2 * place]))
      values[2 * place + 1] = Float(point.y + deviation * Double(normals[2 * place + 1]))
    }
    return SampleSet(
      shape: .point(2), values: values, classes: arm, classNames: (0..<arms).map { "arm \($0)" })
  }
}
