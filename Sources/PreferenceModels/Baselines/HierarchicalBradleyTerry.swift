import PenchantKernels
import PenchantTrain

/// Bradley-Terry on named scores with weights of each community drawn from one distribution, w_c ~ N(μ, τ² I): small
/// communities borrow from the others (PrefPalette specification, section 9.2).
///
/// Empirical Bayes: the weights of each community are its maximum a posteriori under the present μ and τ², μ becomes their mean
/// and τ² their mean squared deviation plus the mean posterior variance, until neither moves.
public struct HierarchicalBradleyTerry: Sendable, Codable, Equatable {
  public var iterations = 200
  /// Ends when τ² moves by less than this part of itself, and μ by less than this part of τ.
  public var tolerance = 1e-3
  /// τ² does not fall below: a community without a taste of its own still gets a finite prior.
  public var smallestVariance = 1e-4
  /// Of the pooled fit that the search starts from.
  public var ridge = 1.0

  public init() {}

  /// - Throws: `KernelError.value` for no pairs or a setting that is not positive; what the solver throws.
  public func fit(_ pairs: ScoredPairs) throws -> HierarchicalFit {
    guard iterations > 0, tolerance > 0, smallestVariance > 0 else {
      throw KernelError.value(
        "HierarchicalBradleyTerry",
        "\(iterations) iterations, tolerance \(tolerance), smallest variance \(smallestVariance); all must be positive"
      )
    }
    let width = pairs.width
    let parts = pairs.byCommunity.map { pairs[$0] }
    // A community without pairs says nothing about the distribution.
    let known = parts.indices.filter { parts[$0].count > 0 }
    var mean = try ScoresOnly(ridge: ridge).fit(pairs).weights
    var variance = 1.0
    var weights = [[Double]](repeating: mean, count: parts.count)
    var spread = [[Double]](repeating: [], count: parts.count)
    var (done, settled) = (0, false)
    while true {
      let newton = prior(mean, variance)
      let starts = weights
      let fits = try parallelMap(known.count) { place in
        let optimum = try newton.solve(PairLikelihood(pairs: parts[known[place]]), from: starts[known[place]])
        let covariance = try optimum.information.inverse()
        return (weights: optimum.weights, spread: (0..<width).map { covariance[$0 * width + $0] })
      }
      for (place, fit) in zip(known, fits) { (weights[place], spread[place]) = (fit.weights, fit.spread) }
      if settled || done == iterations { break }
      done += 1
      let scale = 1 / Double(known.count)
      let nextMean = (0..<width).map { i in fits.reduce(0) { $0 + $1.weights[i] } * scale }
      var sum = 0.0
      for fit in fits {
        for i in 0..<width {
          let deviation = fit.weights[i] - nextMean[i]
          sum += deviation * deviation + fit.spread[i]
        }
      }
      let nextVariance = max(smallestVariance, sum * scale / Double(width))
      let moved = zip(mean, nextMean).map { abs($0 - $1) }.max() ?? 0
      settled =
        abs(nextVariance - variance) <= tolerance * variance && moved <= tolerance * variance.squareRoot()
      (mean, variance) = (nextMean, nextVariance)
    }
    for place in parts.indices where parts[place].count == 0 {
      weights[place] = mean
      spread[place] = [Double](repeating: variance, count: width)
    }
    return HierarchicalFit(
      columns: pairs.columns, mean: mean, variance: variance, weights: weights,
      errors: spread.map { $0.map { $0.squareRoot() } }, pairs: parts.map(\.count), iterations: done,
      converged: settled)
  }
}

/// N(mean, variance · I) as the prior of a fit.
func prior(_ mean: [Double], _ variance: Double) -> DampedNewton {
  DampedNewton(mean: mean, precision: [Double](repeating: 1 / variance, count: mean.count))
}
