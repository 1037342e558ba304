import Foundation
import PenchantData
import PenchantKernels
import PenchantTrain
import TestSupport
import Testing

@testable import PreferenceModels

struct ScoresOnlyTests {
  private func small() throws -> ScoredPairs {
    var generator = G2(communities: 2, seed: testSeed)
    return try generator.pairs(40, of: 0..<2)
  }

  @Test func sumsAreDerivativesOfTheValue() throws {
    let likelihood = PairLikelihood(pairs: try small())
    let point = (0..<G2.width).map { sin(Double($0)) }
    let sums = try likelihood.sums(at: point)
    let slopes = try differences(likelihood.value, at: point)
    for (found, expected) in zip(sums.gradient, slopes) { #expect(abs(found - expected) < 1e-6) }
    for i in 0..<G2.width {
      let row = try differences({ try likelihood.sums(at: $0).gradient[i] }, at: point)
      for j in 0...i { #expect(abs(sums.hessian[i * G2.width + j] - row[j]) < 1e-6) }
    }
    #expect(abs(sums.value - (try likelihood.value(at: point))) < 1e-10)
  }

  @Test func theOptimumHasNoSlope() throws {
    let pairs = try small()
    let ridge = 0.7
    let fit = try ScoresOnly(ridge: ridge).fit(pairs)
    #expect(fit.converged)
    let likelihood = PairLikelihood(pairs: pairs)
    let slopes = try likelihood.sums(at: fit.weights).gradient
    for (slope, weight) in zip(slopes, fit.weights) { #expect(abs(slope + ridge * weight) < 1e-8) }
    #expect(abs(fit.logLikelihood + (try likelihood.value(at: fit.weights))) < 1e-9)
  }

  /// One column, differences of ±1: σ(w) is the share of wins, the information n p (1 - p).
  @Test func oneColumnHasItsClosedForm() throws {
    let wins = 30
    let pairs = try ScoredPairs(
      differences: [Double](repeating: 1, count: wins) + [Double](repeating: -1, count: 10), columns: ["x"])
    let fit = try ScoresOnly(ridge: 1e-9).fit(pairs)
    #expect(abs(fit.weights[0] - log(3)) < 1e-7)
    #expect(abs(fit.standardErrors[0] - (1 / (40 * 0.75 * 0.25)).squareRoot()) < 1e-7)
    // Every pair its own cluster: Σ g² is the information here.
    #expect(abs(fit.clusteredErrors[0] - fit.standardErrors[0]) < 1e-7)
    // Each pair four times, in one cluster: the naive error halves, the clustered one does not move.
    let repeated = try ScoredPairs(
      differences: pairs.differences.flatMap { [$0, $0, $0, $0] }, columns: ["x"],
      post: (0..<160).map { $0 / 4 })
    let again = try ScoresOnly(ridge: 1e-9).fit(repeated)
    #expect(abs(again.standardErrors[0] - fit.standardErrors[0] / 2) < 1e-7)
    #expect(abs(again.clusteredErrors[0] - fit.clusteredErrors[0]) < 1e-7)
    #expect(again.clusters == 40)
  }

  /// Sandwich by its definition: H⁻¹ (Σ_g g_g g_gᵀ) H⁻¹.
  @Test func clusteredErrorsAreTheSandwich() throws {
    let pairs = try small()
    let fit = try ScoresOnly(ridge: 0.5).fit(pairs)
    let width = G2.width
    var meat = [Double](repeating: 0, count: width * width)
    for post in 0..<pairs.posts {
      var g = [Double](repeating: 0, count: width)
      for row in 0..<pairs.count where pairs.post[row] == post {
        let x = Array(pairs.differences[row * width..<(row + 1) * width])
        let miss = 1 / (1 + exp(zip(x, fit.weights).reduce(0) { $0 + $1.0 * $1.1 }))
        for i in 0..<width { g[i] -= miss * x[i] }
      }
      for i in 0..<width {
        for j in 0..<width { meat[i * width + j] += g[i] * g[j] }
      }
    }
    for i in 0..<width {
      var variance = 0.0
      for j in 0..<width {
        for k in 0..<width {
          variance += fit.covariance[i * width + j] * meat[j * width + k] * fit.covariance[k * width + i]
        }
      }
      #expect(abs(fit.clusteredErrors[i] - variance.squareRoot()) < 1e-9)
    }
  }

  @Test func separableAndLargeMarginsConverge() throws {
    // Every chosen text is far better in both columns: without bounded steps the curvature vanishes.
    let differences = (0..<1000).flatMap { row -> [Double] in [500 + Double(row), 800 - Double(row % 7)] }
    let fit = try ScoresOnly(ridge: 1e-3).fit(ScoredPairs(differences: differences, columns: ["a", "b"]))
    #expect(fit.converged && fit.weights.allSatisfy(\.isFinite) && fit.logLikelihood > -1)
    // From a start that puts every margin on the wrong side.
    let back = try ScoresOnly(ridge: 1e-3).fit(
      ScoredPairs(differences: differences, columns: ["a", "b"]), from: [-9, -9])
    for (a, b) in zip(fit.weights, back.weights) { #expect(abs(a - b) < 1e-6) }
  }

  @Test func weightsCountAsCopies() throws {
    let pairs = try small()
    let twice = try ScoredPairs(
      differences: pairs.differences + pairs.differences, columns: pairs.columns,
      post: pairs.post + pairs.post)
    let weighted = try ScoredPairs(
      differences: pairs.differences, columns: pairs.columns, post: pairs.post,
      weight: [Double](repeating: 2, count: pairs.count))
    let (a, b) = (try ScoresOnly().fit(twice), try ScoresOnly().fit(weighted))
    for (x, y) in zip(a.weights + a.clusteredErrors, b.weights + b.clusteredErrors) {
      #expect(abs(x - y) < 1e-9)
    }
  }

  @Test(arguments: [1, 2, 3]) func sameBitsForAnyThreads(_ threads: Int) throws {
    var generator = G2(communities: 3, seed: 5)
    let pairs = try generator.pairs(2000, of: 0..<3)
    let one = try Team.with(threads: 1) { try ScoresOnly().fit(pairs) }
    let many = try Team.with(threads: threads) { try ScoresOnly().fit(pairs) }
    #expect(one == many)
    let each = try Team.with(threads: threads) { try ScoresOnly().fitEach(pairs) }
    #expect(try each == Team.with(threads: 1) { try ScoresOnly().fitEach(pairs) })
  }

  @Test func scoresOfTextsBecomeDifferences() throws {
    let pairs = try ScoredPairs(
      scores: [1, 2, 5, 7, 0, 0], columns: ["a", "b"], chosen: [1, 2], rejected: [0, 1])
    #expect(pairs.differences == [4, 5, -5, -7])
    #expect(pairs.margins([1, 10]) == [54, -75])
    #expect(pairs[[1]].differences == [-5, -7])
  }

  @Test func tablesAndRecordsBecomePairs() throws {
    let records = [
      PreferencePair(
        chosen: "a", rejected: "b", community: "y", post: "1", weight: 2, chosenAttributes: ["f": 3, "g": 1],
        rejectedAttributes: ["f": 1]),
      PreferencePair(
        chosen: "b", rejected: "c", community: "x", post: "1", chosenAttributes: ["f": 0],
        rejectedAttributes: ["f": 4, "g": 2]),
    ]
    let named = try ScoredPairs(attributesOf: records)
    #expect(named.columns == ["f"] && named.differences == [2, -4] && named.weight == [2, 1])
    #expect(named.community == [1, 0] && named.post == [1, 0])
    let table = PairTable(records)
    let scored = try ScoredPairs(table, rows: [1], scores: [5, 7, 9], columns: ["s"])
    #expect(scored.differences == [-2] && scored.community == [0] && scored.weight == [1])
    #expect(throws: KernelError.self) {
      try ScoredPairs(table, rows: [2], scores: [5, 7, 9], columns: ["s"])
    }
    #expect(throws: KernelError.self) { try ScoredPairs(table, scores: [5, 7], columns: ["s"]) }
    #expect(throws: KernelError.self) { try ScoredPairs(attributesOf: []) }
  }

  @Test func impossiblePairsAreRefused() throws {
    #expect(throws: KernelError.self) { try ScoredPairs(differences: [1, 2, 3], columns: ["a", "b"]) }
    #expect(throws: KernelError.self) { try ScoredPairs(differences: [1], columns: []) }
    #expect(throws: KernelError.self) { try ScoredPairs(differences: [1], columns: ["a"], post: [0, 1]) }
    #expect(throws: KernelError.self) { try ScoredPairs(differences: [1], columns: ["a"], weight: [-1]) }
    #expect(throws: KernelError.self) { try ScoredPairs(differences: [1], columns: ["a"], community: [-1]) }
    #expect(throws: KernelError.self) {
      try ScoredPairs(scores: [1, 2], columns: ["a"], chosen: [0], rejected: [2])
    }
    #expect {
      try ScoredPairs(differences: [1, 2, 3, .nan], columns: ["a", "b"])
    } throws: { "\($0)".contains("\"b\" of pair 1 is nan") }
    #expect(throws: KernelError.self) {
      try ScoresOnly(ridge: 0).fit(ScoredPairs(differences: [1], columns: ["a"]))
    }
    #expect(throws: KernelError.self) {
      try ScoresOnly().fit(ScoredPairs(differences: [], columns: ["a"]))
    }
  }
}

struct ConditionalLogitTests {
  @Test func setsOfTwoAreBradleyTerry() throws {
    var generator = G2(communities: 2, seed: 3)
    let pairs = try generator.pairs(100, of: 0..<2)
    // The chosen alternative is the difference, the other one 0, on either side.
    var (features, chosen): ([Double], [Int]) = ([], [])
    let zero = [Double](repeating: 0, count: G2.width)
    for row in 0..<pairs.count {
      let x = Array(pairs.differences[row * G2.width..<(row + 1) * G2.width])
      features += row % 2 == 0 ? x + zero : zero + x
      chosen.append(row % 2)
    }
    let sets = try ChoiceSets(
      features: features, columns: pairs.columns, sizes: [Int](repeating: 2, count: pairs.count),
      chosen: chosen, person: pairs.post)
    let logit = try ConditionalLogit(ridge: 0.5).fit(sets)
    let terry = try ScoresOnly(ridge: 0.5).fit(pairs)
    #expect(logit.converged && logit.clusters == terry.clusters)
    for (a, b) in zip(
      logit.weights + logit.standardErrors + logit.clusteredErrors,
      terry.weights + terry.standardErrors + terry.clusteredErrors)
    { #expect(abs(a - b) < 1e-8) }
    #expect(abs(logit.logLikelihood - terry.logLikelihood) < 1e-8)
  }

  @Test func sumsAreDerivativesOfTheValue() throws {
    var random = Philox(seed: testSeed)
    let sizes = [2, 5, 3, 7]
    let sets = try ChoiceSets(
      features: (0..<17 * 3).map { _ in random.normal() }, columns: ["a", "b", "c"], sizes: sizes,
      chosen: [1, 4, 0, 3], weight: [1, 2, 0.5, 0])
    let likelihood = ChoiceLikelihood(sets: sets)
    let point = [0.4, -1.1, 0.3]
    let sums = try likelihood.sums(at: point)
    for (found, expected) in zip(sums.gradient, try differences(likelihood.value, at: point)) {
      #expect(abs(found - expected) < 1e-8)
    }
    for i in 0..<3 {
      let row = try differences({ try likelihood.sums(at: $0).gradient[i] }, at: point)
      for j in 0...i { #expect(abs(sums.hessian[i * 3 + j] - row[j]) < 1e-8) }
    }
  }

  /// Alternatives told apart by an indicator: chances are shares.
  @Test func indicatorsReproduceShares() throws {
    let sets = try ChoiceSets(
      features: (0..<10).flatMap { _ in [0.0, 0, 1, 0, 0, 1] }, columns: ["b", "c"],
      sizes: [Int](repeating: 3, count: 10), chosen: [0, 0, 0, 0, 0, 1, 1, 1, 2, 2])
    let fit = try ConditionalLogit(ridge: 1e-9).fit(sets)
    #expect(abs(fit.weights[0] - log(3.0 / 5)) < 1e-6)
    #expect(abs(fit.weights[1] - log(2.0 / 5)) < 1e-6)
  }

  @Test func impossibleSetsAreRefused() {
    #expect(throws: KernelError.self) {
      try ChoiceSets(features: [1], columns: ["a"], sizes: [1], chosen: [0])
    }
    #expect(throws: KernelError.self) {
      try ChoiceSets(features: [1, 2], columns: ["a"], sizes: [2], chosen: [2])
    }
    #expect(throws: KernelError.self) {
      try ChoiceSets(features: [1, 2, 3], columns: ["a"], sizes: [2], chosen: [0])
    }
    #expect(throws: KernelError.self) {
      try ChoiceSets(features: [1, .infinity], columns: ["a"], sizes: [2], chosen: [0])
    }
  }
}
