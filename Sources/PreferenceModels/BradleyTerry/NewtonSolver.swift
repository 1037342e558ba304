import PenchantKernels
import PenchantTrain

/// The optimum of likelihood(K a) + ridge/2 · aᵀ K a, by Newton's method with conjugate gradients inside.
///
/// With g, H the gradient and Hessian of the likelihood by the scores, the gradient in the inner product <x, y> = xᵀ K y is
/// g + ridge·a, and Newton's direction d solves (H K + ridge) d = -(g + ridge·a). That operator is symmetric in this inner
/// product, so conjugate gradients apply, at one product with K a step (Chapelle 2007 fits kernel machines this way). Each
/// direction is solved only as exactly as the distance to the optimum deserves (Eisenstat and Walker 1996).
struct NewtonSolver {
  var ridge: Double
  /// Ends when the gradient's norm is this part of the one at a = 0.
  var tolerance = 1e-7
  var newtonLimit = 100
  var conjugateLimit = 2000

  struct Solution: Sendable {
    var coefficients: [Double]
    var scores: [Double]
    /// Likelihood and penalty together.
    var objective: Double
    var newtonSteps: Int
    var products: Int
    /// Norm of the gradient over the one at 0.
    var residual: Double
    var converged: Bool
  }

  func solve(
    _ likelihood: inout some Likelihood, in space: ScoreSpace, from start: [Double]? = nil
  ) throws(KernelError) -> Solution {
    let n = likelihood.rows
    let zero = [Double](repeating: 0, count: n)
    var (a, s, g, r, u) = (zero, zero, zero, zero, zero)
    var products = 0
    func multiply(_ v: [Double], _ out: inout [Double]) throws(KernelError) {
      try space.product(v, into: &out)
      products += 1
    }

    var objective = try likelihood.evaluate(s, gradient: &g)
    try multiply(g, &u)
    let reference = max(0, dot(g, u)).squareRoot()
    if let start, start.count == n, reference > 0 {
      a = start
      try multiply(a, &s)
      objective = try likelihood.evaluate(s, gradient: &g) + ridge / 2 * dot(a, s)
    }
    var steps = 0
    var residual = 0.0
    while true {
      for i in 0..<n { r[i] = -(g[i] + ridge * a[i]) }
      try multiply(r, &u)
      let norm = max(0, dot(r, u)).squareRoot()
      residual = reference > 0 ? norm / reference : 0
      guard residual > tolerance, objective.isFinite, steps < newtonLimit else { break }
      steps += 1

      // (H K + ridge) d = r, in the inner product of K.
      let goal = norm * min(0.1, residual.squareRoot())
      var (d, kd, left, q) = (zero, zero, r, zero)
      var p = r
      var v = u
      var rr = norm * norm
      for _ in 0..<conjugateLimit {
        try likelihood.hessianProduct(v, into: &q)
        for i in 0..<n { q[i] += ridge * p[i] }
        let curvature = dot(v, q)
        guard curvature > 0 else { break }
        let step = rr / curvature
        for i in 0..<n {
          d[i] += step * p[i]
          kd[i] += step * v[i]
          left[i] -= step * q[i]
        }
        try multiply(left, &u)
        let next = max(0, dot(left, u))
        guard next.squareRoot() > goal else { break }
        let beta = next / rr
        rr = next
        for i in 0..<n {
          p[i] = left[i] + beta * p[i]
          v[i] = u[i] + beta * v[i]
        }
      }

      // The direction is one of descent; halve it until the objective falls as a linear model promises in part.
      let slope = -dot(r, kd)
      guard slope < 0 else { break }
      var t = 1.0
      var accepted = false
      while t > 1e-10 {
        var (at, st) = (a, s)
        for i in 0..<n {
          at[i] += t * d[i]
          st[i] += t * kd[i]
        }
        let value = try likelihood.evaluate(st, gradient: &g) + ridge / 2 * dot(at, st)
        if value <= objective + 1e-4 * t * slope
          || (t == 1 && residual < 1e-5 && value <= objective * (1 + 1e-13))
        {
          (a, s, objective) = (at, st, value)
          accepted = true
          break
        }
        t /= 2
      }
      guard accepted else {
        _ = try likelihood.evaluate(s, gradient: &g)
        break
      }
    }
    return Solution(
      coefficients: a, scores: s, objective: objective, newtonSteps: steps, products: products,
      residual: residual,
      converged: residual <= tolerance)
  }
}
