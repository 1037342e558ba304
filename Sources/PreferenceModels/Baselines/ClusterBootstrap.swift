import Foundation
import PenchantKernels
import PenchantTrain

/// The bootstrap over clusters, for pairs of one post are not independent: every resample gives each cluster a weight from
/// Poisson(1), the limit of drawing clusters with replacement, and needs no list of draws.
///
/// The weight of cluster c in resample r is a function of (seed, r, c).
public struct ClusterBootstrap: Sendable, Codable, Equatable {
  public var resamples: Int
  /// Share of the resamples inside an interval.
  public var level: Double
  public var seed: UInt64

  public init(resamples: Int = 1000, level: Double = 0.95, seed: UInt64 = 0) {
    self.resamples = resamples
    self.level = level
    self.seed = seed
  }

  /// Poisson(1) weights of the clusters in one resample.
  public func weights(_ resample: Int, clusters: Int) throws(KernelError) -> [Double] {
    var stream = RandomStream(seed: seed, stream: ClusterBootstrap.stream &+ UInt64(resample))
    return try stream.uniforms(clusters).map { draw in
      Double(ClusterBootstrap.chances.firstIndex { draw < $0 } ?? ClusterBootstrap.chances.count)
    }
  }

  /// Resamples any statistic.
  ///
  /// - Parameters:
  ///   - estimate: the statistic of the data as they are.
  ///   - statistic: its values, as many as `estimate`, when cluster c counts `weights[c]` times.
  public func statistics(
    clusters: Int, estimate: [Double], _ statistic: @Sendable (_ weights: [Double]) throws -> [Double]
  ) throws -> [ResampledStatistic] {
    guard resamples > 0, level > 0, level < 1 else {
      throw KernelError.value(
        "ClusterBootstrap",
        "\(resamples) resamples at level \(level); 1 or more and a level in 0 ..< 1 are possible")
    }
    let draws = try parallelMap(resamples) { resample in try statistic(weights(resample, clusters: clusters))
    }
    return estimate.indices.map { i in
      ResampledStatistic(
        estimate: estimate[i], draws: draws.map { i < $0.count ? $0[i] : .nan }, level: level)
    }
  }

  /// Resamples the means of the columns of `values`, row-major `[rows, width]`.
  ///
  /// - Parameters:
  ///   - cluster: places from 0, one a row.
  ///   - weight: one a row, or `nil` for 1 each.
  /// - Throws: `KernelError.shape` when counts do not fit.
  public func means(
    _ values: [Double], width: Int = 1, cluster: [Int], weight: [Double]? = nil
  ) throws -> [ResampledStatistic] {
    guard width > 0, values.count == cluster.count * width, weight.map({ $0.count == cluster.count }) ?? true,
      cluster.allSatisfy({ $0 >= 0 })
    else {
      throw KernelError.shape(
        "ClusterBootstrap.means", "\(values.count) values in \(width) columns for \(cluster.count) rows")
    }
    let clusters = (cluster.max() ?? -1) + 1
    var sums = [Double](repeating: 0, count: clusters * width)
    var sizes = [Double](repeating: 0, count: clusters)
    for (row, cluster) in cluster.enumerated() {
      let weight = weight?[row] ?? 1
      sizes[cluster] += weight
      for i in 0..<width { sums[cluster * width + i] += weight * values[row * width + i] }
    }
    let (totals, counts) = (sums, sizes)
    let mean = { @Sendable (factor: [Double]) -> [Double] in
      var (total, count) = ([Double](repeating: 0, count: width), 0.0)
      for cluster in 0..<clusters where factor[cluster] > 0 {
        count += factor[cluster] * counts[cluster]
        for i in 0..<width { total[i] += factor[cluster] * totals[cluster * width + i] }
      }
      return total.map { $0 / count }
    }
    return try statistics(
      clusters: clusters, estimate: mean([Double](repeating: 1, count: clusters)), mean)
  }

  /// P(Poisson(1) ≤ k); behind the last, what is left is below the step of the draws.
  private static let chances: [Float] = {
    var (term, sum) = (exp(-1.0), 0.0)
    return (0..<11).map { k in
      if k > 0 { term /= Double(k) }
      sum += term
      return Float(sum)
    }
  }()

  /// Keeps the draws apart from those of splits and epochs of the same seed.
  private static let stream: UInt64 = 0x504F_4953_0000_0000
}
