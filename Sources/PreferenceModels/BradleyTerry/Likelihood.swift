import PenchantKernels

/// Minus the log-likelihood of observations as a convex function of one score a row: comparisons, or rankings.
protocol Likelihood {
  var rows: Int { get }
  /// The value at `scores`; `gradient` becomes the derivative by each score. Remembers the curvature there.
  mutating func evaluate(_ scores: [Double], gradient: inout [Double]) throws(KernelError) -> Double
  /// The Hessian at the scores that were evaluated last, times `v`.
  mutating func hessianProduct(_ v: [Double], into out: inout [Double]) throws(KernelError)
}

/// Comparisons: the sum of weight · log(1 + e^-(s_chosen - s_rejected)).
struct ComparisonLikelihood: Likelihood {
  let graph: ComparisonGraph
  private var miss: [Double]
  private var curvature: [Double]
  private var flow: [Double]

  init(_ graph: ComparisonGraph) {
    self.graph = graph
    miss = [Double](repeating: 0, count: graph.count)
    curvature = miss
    flow = miss
  }

  var rows: Int { graph.items }

  mutating func evaluate(_ scores: [Double], gradient: inout [Double]) throws(KernelError) -> Double {
    let loss = try graph.loss(scores, miss: &miss, curvature: &curvature)
    try graph.gather(miss, into: &gradient)
    for i in gradient.indices { gradient[i] = -gradient[i] }
    return loss
  }

  mutating func hessianProduct(_ v: [Double], into out: inout [Double]) throws(KernelError) {
    try graph.hessianProduct(curvature: curvature, v, flow: &flow, into: &out)
  }
}
