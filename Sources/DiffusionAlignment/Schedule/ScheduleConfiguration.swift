import Foundation
import PenchantTrain

/// Which schedule of noise.
public struct ScheduleConfiguration: Sendable, Equatable, Codable {
  public enum Kind: String, Sendable, Codable, CaseIterable {
    /// √β rises linearly: Stable Diffusion (Rombach et al. 2022).
    case scaledLinear = "scaled-linear"
    /// β rises linearly: DDPM (Ho et al. 2020).
    case linear
    /// Squared cosine with s = 0.008 and β ≤ 0.999 (Nichol & Dhariwal 2021).
    case cosine
  }

  public var kind = Kind.scaledLinear
  /// T.
  public var steps = 1000
  /// β of the first and of the last time; the cosine has its own.
  public var first = 0.00085
  public var last = 0.012
  /// Rescales so that the last time has almost no signal (Lin et al. 2024).
  public var zeroTerminal = false

  public init() {}

  /// - Throws: `ConfigurationError` naming the setting.
  public func validate() throws(ConfigurationError) {
    try checkSetting(steps >= 2, "schedule.steps", "at least 2", steps)
    try checkSetting(first > 0 && first < 1, "schedule.first", "between 0 and 1", first)
    try checkSetting(last >= first && last < 1, "schedule.last", "between schedule.first and 1", last)
  }

  /// The products, without rescaling.
  func levels() -> [Double] {
    var product = 1.0
    return (0..<steps).map { i in
      product *= 1 - beta(i)
      return product
    }
  }

  /// β of time `i`.
  private func beta(_ i: Int) -> Double {
    let part = Double(i) / Double(steps - 1)
    switch kind {
    case .scaledLinear:
      let root = first.squareRoot() + part * (last.squareRoot() - first.squareRoot())
      return root * root
    case .linear: return first + part * (last - first)
    case .cosine:
      func signal(_ t: Double) -> Double {
        let c = cos((t + 0.008) / 1.008 * .pi / 2)
        return c * c
      }
      return min(1 - signal(Double(i + 1) / Double(steps)) / signal(Double(i) / Double(steps)), 0.999)
    }
  }
}
