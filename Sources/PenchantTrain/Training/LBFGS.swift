/// Minimises a smooth function by limited-memory BFGS (Nocedal 1980) with steps that never go up.
package struct LBFGS {
  /// Pairs of differences that are kept.
  package var memory: Int
  /// Ends when the largest slope is this part of max(1, |value|).
  package var tolerance: Double
  package var stepLimit: Int

  package init(memory: Int = 10, tolerance: Double = 1e-9, stepLimit: Int = 500) {
    self.memory = memory
    self.tolerance = tolerance
    self.stepLimit = stepLimit
  }

  package struct Solution: Sendable {
    package var point: [Double]
    package var value: Double
    package var steps: Int
    package var converged: Bool
  }

  /// - Parameter evaluate: the value at a point; writes the gradient there.
  package func minimise(
    from start: [Double], _ evaluate: (_ point: [Double], _ gradient: inout [Double]) throws -> Double
  ) throws -> Solution {
    let n = start.count
    var x = start
    var g = [Double](repeating: 0, count: n)
    var value = try evaluate(x, &g)
    var pairs: [(s: [Double], y: [Double], rho: Double)] = []
    var steps = 0
    // Steps in a row that left the value where the last digit is noise.
    var idle = 0
    func isFlat() -> Bool {
      g.allSatisfy { abs($0) <= tolerance * max(1, abs(value)) }
    }
    while value.isFinite, steps < stepLimit, idle < 3, !isFlat() {
      var d = direction(g, pairs)
      var slope = dot(g, d)
      if !(slope < 0) {
        pairs = []
        d = g.map { -$0 }
        slope = dot(g, d)
      }
      // The first step has no curvature to go by.
      var t = pairs.isEmpty ? min(1, 1 / max(1e-300, g.reduce(0) { $0 + abs($1) })) : 1
      var next = x
      var gradient = g
      var reached = Double.infinity
      var accepted = false
      for _ in 0..<60 {
        for i in 0..<n { next[i] = x[i] + t * d[i] }
        reached = try evaluate(next, &gradient)
        if reached <= value + 1e-4 * t * slope {
          accepted = true
          break
        }
        t /= 2
      }
      guard accepted else { break }
      let s = zip(next, x).map { $0 - $1 }
      let y = zip(gradient, g).map { $0 - $1 }
      let curvature = dot(s, y)
      if curvature > 1e-12 * dot(y, y).squareRoot() * dot(s, s).squareRoot() {
        pairs.append((s, y, 1 / curvature))
        if pairs.count > memory { pairs.removeFirst() }
      }
      idle = value - reached <= 1e-14 * abs(value) ? idle + 1 : 0
      (x, g, value) = (next, gradient, reached)
      steps += 1
    }
    return Solution(point: x, value: value, steps: steps, converged: isFlat() || idle >= 3)
  }

  /// Minus the inverse Hessian that the pairs imply, times the gradient.
  private func direction(
    _ gradient: [Double], _ pairs: [(s: [Double], y: [Double], rho: Double)]
  ) -> [Double] {
    var q = gradient
    var alpha = [Double](repeating: 0, count: pairs.count)
    for k in pairs.indices.reversed() {
      alpha[k] = pairs[k].rho * dot(pairs[k].s, q)
      for i in q.indices { q[i] -= alpha[k] * pairs[k].y[i] }
    }
    if let last = pairs.last {
      let scale = 1 / (last.rho * dot(last.y, last.y))
      for i in q.indices { q[i] *= scale }
    }
    for k in pairs.indices {
      let beta = pairs[k].rho * dot(pairs[k].y, q)
      for i in q.indices { q[i] += (alpha[k] - beta) * pairs[k].s[i] }
    }
    return q.map { -$0 }
  }
}
