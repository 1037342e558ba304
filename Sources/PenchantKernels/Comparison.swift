import CPenchant

/// Comparisons between items by number, with the sums over each item's comparisons laid out for the team.
public struct ComparisonGraph: Sendable {
  public let items: Int
  public let chosen: [UInt32]
  public let rejected: [UInt32]
  /// One a comparison; nil counts as 1.
  public let weight: [Double]?
  private let starts: [Int]
  private let entries: [UInt32]

  public var count: Int { chosen.count }

  /// - Throws: `KernelError.shape` when lengths differ, `.value` for a weight that is negative or not finite, and an error
  ///   when an id is not below `items`.
  public init(items: Int, chosen: [UInt32], rejected: [UInt32], weight: [Double]? = nil) throws(KernelError) {
    guard items >= 0, chosen.count == rejected.count, weight.map({ $0.count == chosen.count }) ?? true else {
      throw .shape(
        "ComparisonGraph",
        "chosen has \(chosen.count) ids, rejected \(rejected.count), weight \(weight?.count ?? chosen.count)")
    }
    if let bad = weight?.first(where: { !($0 >= 0 && $0.isFinite) }) {
      throw .value("ComparisonGraph", "a weight is \(bad); weights are finite and 0 or more")
    }
    var starts = [Int](repeating: 0, count: items + 1)
    var entries = [UInt32](repeating: 0, count: 2 * chosen.count)
    try check(
      pn_comparison_incidence(items, chosen.count, chosen, rejected, &starts, &entries), "ComparisonGraph")
    self.items = items
    self.chosen = chosen
    self.rejected = rejected
    self.weight = weight
    self.starts = starts
    self.entries = entries
  }

  /// The sum of weight · log(1 + e^-margin). `miss[p]` becomes weight · P(the rejected one wins), `curvature[p]` its
  /// derivative.
  public func loss(_ scores: [Double], miss: inout [Double], curvature: inout [Double]) throws(KernelError)
    -> Double
  {
    guard scores.count == items, miss.count == count, curvature.count == count else {
      throw .shape(
        "ComparisonGraph.loss",
        "\(scores.count) scores for \(items) items, \(miss.count) and \(curvature.count) places for \(count) pairs"
      )
    }
    let bytes = pn_comparison_loss_workspace(count)
    guard let workspace = pn_alloc(bytes) else { throw .memory("ComparisonGraph.loss", bytes: bytes) }
    defer { pn_free(workspace) }
    var loss = 0.0
    let status =
      if let weight {
        pn_comparison_loss_f64(
          count, chosen, rejected, weight, scores, &miss, &curvature, &loss, workspace, bytes)
      } else {
        pn_comparison_loss_f64(
          count, chosen, rejected, nil, scores, &miss, &curvature, &loss, workspace, bytes)
      }
    try check(status, "ComparisonGraph.loss")
    return loss
  }

  /// For every item: the sum of `perPair` where it is chosen, minus the sum where it is rejected.
  public func gather(_ perPair: [Double], into out: inout [Double]) throws(KernelError) {
    guard perPair.count == count, out.count == items else {
      throw .shape(
        "ComparisonGraph.gather",
        "\(perPair.count) values for \(count) pairs, \(out.count) for \(items) items")
    }
    try check(pn_comparison_gather_f64(items, starts, entries, perPair, &out), "ComparisonGraph.gather")
  }

  /// The Hessian of the loss times `v`; `flow` is scratch, one a pair.
  public func hessianProduct(
    curvature: [Double], _ v: [Double], flow: inout [Double], into out: inout [Double]
  ) throws(KernelError) {
    guard curvature.count == count, flow.count == count, v.count == items, out.count == items else {
      throw .shape(
        "ComparisonGraph.hessianProduct",
        "\(curvature.count) and \(flow.count) values for \(count) pairs, \(v.count) and \(out.count) for \(items) items"
      )
    }
    try check(
      pn_comparison_hessian_f64(items, count, chosen, rejected, starts, entries, curvature, v, &flow, &out),
      "ComparisonGraph.hessianProduct")
  }

  /// One minorise-maximise step on strengths (Hunter 2004, eq. 8); `wins` are the weights each item has won.
  public func minoriseMaximise(
    wins: [Double], _ strength: [Double], flow: inout [Double], into out: inout [Double]
  ) throws(KernelError) {
    guard wins.count == items, strength.count == items, out.count == items, flow.count == count else {
      throw .shape(
        "ComparisonGraph.minoriseMaximise",
        "\(wins.count), \(strength.count) and \(out.count) values for \(items) items, \(flow.count) for \(count) pairs"
      )
    }
    let status =
      if let weight {
        pn_comparison_mm_f64(
          items, count, chosen, rejected, weight, starts, entries, wins, strength, &flow, &out)
      } else {
        pn_comparison_mm_f64(
          items, count, chosen, rejected, nil, starts, entries, wins, strength, &flow, &out)
      }
    try check(status, "ComparisonGraph.minoriseMaximise")
  }

  /// Groups of items such that everyone in a group has, along some chain, beaten everyone else in it. The maximum of the
  /// likelihood exists when there is one group (Ford 1957). Each item's group; groups are numbered so that a group has
  /// beaten no group with a larger number.
  public func strongComponents() -> (group: [Int], count: Int) {
    // Tarjan's algorithm on edges chosen -> rejected, with an explicit stack.
    var index = [Int](repeating: -1, count: items)
    var low = index
    var group = index
    var next = starts
    var stack: [Int] = []
    var path: [Int] = []
    var time = 0
    var groups = 0
    for root in 0..<items where index[root] < 0 {
      path.append(root)
      index[root] = time
      low[root] = time
      time += 1
      stack.append(root)
      while let i = path.last {
        if next[i] < starts[i + 1] {
          let entry = entries[next[i]]
          next[i] += 1
          guard entry & 1 == 0, weight.map({ $0[Int(entry >> 1)] > 0 }) ?? true else { continue }
          let j = Int(rejected[Int(entry >> 1)])
          if index[j] < 0 {
            index[j] = time
            low[j] = time
            time += 1
            stack.append(j)
            path.append(j)
          } else if group[j] < 0 {
            low[i] = min(low[i], index[j])
          }
        } else {
          path.removeLast()
          if let parent = path.last { low[parent] = min(low[parent], low[i]) }
          if low[i] == index[i] {
            while let j = stack.popLast() {
              group[j] = groups
              if j == i { break }
            }
            groups += 1
          }
        }
      }
    }
    return (group, groups)
  }
}
