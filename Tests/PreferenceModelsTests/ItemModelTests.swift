import Foundation
import PenchantKernels
import PenchantTrain
import TestSupport
import Testing

@testable import PreferenceModels

@Suite struct ItemModelTests {
  /// Two items: the score difference is the log of the odds, its variance the sum of the inverse counts.
  @Test(arguments: ItemModel.Method.allCases) func twoItemsHaveAClosedForm(_ method: ItemModel.Method) throws
  {
    var configuration = ItemModel.Configuration()
    configuration.method = method
    let comparisons = Array(repeating: ("a", "b"), count: 12) + Array(repeating: ("b", "a"), count: 5)
    let fitted = try ItemModel(configuration).fit(comparisons.map { (winner: $0.0, loser: $0.1) })
    #expect(fitted.converged)
    #expect(abs(fitted.scores[0] - fitted.scores[1] - log(12.0 / 5)) < 1e-8)
    #expect(abs(fitted.probability(0, over: 1) - 12.0 / 17) < 1e-9)
    // Scores with mean 0 are ±d/2, so each has half the standard error of d.
    let deviation = (1.0 / 12 + 1.0 / 5).squareRoot() / 2
    #expect(abs((fitted.standardErrors?[0] ?? 0) - deviation) < 1e-7)
    #expect(abs(fitted.logLikelihood - (12 * log(12.0 / 17) + 5 * log(5.0 / 17))) < 1e-9)
  }

  /// Newton and minorise–maximise against gradient descent written from the formula.
  @Test func bothMethodsReachTheMaximum() throws {
    let (names, graph, _) = try Self.tournament(items: 12, games: 300)
    let newton = try ItemModel().fit(names: names, graph)
    var configuration = ItemModel.Configuration()
    configuration.method = .mm
    configuration.tolerance = 1e-12
    let mm = try ItemModel(configuration).fit(names: names, graph)
    var s = [Double](repeating: 0, count: 12)
    for _ in 0..<4000 {
      var g = [Double](repeating: 0, count: 12)
      for (w, l) in zip(graph.chosen, graph.rejected) {
        let miss = 1 / (1 + exp(s[Int(w)] - s[Int(l)]))
        g[Int(w)] += miss
        g[Int(l)] -= miss
      }
      for i in s.indices { s[i] += 0.03 * g[i] }
    }
    let mean = s.reduce(0, +) / 12
    for i in s.indices {
      #expect(abs(newton.scores[i] - (s[i] - mean)) < 1e-6)
      #expect(abs(mm.scores[i] - newton.scores[i]) < 1e-7)
    }
  }

  @Test func ridgeIsTheGradientsOpposite() throws {
    let (names, graph, _) = try Self.tournament(items: 9, games: 40)
    var configuration = ItemModel.Configuration()
    configuration.ridge = 0.7
    let fitted = try ItemModel(configuration).fit(names: names, graph)
    var gradient = fitted.scores.map { -0.7 * $0 }
    for (w, l) in zip(graph.chosen, graph.rejected) {
      let miss = 1 / (1 + exp(fitted.scores[Int(w)] - fitted.scores[Int(l)]))
      gradient[Int(w)] += miss
      gradient[Int(l)] -= miss
    }
    #expect(gradient.allSatisfy { abs($0) < 1e-6 })
  }

  @Test func missingMaximumNamesTheGroups() throws {
    let comparisons = [("a", "b"), ("b", "a"), ("c", "a"), ("c", "d"), ("d", "c")].map {
      (winner: $0.0, loser: $0.1)
    }
    #expect(throws: ItemModelError.noMaximum(groups: [["a", "b"], ["c", "d"]])) {
      try ItemModel().fit(comparisons)
    }
    var configuration = ItemModel.Configuration()
    configuration.ridge = 0.1
    let fitted = try ItemModel(configuration).fit(comparisons)
    #expect(fitted.converged && fitted.scores.allSatisfy(\.isFinite))
    #expect("\(ItemModelError.noMaximum(groups: [["a", "b"], ["c", "d"]]))".contains("set ridge above 0"))
  }

  /// A ranking of two is a comparison.
  @Test func rankingsOfTwoAreComparisons() throws {
    let (names, graph, _) = try Self.tournament(items: 8, games: 200)
    let rankings = zip(graph.chosen, graph.rejected).map { [names[Int($0)], names[Int($1)]] }
    let pairs = try ItemModel().fit(
      zip(graph.chosen, graph.rejected).map { (winner: names[Int($0)], loser: names[Int($1)]) })
    let ranks = try ItemModel().fit(rankings: rankings)
    #expect(pairs.names == ranks.names)
    for i in pairs.scores.indices {
      #expect(abs(pairs.scores[i] - ranks.scores[i]) < 1e-7)
      #expect(abs((pairs.standardErrors?[i] ?? 0) - (ranks.standardErrors?[i] ?? 1)) < 1e-6)
    }
  }

  /// Gradient and Hessian of Plackett–Luce against differences of the loss.
  @Test func rankingDerivativesPassFiniteDifferences() throws {
    var draws = Philox(seed: testSeed)
    let rankings = (0..<6).map { _ in Array((0..<7).shuffled(using: &draws).prefix(2 + draws.index(below: 5)))
    }
    var likelihood = RankingLikelihood(items: 7, rankings: rankings)
    let s = (0..<7).map { _ in draws.normal() }
    let v = (0..<7).map { _ in draws.normal() }
    var g = [Double](repeating: 0, count: 7)
    var up = g
    var down = g
    var hv = g
    _ = try likelihood.evaluate(s, gradient: &g)
    try likelihood.hessianProduct(v, into: &hv)
    let h = 1e-5
    let plus = try likelihood.evaluate(zip(s, v).map { $0 + h * $1 }, gradient: &up)
    let minus = try likelihood.evaluate(zip(s, v).map { $0 - h * $1 }, gradient: &down)
    #expect(abs((plus - minus) / (2 * h) - dot(g, v)) < 1e-7)
    for i in 0..<7 { #expect(abs((up[i] - down[i]) / (2 * h) - hv[i]) < 1e-6) }
  }

  @Test func plantedStrengthsAreFound() throws {
    let (names, graph, strengths) = try Self.tournament(items: 30, games: 20_000)
    let fitted = try ItemModel().fit(names: names, graph)
    #expect(kendallTau(fitted.scores, strengths) > 0.85)
    // Ninety-five of a hundred intervals hold the truth; of thirty, at least twenty-four do.
    let mean = strengths.reduce(0, +) / 30
    let inside = (0..<30).filter {
      abs(fitted.scores[$0] - (strengths[$0] - mean)) < 1.96 * (fitted.standardErrors?[$0] ?? 0)
    }
    #expect(inside.count >= 24)
  }

  @Test func bitsDoNotDependOnThreads() throws {
    let (names, graph, _) = try Self.tournament(items: 700, games: 12_000)
    var configuration = ItemModel.Configuration()
    configuration.ridge = 0.1
    configuration.standardErrorLimit = 0
    let model = try ItemModel(configuration)
    let scores = try [1, 2, 3, 5].map { threads in
      try Team.with(threads: threads) { try model.fit(names: names, graph).scores }
    }
    #expect(scores.allSatisfy { $0 == scores[0] })
  }

  @Test func emptyAndDegenerateInputs() throws {
    #expect(try ItemModel().fit([]).scores.isEmpty)
    #expect(try ItemModel().fit(rankings: []).scores.isEmpty)
    #expect(throws: ItemModelError.repeatedItem(ranking: 0, name: "a")) {
      try ItemModel().fit(rankings: [["a", "b", "a"]])
    }
    var configuration = ItemModel.Configuration()
    configuration.method = .mm
    configuration.ridge = 1
    #expect(throws: ConfigurationError.self) { try ItemModel(configuration) }
  }

  static func tournament(items: Int, games: Int) throws -> ([String], ComparisonGraph, [Double]) {
    var draws = Philox(seed: testSeed &+ 17, stream: UInt64(items))
    let strengths = (0..<items).map { _ in draws.normal() }
    var chosen: [UInt32] = []
    var rejected: [UInt32] = []
    // A round where each beats the next and loses to it once keeps the graph connected.
    for i in 0..<items {
      chosen += [UInt32(i), UInt32((i + 1) % items)]
      rejected += [UInt32((i + 1) % items), UInt32(i)]
    }
    for _ in 0..<games {
      let a = draws.index(below: items)
      let b = (a + 1 + draws.index(below: items - 1)) % items
      let first = draws.uniform() < sigmoid(strengths[a] - strengths[b])
      chosen.append(UInt32(first ? a : b))
      rejected.append(UInt32(first ? b : a))
    }
    return (
      (0..<items).map { "item \($0)" }, try ComparisonGraph(items: items, chosen: chosen, rejected: rejected),
      strengths
    )
  }
}
