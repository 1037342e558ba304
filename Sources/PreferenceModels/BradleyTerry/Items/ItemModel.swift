import Foundation
import PenchantData
import PenchantKernels
import PenchantTrain

/// Strengths of items estimated from plain comparisons or rankings: Bradley–Terry and Plackett–Luce.
///
/// ```swift
/// let fitted = try ItemModel().fit(comparisons)     // [(winner: "tea", loser: "coffee"), …]
/// for item in fitted.ranking.prefix(3) { print(item.name, item.score, item.standardError ?? .nan) }
/// ```
public struct ItemModel: Sendable {
  public enum Method: String, Codable, Sendable, CaseIterable {
    /// Newton's method with conjugate gradients: a handful of steps, for any ridge.
    case newton
    /// Minorise–maximise (Hunter 2004): simple and monotone, slow when the graph is thin; needs ridge 0.
    case mm
  }
  public struct Configuration: Codable, Sendable, Equatable {
    public var method = Method.newton
    /// Penalty ridge/2 · |scores|², a Gaussian prior of variance 1/ridge; 0 for maximum likelihood.
    public var ridge = 0.0
    /// Ends when the gradient's norm has fallen by this factor.
    public var tolerance = 1e-9
    public var stepLimit = 10_000
    /// Standard errors are computed up to so many items, since they need a matrix of items × items.
    public var standardErrorLimit = 2000
    public init() {}

    public func validate() throws(ConfigurationError) {
      if !(ridge >= 0 && ridge.isFinite) {
        throw ConfigurationError("ridge must be 0 or more, found \(ridge)")
      }
      if !(tolerance > 0 && tolerance < 1) {
        throw ConfigurationError("tolerance must be between 0 and 1, found \(tolerance)")
      }
      if stepLimit < 1 { throw ConfigurationError("step_limit must be at least 1, found \(stepLimit)") }
      if method == .mm, ridge > 0 {
        throw ConfigurationError(
          "method mm maximises the likelihood and needs ridge 0, found \(ridge); use newton")
      }
    }
  }
  public let configuration: Configuration

  public init(_ configuration: Configuration = Configuration()) throws(ConfigurationError) {
    try configuration.validate()
    self.configuration = configuration
  }

  /// Estimates Bradley–Terry scores.
  ///
  /// - Throws: `ItemModelError.noMaximum` when the likelihood has no maximum (ridge 0 and items that were never beaten, or
  ///   never won, by the others); `KernelError`.
  public func fit(_ comparisons: some Sequence<(winner: String, loser: String)>) throws -> FittedItems {
    var table = ItemTable()
    var chosen: [UInt32] = []
    var rejected: [UInt32] = []
    for (winner, loser) in comparisons {
      chosen.append(UInt32(table.insert(winner)))
      rejected.append(UInt32(table.insert(loser)))
    }
    return try fit(
      names: table.names, ComparisonGraph(items: table.count, chosen: chosen, rejected: rejected))
  }

  /// Estimates Bradley–Terry scores of items by number; a comparison of an item with itself says nothing.
  public func fit(names: [String], _ graph: ComparisonGraph) throws -> FittedItems {
    guard names.count == graph.items else {
      throw ConfigurationError("\(names.count) names for \(graph.items) items")
    }
    if configuration.ridge == 0 { try checkMaximum(graph, names) }
    switch configuration.method {
    case .newton:
      var likelihood = ComparisonLikelihood(graph)
      return try newton(&likelihood, names)
    case .mm: return try minoriseMaximise(graph, names)
    }
  }

  /// Estimates Plackett–Luce scores from rankings, best item first; each ranking orders its own items only.
  public func fit(rankings: [[String]]) throws -> FittedItems {
    var table = ItemTable()
    let numbers = rankings.map { ranking in ranking.map { table.insert($0) } }
    for (place, ranking) in numbers.enumerated() where Set(ranking).count != ranking.count {
      throw ItemModelError.repeatedItem(ranking: place, name: Self.repeated(rankings[place]))
    }
    if configuration.ridge == 0 {
      // The maximum exists when the graph of "stands directly or anywhere before" is strongly connected; neighbours suffice.
      let neighbours = numbers.flatMap { zip($0, $0.dropFirst()).map { ($0, $1) } }
      let graph = try ComparisonGraph(
        items: table.count, chosen: neighbours.map { UInt32($0.0) }, rejected: neighbours.map { UInt32($0.1) }
      )
      try checkMaximum(graph, table.names)
    }
    guard configuration.method == .newton else {
      throw ConfigurationError("rankings are fitted by newton; method mm is for comparisons")
    }
    var likelihood = RankingLikelihood(items: table.count, rankings: numbers)
    return try newton(&likelihood, table.names)
  }

  private static func repeated(_ names: [String]) -> String {
    var seen: Set<String> = []
    return names.first { !seen.insert($0).inserted } ?? ""
  }

  private func newton(_ likelihood: inout some Likelihood, _ names: [String]) throws -> FittedItems {
    let solver = NewtonSolver(
      ridge: configuration.ridge, tolerance: configuration.tolerance,
      newtonLimit: min(200, configuration.stepLimit))
    let solution = try solver.solve(&likelihood, in: .identity)
    let scores = centred(solution.scores)
    var gradient = [Double](repeating: 0, count: names.count)
    let loss = try likelihood.evaluate(scores, gradient: &gradient)
    return FittedItems(
      names: names, scores: scores, standardErrors: try standardErrors(&likelihood), logLikelihood: -loss,
      steps: solution.newtonSteps, converged: solution.converged)
  }

  /// With ridge 0 only differences mean something: the mean is put at 0. A ridge does that by itself.
  private func centred(_ scores: [Double]) -> [Double] {
    guard configuration.ridge == 0, !scores.isEmpty else { return scores }
    let mean = scores.sum() / Double(scores.count)
    return scores.map { $0 - mean }
  }

  private func minoriseMaximise(_ graph: ComparisonGraph, _ names: [String]) throws -> FittedItems {
    let n = graph.items
    var wins = [Double](repeating: 0, count: n)
    for (pair, winner) in graph.chosen.enumerated() { wins[Int(winner)] += graph.weight?[pair] ?? 1 }
    var strength = [Double](repeating: 1, count: n)
    var next = strength
    var flow = [Double](repeating: 0, count: graph.count)
    var steps = 0
    var change = Double.infinity
    while steps < configuration.stepLimit, change > configuration.tolerance, n > 0 {
      try graph.minoriseMaximise(wins: wins, strength, flow: &flow, into: &next)
      // Strengths are relative: their geometric mean stays at 1.
      let scale = exp(-next.map { log($0) }.sum() / Double(n))
      change = 0
      for i in 0..<n {
        next[i] *= scale
        change = max(change, abs(next[i] - strength[i]) / strength[i])
      }
      swap(&strength, &next)
      steps += 1
    }
    var likelihood = ComparisonLikelihood(graph)
    var gradient = [Double](repeating: 0, count: n)
    let scores = centred(strength.map { log($0) })
    let loss = try likelihood.evaluate(scores, gradient: &gradient)
    return FittedItems(
      names: names, scores: scores, standardErrors: try standardErrors(&likelihood), logLikelihood: -loss,
      steps: steps,
      converged: change <= configuration.tolerance)
  }

  private func checkMaximum(_ graph: ComparisonGraph, _ names: [String]) throws {
    let (group, count) = graph.strongComponents()
    guard count > 1 else { return }
    var members = [[String]](repeating: [], count: count)
    for (item, group) in group.enumerated() { members[group].append(names[item]) }
    throw ItemModelError.noMaximum(groups: members)
  }

  /// Roots of the diagonal of the inverse of (H + ridge), at the scores evaluated last. With ridge 0 scores are relative, and
  /// the pseudo-inverse (scores with mean 0) is taken: (H + 11ᵀ/n)⁻¹ - 11ᵀ/n.
  private func standardErrors(_ likelihood: inout some Likelihood) throws -> [Double]? {
    let n = likelihood.rows
    guard n > 0, n <= configuration.standardErrorLimit else { return nil }
    var matrix = [Double](repeating: 0, count: n * n)
    var unit = [Double](repeating: 0, count: n)
    var column = unit
    for j in 0..<n {
      unit[j] = 1
      try likelihood.hessianProduct(unit, into: &column)
      unit[j] = 0
      for i in 0..<n { matrix[i * n + j] = column[i] + (configuration.ridge == 0 ? 1 / Double(n) : 0) }
      matrix[j * n + j] += configuration.ridge
    }
    let inverse = try Cholesky(matrix, order: n).inverse()
    return (0..<n).map {
      max(0, inverse[$0 * n + $0] - (configuration.ridge == 0 ? 1 / Double(n) : 0)).squareRoot()
    }
  }
}

/// Scores of items.
public struct FittedItems: Sendable {
  public let names: [String]
  /// Log-strengths: P(a beats b) = sigmoid(score a - score b).
  public let scores: [Double]
  /// From the inverse of the information; nil for more items than the configuration allows.
  public let standardErrors: [Double]?
  public let logLikelihood: Double
  public let steps: Int
  public let converged: Bool

  /// Items from the strongest to the weakest.
  public var ranking: [(name: String, score: Double, standardError: Double?)] {
    names.indices.sorted { (-scores[$0], $0) < (-scores[$1], $1) }.map {
      (names[$0], scores[$0], standardErrors?[$0])
    }
  }

  /// The chance that item `a` beats item `b`.
  public func probability(_ a: Int, over b: Int) -> Double { sigmoid(scores[a] - scores[b]) }
}

/// Why items cannot be estimated.
public enum ItemModelError: Error, Sendable, Equatable, CustomStringConvertible {
  /// No item of a group has beaten any item of a later group. Groups go from the weakest to the strongest.
  case noMaximum(groups: [[String]])
  case repeatedItem(ranking: Int, name: String)

  public var description: String {
    switch self {
    case .noMaximum(let groups):
      let shown = groups.prefix(4).map { group in
        let names = group.prefix(3).map { "\"\($0)\"" }.joined(separator: ", ")
        return group.count > 3 ? "\(names) and \(group.count - 3) more" : names
      }
      let more = groups.count > 4 ? "; and \(groups.count - 4) more groups" : ""
      return "the comparisons do not decide all scores: the items fall into \(groups.count) groups, "
        + "and no item of a group has beaten one of a later group\n"
        + "  groups: \(shown.joined(separator: "; "))\(more)\n"
        + "  set ridge above 0, or compare items of different groups"
    case .repeatedItem(let ranking, let name): return "ranking \(ranking + 1) names \"\(name)\" twice"
    }
  }
}
