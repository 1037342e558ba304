import Foundation
import PenchantKernels
import PenchantTrain
import SequentialRecommenders
import Testing

@Suite struct SyntheticLogTests {
  @Test func chancesAddToOne() throws {
    let law = try SyntheticLog()
    for history in [[], [1], [3, 500, 3, 77]] as [[Int32]] {
      for chances in [law.nextItem(after: history[...]), law.tastePosterior(history[...])] {
        let sum = chances.reduce(0.0, +)
        #expect(abs(sum - 1) < 1e-12)
      }
    }
  }

  /// Items drawn from the law occur as often as it says: all users' second items, given their first.
  @Test func draftsFollowTheLaw() throws {
    var configuration = SyntheticLog.Configuration()
    configuration.users = 20_000
    configuration.items = 12
    configuration.clusters = 3
    configuration.tastes = 2
    configuration.preferredClusters = 1
    let law = try SyntheticLog(configuration)
    let sequences = try law.sequences()
    var counts = [[Double]](repeating: [Double](repeating: 0, count: 12), count: 12)
    for user in 0..<sequences.count {
      let items = sequences[user]
      counts[Int(items[items.startIndex]) - 1][Int(items[items.startIndex + 1]) - 1] += 1
    }
    var square = 0.0
    var cells = 0.0
    for first in 0..<12 {
      let total = counts[first].reduce(0, +)
      for (next, chance) in law.nextItem(after: [Int32(first + 1)]).enumerated() where total * chance > 5 {
        let expected = total * chance
        square += (counts[first][next] - expected) * (counts[first][next] - expected) / expected
        cells += 1
      }
    }
    // Chi-square with about `cells` degrees of freedom: mean `cells`, standard deviation sqrt(2 cells).
    #expect(cells > 50 && square < cells + 5 * (2 * cells).squareRoot(), "\(square) of \(cells)")
  }

  @Test func theBayesModelReachesItsRecallAndNothingExceedsIt() throws {
    let law = try SyntheticLog()
    let split = try SequenceSplit.leaveOneOut(law.log())
    let metric = try RankingMetric(.recall, at: 10)
    // The log has names in order of first appearance; the law counts its own ids.
    let sequences = try law.sequences()
    let cases = try NextItemCases(
      sequences: sequences, users: (0..<Int32(sequences.count)).map { $0 },
      positions: (0..<sequences.count).map { Int32(sequences[$0].count - 1) })
    let ceiling = try law.bayesRecall(at: 10, on: cases)
    let values = try FullRanking().evaluate(BayesScorer(law), on: cases).unmasked.places.values(metric)
    let reached = values.reduce(0, +) / Double(values.count)
    let error = (ceiling * (1 - ceiling) / Double(values.count)).squareRoot()
    #expect(abs(reached - ceiling) < 3.5 * error, "\(reached), \(ceiling) expected")
    let markov = try FullRanking().evaluate(MarkovModel(split.train), on: split.test)
    let popular = try FullRanking().evaluate(PopularityModel(split.train), on: split.test)
    let (m, p) = (markov.unmasked.places.mean(metric), popular.unmasked.places.mean(metric))
    print("synthetic log, Recall@10: Bayes \(reached) (\(ceiling) expected), Markov \(m), popularity \(p)")
    #expect(p < m && m < reached - 3.5 * error)
  }

  @Test func aLogIsAFunctionOfItsSeed() throws {
    var configuration = SyntheticLog.Configuration()
    configuration.users = 50
    #expect(try SyntheticLog(configuration).log() == SyntheticLog(configuration).log())
    let other = try SyntheticLog(configuration).sequence(7)
    configuration.users = 9
    #expect(try SyntheticLog(configuration).sequence(7) == other)
    configuration.seed = 1
    #expect(try SyntheticLog(configuration).sequence(7) != other)
  }

  @Test func impossibleLawsAreRefused() {
    let wrong: [(inout SyntheticLog.Configuration) -> Void] = [
      { $0.users = -1 }, { $0.clusters = 0 }, { $0.items = 3 }, { $0.tastes = 0 },
      { $0.preferredClusters = 21 },
      { $0.preference = 1.5 }, { $0.following = -0.1 }, { $0.successors = [] },
      { $0.successors = [0.5, 0.4] },
      { $0.successors = [2, -1] }, { $0.shortest = 0 }, { $0.longest = 2 },
    ]
    for change in wrong {
      var configuration = SyntheticLog.Configuration()
      change(&configuration)
      #expect(throws: KernelError.self) { try SyntheticLog(configuration) }
    }
  }
}

@Suite struct PowerLawLogTests {
  @Test func popularityFollowsThePower() throws {
    let law = try PowerLawLog(
      {
        var configuration = PowerLawLog.Configuration(users: 20_000, items: 1000)
        configuration.following = 0
        return configuration
      }())
    let sequences = try law.sequences()
    let counts = PopularityModel(sequences).itemCounts.sorted(by: >)
    // Exponent 1: the r-th item in proportion to log((r + 1)/r).
    for rank in [1, 2, 5, 20] {
      let want = Double(sequences.items.count) * log(Double(rank + 1) / Double(rank)) / log(1001)
      #expect(abs(Double(counts[rank - 1]) - want) < 0.1 * want)
    }
    let mean = Double(sequences.items.count) / 20_000
    #expect(abs(mean - 10) < 0.2)
    #expect((0..<sequences.count).allSatisfy { (5...200).contains(sequences[$0].count) })
  }

  @Test func followingIsPlanted() throws {
    let law = try PowerLawLog(.init(users: 3000, items: 5000))
    let sequences = try law.sequences()
    var (followed, all) = (0, 0)
    for user in 0..<sequences.count {
      for (item, next) in zip(sequences[user], sequences[user].dropFirst()) {
        followed += law.successor(item) == next ? 1 : 0
        all += 1
      }
    }
    #expect(abs(Double(followed) / Double(all) - 0.3) < 0.02)
  }

  @Test func theFileHoldsTheHistories() throws {
    let law = try PowerLawLog(.init(users: 300, items: 400, seed: 3))
    let path = NSTemporaryDirectory() + "penchant-power-\(UUID().uuidString).txt"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try law.write(to: path)
    let log = try InteractionReader(path).log()
    let sequences = try log.sequences()
    #expect(log.users.count == 300)
    for user in [0, 17, 299] {
      #expect(sequences[user].map { log.items.names[Int($0) - 1] } == law.sequence(user).map { "\($0)" })
    }
    let some = try law.sequences(of: 17..<19)
    #expect(Array(some[0]) == law.sequence(17) && some.count == 2)
  }

  @Test(arguments: [1, 2, 3, 7]) func smallCataloguesAreFine(items: Int) throws {
    let sequences = try PowerLawLog(.init(users: 50, items: items)).sequences()
    #expect(Set(sequences.items).count == items)
  }

  @Test func impossibleLawsAreRefused() {
    let wrong: [(inout PowerLawLog.Configuration) -> Void] = [
      { $0.users = -1 }, { $0.items = 0 }, { $0.exponent = -1 }, { $0.exponent = .nan }, { $0.shortest = 0 },
      { $0.meanLength = 2 }, { $0.longest = 7 }, { $0.following = 2 },
    ]
    for change in wrong {
      var configuration = PowerLawLog.Configuration()
      change(&configuration)
      #expect(throws: KernelError.self) { try PowerLawLog(configuration) }
    }
  }
}
