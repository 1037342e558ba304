import PenchantKernels

/// The optimum of a likelihood and a normal prior on the weights, by Newton's method with bounded steps.
///
/// A full step from a poor start moves margins by hundreds and overflows the curvature (PrefPalette specification,
/// section 12): a step changes no margin by more than a bound, and is halved until the objective falls. The bound doubles
/// while steps succeed, so that a start far away is not crawled back from.
struct DampedNewton: Sendable {
  /// The prior: w_i ~ N(mean[i], 1 / precision[i]); precision 0 is no prior.
  var mean: [Double]
  var precision: [Double]
  /// The first bound, in log-odds.
  var reach = 5.0
  /// Ends when the fall that a quadratic model promises is this part of the objective.
  var tolerance = 1e-13
  var limit = 200

  struct Optimum: Sendable {
    var weights: [Double]
    /// Likelihood and prior together, without the prior's constant.
    var objective: Double
    /// Factor of the Hessian of the objective: its inverse is the covariance.
    var information: Cholesky
    var iterations: Int
    var converged: Bool
  }

  func solve(_ likelihood: some LinearLikelihood, from start: [Double]? = nil) throws -> Optimum {
    let width = likelihood.width
    var weights = start ?? mean
    var iterations = 0
    var bound = reach
    while true {
      let sums = try likelihood.sums(at: weights)
      let objective = sums.value + penalty(weights)
      var (gradient, hessian) = (sums.gradient, sums.hessian)
      for i in 0..<width {
        gradient[i] += precision[i] * (weights[i] - mean[i])
        hessian[i * width + i] += precision[i]
      }
      let information = try Cholesky(hessian, order: width)
      let direction = try information.solve(gradient.map { -$0 })
      let fall = zip(gradient, direction).reduce(0) { $0 - $1.0 * $1.1 }
      let converged = fall <= tolerance * (1 + abs(objective))
      guard !converged, iterations < limit, objective.isFinite else {
        return Optimum(
          weights: weights, objective: objective, information: information, iterations: iterations,
          converged: converged)
      }
      iterations += 1
      var step = min(1, bound / max(try likelihood.reach(along: direction), .leastNormalMagnitude))
      var next = weights
      var halvings = 0
      while true {
        for i in 0..<width { next[i] = weights[i] + step * direction[i] }
        let value = try likelihood.value(at: next) + penalty(next)
        if value <= objective - 1e-4 * step * fall { break }
        step /= 2
        halvings += 1
        guard halvings <= 40 else {
          // Rounding hides the fall: this is the optimum as far as it can be told.
          return Optimum(
            weights: weights, objective: objective, information: information, iterations: iterations,
            converged: fall <= 1e-8 * (1 + abs(objective)))
        }
      }
      weights = next
      bound = halvings == 0 ? 2 * bound : reach
    }
  }

  private func penalty(_ weights: [Double]) -> Double {
    var sum = 0.0
    for i in weights.indices { sum += precision[i] * (weights[i] - mean[i]) * (weights[i] - mean[i]) }
    return sum / 2
  }
}
