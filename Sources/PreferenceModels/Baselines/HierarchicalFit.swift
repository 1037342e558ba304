import PenchantKernels

/// Weights of every community, and the distribution they are drawn from.
public struct HierarchicalFit: Sendable, Codable, Equatable {
  public var columns: [String]
  /// μ: the taste of a community of which nothing is known.
  public var mean: [Double]
  /// τ². Underestimated when communities are small; not to be reported as heterogeneity.
  public var variance: Double
  /// `[communities][columns]`, log-odds per unit of the column.
  public var weights: [[Double]]
  /// Posterior standard deviations, like `weights`, given μ and τ².
  public var errors: [[Double]]
  /// Pairs of each community.
  public var pairs: [Int]
  public var iterations: Int
  public var converged: Bool

  /// R(chosen) - R(rejected) of each pair with the weights of its community; μ for a community that was not fitted.
  public func margins(_ pairs: ScoredPairs) -> [Double] {
    let byWeights = pairs.byCommunity.enumerated().map { community, rows in
      (rows, pairs[rows].margins(community < weights.count ? weights[community] : mean))
    }
    var margins = [Double](repeating: 0, count: pairs.count)
    for (rows, values) in byWeights {
      for (row, value) in zip(rows, values) { margins[row] = value }
    }
    return margins
  }

  /// The weights of a new community from its first pairs, all taken as one community: μ from none, and more its own the
  /// more there are.
  public func adapted(to pairs: ScoredPairs) throws -> LinearEstimate {
    guard pairs.columns == columns else {
      throw KernelError.shape(
        "HierarchicalFit.adapted",
        "the pairs have \(pairs.width) columns, the fit \(columns.count); names and order must be the same")
    }
    return try estimate(pairs, prior(mean, variance), mean)
  }
}
