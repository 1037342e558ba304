import Foundation
import PenchantKernels

/// A percentile interval of a resampled statistic.
public struct Interval: Sendable, Codable, Equatable {
  public var low: Double
  public var high: Double

  public init(low: Double, high: Double) {
    self.low = low
    self.high = high
  }
}

/// The bootstrap with counter-based draws: replicate r of seed s always resamples the same indices.
public struct Bootstrap: Sendable {
  public var replicates: Int
  /// Share of replicates inside the interval.
  public var level: Double
  public var seed: UInt64

  public init(replicates: Int = 1000, level: Double = 0.95, seed: UInt64 = 0) {
    self.replicates = max(1, replicates)
    self.level = level
    self.seed = seed
  }

  /// Interval of the mean of `values`; whole groups are drawn when `groups` names one for each value, since values of a
  /// group (pairs of one debate) are not independent.
  public func mean(_ values: [Double], groups: [String]? = nil) -> Interval {
    let means = replicateMeans(values, groups: groups)
    return means.isEmpty ? Interval(low: .nan, high: .nan) : percentiles(means)
  }

  /// The mean of every replicate; none when there are fewer than two values or groups to draw from.
  public func replicateMeans<Group: Hashable>(_ values: [Double], groups: [Group]?) -> [Double] {
    var sums: [(sum: Double, count: Double)] = values.map { ($0, 1) }
    if let groups, groups.count == values.count {
      var place: [Group: Int] = [:]
      sums = []
      for (value, group) in zip(values, groups) {
        let at = place[group, default: sums.count]
        if at == sums.count {
          place[group] = at
          sums.append((0, 0))
        }
        sums[at].sum += value
        sums[at].count += 1
      }
    }
    guard sums.count > 1 else { return [] }
    return (0..<replicates).map { replicate in
      var draws = Philox(seed: seed, stream: UInt64(replicate))
      var sum = 0.0
      var count = 0.0
      for _ in sums.indices {
        let drawn = sums[draws.index(below: sums.count)]
        sum += drawn.sum
        count += drawn.count
      }
      return sum / count
    }
  }

  /// The quantiles that cut off (1 - level) / 2 on either side, interpolated.
  public func percentiles(_ values: [Double]) -> Interval {
    let sorted = values.sorted()
    func at(_ q: Double) -> Double {
      let place = q * Double(sorted.count - 1)
      let below = Int(place)
      let above = min(below + 1, sorted.count - 1)
      return sorted[below] + (sorted[above] - sorted[below]) * (place - Double(below))
    }
    return Interval(low: at((1 - level) / 2), high: at((1 + level) / 2))
  }
}
