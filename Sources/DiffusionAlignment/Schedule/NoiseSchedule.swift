import PenchantTrain

/// How much of a sample is left at each time: ᾱ_t = Π (1 − β_i) for i ≤ t.
///
/// Levels are products in Double. Time 0 is the least noise; what is asked before it has the level of time 0.
public struct NoiseSchedule: Sendable, Equatable {
  public let configuration: ScheduleConfiguration
  /// ᾱ_t for t in `0..<steps`, falling.
  public let levels: [Double]

  /// - Throws: `ConfigurationError`.
  public init(_ configuration: ScheduleConfiguration = ScheduleConfiguration()) throws(ConfigurationError) {
    try configuration.validate()
    self.configuration = configuration
    let levels = configuration.levels()
    self.levels = configuration.zeroTerminal ? Self.rescaled(levels) : levels
  }

  /// T, the number of times.
  public var steps: Int { levels.count }

  /// ᾱ at a time; at times before 0 that of time 0, at times after the last that of the last.
  public func level(_ time: Int) -> Double { levels[min(max(time, 0), levels.count - 1)] }

  /// σ̂_t = √((1 − ᾱ_t) / ᾱ_t), the ratio of noise to signal.
  public func noiseToSignal(_ time: Int) -> Double {
    let level = level(time)
    return ((1 - level) / level).squareRoot()
  }

  /// Lin et al. 2024, algorithm 1: √ᾱ shifted and scaled so that the last time has almost no signal. The last level stays
  /// above 0, which a move needs.
  private static func rescaled(_ levels: [Double]) -> [Double] {
    let roots = levels.map { $0.squareRoot() }
    guard let first = roots.first, let last = roots.last, first > last else { return levels }
    return roots.map { root in
      let moved = (root - last) * first / (first - last)
      return max(moved * moved, 1e-8)
    }
  }
}
