import PenchantTrain

/// A number and what resampling says about it.
public struct ResampledStatistic: Sendable, Codable, Equatable {
  public var estimate: Double
  /// Percentiles of the resamples.
  public var interval: Interval
  /// Their standard deviation.
  public var error: Double
  /// Two-sided, of "the number is 0": twice the smaller share of resamples on one side of it, and never 0.
  public var pValue: Double

  /// - Parameter draws: values of the resamples; those that are not finite (an empty resample) are left out.
  init(estimate: Double, draws: [Double], level: Double) {
    let draws = draws.filter(\.isFinite)
    self.estimate = estimate
    guard draws.count > 1 else {
      (interval, error, pValue) = (Interval(low: .nan, high: .nan), .nan, .nan)
      return
    }
    interval = Bootstrap(replicates: draws.count, level: level).percentiles(draws)
    let mean = draws.sum() / Double(draws.count)
    error = (draws.map { ($0 - mean) * ($0 - mean) }.sum() / Double(draws.count - 1)).squareRoot()
    let (below, above) = (draws.count { $0 <= 0 }, draws.count { $0 >= 0 })
    pValue = min(1, 2 * Double(min(below, above) + 1) / Double(draws.count + 1))
  }
}
