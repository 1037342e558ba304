import PenchantKernels
import PenchantTrain

/// Bradley-Terry on named scores alone: P(chosen) = σ(w · (x(chosen) - x(rejected))), a logistic regression without
/// intercept, which would cancel.
///
/// The sanity check beside every attention profile (PrefPalette specification, section 9.1), and the model of choice for
/// a small community.
///
/// ```swift
/// let estimate = try ScoresOnly(ridge: 1).fit(pairs)
/// for (name, weight) in zip(estimate.columns, estimate.weights) { print(name, weight) }
/// ```
public struct ScoresOnly: Sendable, Codable, Equatable {
  /// λ of λ/2 |w|², more than 0: separable data have no optimum without it.
  public var ridge: Double

  public init(ridge: Double = 1) { self.ridge = ridge }

  /// One set of weights for all pairs.
  ///
  /// - Parameter start: where the search starts; 0 unless given.
  /// - Throws: `KernelError.value` for a ridge that is not positive or for no pairs; what the solver throws.
  public func fit(_ pairs: ScoredPairs, from start: [Double]? = nil) throws -> LinearEstimate {
    guard pairs.count > 0 else { throw KernelError.value("ScoresOnly.fit", "there are no pairs") }
    return try estimate(pairs, prior(pairs.width), start)
  }

  /// Weights of each community on its own; the prior mean, 0, for one without pairs.
  public func fitEach(_ pairs: ScoredPairs) throws -> [LinearEstimate] {
    let rows = pairs.byCommunity
    let prior = try prior(pairs.width)
    return try parallelMap(rows.count) { community in try estimate(pairs[rows[community]], prior, nil) }
  }

  /// Refits on resampled posts: interval, error and p-value of each weight.
  ///
  /// - Parameter full: the fit of all pairs, from which every refit starts.
  public func bootstrap(
    _ pairs: ScoredPairs, around full: LinearEstimate, with bootstrap: ClusterBootstrap = ClusterBootstrap()
  ) throws -> [ResampledStatistic] {
    let newton = try prior(pairs.width)
    return try bootstrap.statistics(clusters: pairs.posts, estimate: full.weights) { factor in
      try newton.solve(PairLikelihood(pairs: pairs.reweighted(byPost: factor)), from: full.weights).weights
    }
  }

  private func prior(_ width: Int) throws(KernelError) -> DampedNewton {
    guard ridge > 0, ridge.isFinite else {
      throw .value("ScoresOnly", "a ridge of \(ridge); it must be more than 0")
    }
    return DampedNewton(
      mean: [Double](repeating: 0, count: width), precision: [Double](repeating: ridge, count: width))
  }
}

/// The fit of pairs under a prior, with its errors.
func estimate(_ pairs: ScoredPairs, _ newton: DampedNewton, _ start: [Double]?) throws -> LinearEstimate {
  let likelihood = PairLikelihood(pairs: pairs)
  let optimum = try newton.solve(likelihood, from: start)
  return try LinearEstimate(
    optimum, columns: pairs.columns,
    scores: likelihood.scores(at: optimum.weights, by: pairs.post, groups: pairs.posts),
    logLikelihood: -likelihood.value(at: optimum.weights))
}
