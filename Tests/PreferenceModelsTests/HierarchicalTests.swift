import PenchantKernels
import PreferenceModels
import TestSupport
import Testing

struct HierarchicalTests {
  /// A debug build takes fifty times as long a fit.
  #if DEBUG
    static let (sizes, repetitions) = ([25, 50], 2)
  #else
    static let (sizes, repetitions) = ([25, 50, 100, 200], 4)
  #endif

  /// Section 9.2: no worse than pooling and than each community alone, by accuracy and by correlation with the true
  /// weights, for every size up to 200.
  @Test(arguments: sizes) func borrowsWithoutLosing(_ count: Int) throws {
    let repetitions = Self.repetitions
    var accuracies = [0.0, 0.0, 0.0]
    var correlations = [0.0, 0.0, 0.0]
    var variance = 0.0
    for repetition in 0..<repetitions {
      var generator = G2(seed: testSeed &+ UInt64(repetition))
      let train = try generator.pairs(count, of: 0..<45)
      let test = try generator.pairs(200, of: 0..<45)
      let truth = generator.weights.flatMap(\.self)
      let pooled = try ScoresOnly(ridge: 2).fit(train)
      let individual = try ScoresOnly(ridge: 2).fitEach(train)
      let fit = try HierarchicalBradleyTerry().fit(train)
      #expect(fit.converged)
      let alone = zip(test.byCommunity, individual).flatMap { test[$0].margins($1.weights) }
      for (place, margins) in [test.margins(pooled.weights), alone, fit.margins(test)].enumerated() {
        accuracies[place] += accuracy(margins) / Double(repetitions)
      }
      let shared = (0..<45).flatMap { _ in pooled.weights }
      for (place, weights) in [shared, individual.flatMap(\.weights), fit.weights.flatMap(\.self)]
        .enumerated()
      {
        correlations[place] += correlation(weights, truth) / Double(repetitions)
      }
      variance += fit.variance / Double(repetitions)
    }
    let table = "\(count) pairs: accuracy \(accuracies), correlation \(correlations), variance \(variance)"
    #expect(accuracies[2] >= max(accuracies[0], accuracies[1]), "\(table)")
    #expect(correlations[2] >= max(correlations[0], correlations[1]), "\(table)")
  }

  @Test func aNewCommunityLearnsFromItsFirstPairs() throws {
    var generator = G2(communities: 50, seed: testSeed)
    let fit = try HierarchicalBradleyTerry().fit(try generator.pairs(100, of: 0..<45))
    var found: [Double] = []
    for count in [0, 10, 50, 200] {
      var margins: [Double] = []
      for community in 45..<50 {
        let few = try generator.pairs(count, of: community..<community + 1)
        let taste = try fit.adapted(to: few)
        if count == 0 { #expect(taste.weights == fit.mean) }
        margins += try generator.pairs(1000, of: community..<community + 1).margins(taste.weights)
      }
      found.append(accuracy(margins))
    }
    #expect(
      found[0] > 0.55 && found[3] > found[0] + 0.05 && found[2] >= found[0] && found[3] >= found[2],
      "\(found)")
  }

  @Test func communitiesWithoutPairsGetTheMean() throws {
    var generator = G2(communities: 4, seed: 9)
    let some = try generator.pairs(50, of: 0..<2)
    let last = try generator.pairs(50, of: 3..<4)
    let pairs = try ScoredPairs(
      differences: some.differences + last.differences, columns: some.columns,
      community: some.community + last.community)
    let fit = try HierarchicalBradleyTerry().fit(pairs)
    #expect(fit.pairs == [50, 50, 0, 50])
    #expect(fit.weights[2] == fit.mean)
    #expect(fit.errors[2].allSatisfy { abs($0 * $0 - fit.variance) < 1e-12 })
    #expect(fit.margins(try generator.pairs(3, of: 2..<3)).count == 3)
  }

  @Test(arguments: [2, 3]) func sameBitsForAnyThreads(_ threads: Int) throws {
    var generator = G2(communities: 5, seed: 2)
    let pairs = try generator.pairs(60, of: 0..<5)
    let one = try Team.with(threads: 1) { try HierarchicalBradleyTerry().fit(pairs) }
    #expect(try Team.with(threads: threads) { try HierarchicalBradleyTerry().fit(pairs) } == one)
  }

  @Test func otherColumnsAreRefused() throws {
    var generator = G2(communities: 2, seed: 2)
    let fit = try HierarchicalBradleyTerry().fit(try generator.pairs(20, of: 0..<2))
    #expect(throws: KernelError.self) {
      try fit.adapted(to: ScoredPairs(differences: [1], columns: ["other"]))
    }
  }
}
