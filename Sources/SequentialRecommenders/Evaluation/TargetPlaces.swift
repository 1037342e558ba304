import PenchantKernels
import PenchantTrain

/// Where the targets of some cases stand in the ranking of the whole catalogue.
public struct TargetPlaces: Sendable, Equatable {
  /// How many other items score more than the target, and exactly as much; one a case.
  public internal(set) var above: [UInt32]
  public internal(set) var tied: [UInt32]

  /// - Throws: `KernelError.shape` when the lists differ in length.
  public init(above: [UInt32], tied: [UInt32]) throws(KernelError) {
    guard above.count == tied.count else {
      throw .shape("TargetPlaces", "\(above.count) counts above and \(tied.count) of ties")
    }
    self.above = above
    self.tied = tied
  }

  init() { (above, tied) = ([], []) }

  public var count: Int { above.count }

  /// The metric of every case.
  public func values(_ metric: RankingMetric, ties: TiePolicy = .expected) -> [Double] {
    guard ties == .expected, tied.contains(where: { $0 > 0 }) else {
      return zip(above, tied).map { above, tied in
        let (first, more) = (Double(above) + 1, Double(tied))
        return switch ties {
        case .expected, .optimistic: metric.value(atRank: first)
        case .averageRank: metric.value(atRank: first + more / 2)
        case .pessimistic: metric.value(atRank: first + more)
        }
      }
    }
    // sums[r] is the metric summed over the ranks 1...r; beyond the cutoff it does not grow.
    let last = zip(above, tied).map { Int($0) + Int($1) + 1 }.max() ?? 0
    let end = min(last, metric.cutoff ?? last)
    var sums = [0.0]
    sums.reserveCapacity(end + 1)
    for rank in 0..<end { sums.append(sums[rank] + metric.value(atRank: Double(rank + 1))) }
    return zip(above, tied).map { above, tied in
      guard tied > 0 else { return metric.value(atRank: Double(above) + 1) }
      let (before, through) = (min(Int(above), end), min(Int(above) + Int(tied) + 1, end))
      return (sums[through] - sums[before]) / (Double(tied) + 1)
    }
  }

  /// The mean of the metric over the cases; NaN for none.
  public func mean(_ metric: RankingMetric, ties: TiePolicy = .expected) -> Double {
    values(metric, ties: ties).sum() / Double(count)
  }
}
