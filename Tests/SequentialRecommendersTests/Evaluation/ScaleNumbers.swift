import Foundation
import PenchantKernels
import PenchantTrain
import SequentialRecommenders
import Testing

/// Cost of data, training and evaluation against the size of the catalogue, printed; runs with `PENCHANT_LONG=1`.
///
///     PENCHANT_LONG=1 swift test -c release -Xswiftc -enable-testing --filter ScaleNumbers
@Suite(.serialized) struct ScaleNumbers {
  private static let isLong = ProcessInfo.processInfo.environment["PENCHANT_LONG"] != nil

  /// Highest memory of the process so far, in MiB.
  private var peak: Int { peakMemory() >> 20 }

  @Test(.enabled(if: isLong, "PENCHANT_LONG"), arguments: [10_000, 100_000, 1_000_000])
  func aMillionUsers(items: Int) throws {
    let clock = ContinuousClock()
    let law = try PowerLawLog(.init(users: 1_000_000, items: items))
    let start = clock.now
    let sequences = try law.sequences()
    let made = clock.now
    let split = try SequenceSplit.leaveOneOut(sequences)
    let parted = clock.now
    let model = try MarkovModel(split.train)
    let fitted = clock.now
    let cases = try split.test.sampled(2000, seed: 1)
    let result = try FullRanking().evaluate(model, on: cases, popularity: split.popularity)
    let ranked = clock.now
    let recall = result.unmasked.places.mean(try RankingMetric(.recall, at: 10))
    print(
      "\(items) items, \(sequences.items.count) events: made \(made - start), split \(parted - made), "
        + "Markov fitted \(fitted - parted), 2000 cases ranked \(ranked - fitted), peak \(peak) MiB, Recall@10 \(recall)"
    )
    // The planted successor follows in 3 of 10 events.
    #expect(recall > 0.25 && peak < 8192)

    // A slice of an epoch of SASRec with the whole softmax; what comes before the first step is told apart by a
    // shorter one.
    var configuration = SASRecConfiguration()
    func trained(_ steps: Int) throws -> (FittedSASRec, seconds: Double) {
      configuration.run.steps = steps
      let start = clock.now
      let model = try SASRec(configuration, seed: 1).fit(to: split.train)
      return (model, (clock.now - start) / .seconds(1))
    }
    let (short, long) = (4, 24)
    let before = try trained(short).seconds
    let (sasrec, seconds) = try trained(long)
    let perTarget = (seconds - before) / Double((long - short) * configuration.optimizer.rows)
    let asked = try split.test.sampled(1000, seed: 1)
    let rankedIn = try clock.measure { _ = try FullRanking().evaluate(sasrec.scorer(), on: asked) }
    print(
      "  SASRec: \(perTarget * 1e6) µs a target, \(perTarget * 1e9 / Double(items)) ns a target and item, first step after "
        + "\(before - perTarget * Double(short * configuration.optimizer.rows)) s, 1000 cases ranked in \(rankedIn), "
        + "peak \(peak) MiB, \(Team.size) threads")
    #expect(peak < 8192)
  }

  /// 22,363 users and 12,101 items, the size of Amazon Beauty: the cost of ranking alone.
  @Test(.enabled(if: isLong, "PENCHANT_LONG")) func beautySize() throws {
    let split = try SequenceSplit.leaveOneOut(PowerLawLog(.init(users: 22_363, items: 12_101)).sequences())
    let model = PopularityModel(split.train)
    let clock = ContinuousClock()
    let scored = try clock.measure {
      var scores = [Float](repeating: 0, count: 256 * 12_101)
      for first in stride(from: 0, to: split.test.count - 255, by: 256) {
        try model.score(histories: (first..<first + 256).map(split.test.history), into: &scores)
      }
    }
    let all = try clock.measure {
      _ = try FullRanking().evaluate(model, on: split.test, popularity: split.popularity)
    }
    print(
      "22,363 x 12,101: scored in \(scored), scored and ranked by both protocols in \(all), \(Team.size) threads"
    )
  }
}
