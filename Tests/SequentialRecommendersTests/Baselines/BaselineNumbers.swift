import Foundation
import PenchantKernels
import SequentialRecommenders
import TestSupport
import Testing

/// The baselines on public data, printed: what other models are compared with.
///
///     PENCHANT_LONG=1 swift test -c release -Xswiftc -enable-testing --filter BaselineNumbers
@Suite(.serialized, .enabled(if: ProcessInfo.processInfo.environment["PENCHANT_LONG"] == "1"))
struct BaselineNumbers {
  @Test(.enabled(if: SharedData.has("amazon-beauty/sequences.txt.gz"), "Amazon Beauty is not here"))
  func beauty() throws {
    let numbers = try run("amazon-beauty/sequences.txt.gz")
    // NDCG@10, unmasked, of an independent program in Python with λ = 0.1, which is what validation chooses.
    #expect(abs((numbers["Markov"] ?? 0) - 0.042720832) < 1e-5)
    #expect(numbers["popularity"] ?? 1 < 0.01 && numbers["neighbours"] ?? 0 > 0.03)
  }

  @Test(.enabled(if: SharedData.has("movielens-100k/ml-100k.inter.tsv.gz"), "MovieLens 100K is not here"))
  func movieLens100K() throws {
    let numbers = try run("movielens-100k/ml-100k.inter.tsv.gz")
    // Of the same program; the neighbours with λ = 0 and a decay of 0.5.
    #expect(abs((numbers["popularity"] ?? 0) - 0.022482286690005966) < 1e-9)
    #expect(abs((numbers["neighbours"] ?? 0) - 0.062628464) < 1e-5)
  }

  /// NDCG@10, unmasked, by model.
  private func run(_ file: String) throws -> [String: Double] {
    let clock = ContinuousClock()
    let log = try InteractionReader(SharedData.path(file)).log()
    let split = try SequenceSplit.leaveOneOut(log)
    let metric = try RankingMetric(.ndcg, at: 10)
    let together = try CoOccurrences(split.train)
    var values: [String: Double] = [:]
    print("\(file), \(split.name), test items \(split.testChecksum), \(Team.size) threads")
    func report(_ name: String, _ chosen: String, _ model: some SequenceScorer) throws {
      var result: RankingResult?
      let seconds = try clock.measure {
        result = try FullRanking().evaluate(model, on: split.test, popularity: split.popularity)
      }
      guard let result else { return }
      values[name] = result.unmasked.places.mean(metric)
      print("\(name)\(chosen), scored and ranked in \(seconds)\n\(result.table())\n")
    }
    try report("popularity", "", PopularityModel(split.train))
    let markov = try BaselineChoice(MarkovModel.Configuration.grid, on: split.validation, metric: metric) {
      try MarkovModel(split.train, $0)
    }
    try report("Markov", " \(markov.configuration)", MarkovModel(split.train, markov.configuration))
    let near = try BaselineChoice(ItemNeighbours.Configuration.grid, on: split.validation, metric: metric) {
      try ItemNeighbours(together, $0)
    }
    try report("neighbours", " \(near.configuration)", ItemNeighbours(together, near.configuration))
    return values
  }
}
