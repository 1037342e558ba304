import PenchantTrain
import TestSupport
import Testing

@testable import PreferenceModels

/// Section 9 of the specification: gold at equal divergence, in closed form. Its table is of one draw of the candidates; a
/// draw's heaviest tail and its ten references move the numbers, so they are compared with the spread over draws.
@Suite struct TabularTwinTests {
  private typealias Run = (TabularTwin, Double) throws -> TabularTwin.Outcome?

  private static func gold(_ divergence: Double, _ run: Run) throws -> (median: Double, spread: Double) {
    let found = try (0..<5).map { seed in
      try #require(try run(TabularTwin(seed: UInt64(seed), candidates: 40_000), divergence)).gold
    }.sorted()
    let mean = found.reduce(0, +) / 5
    return (found[2], (found.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 4).squareRoot())
  }

  private static let table: [(RewardShaping.Kind, [Double])] = [
    (.vanilla, [0.18, 0.13, 0.02, -0.09]), (.par, [0.87, 1.05, 0.95, 0.47]),
    (.lsc, [0.89, 1.09, 0.98, 0.47]), (.sgfc, [0.56, 0.67, 0.68, 0.45]),
  ]

  @Test(.enabled(if: isOptimised, "release")) func goldAtEqualDivergenceIsThatOfTheTable() throws {
    var first: [RewardShaping.Kind: [Double]] = [:]
    for (kind, row) in Self.table {
      for (divergence, want) in zip([1.0, 2, 4, 6], row) {
        let got = try Self.gold(divergence) { try $0.outcome(RewardShaping(kind), divergence: $1) }
        first[kind, default: []].append(got.median)
        #expect(
          abs(got.median - want) < 0.03 + 2.5 * got.spread, "\(kind) at \(divergence): \(got), table \(want)")
      }
    }
    // The same divergence buys the more, the better the shaping follows the first two principles.
    for place in [0, 1] {
      let values = [RewardShaping.Kind.vanilla, .sgfc, .par].compactMap { first[$0]?[place] }
      #expect(values.count == 3 && values[0] < values[1] && values[1] < values[2])
    }
  }

  /// Clipping at bounds that do not move is fine: what fails is that running bounds move.
  @Test(.enabled(if: isOptimised, "release")) func clippingAtFixedBoundsIsThatOfTheTable() throws {
    for (divergence, want) in [(1.0, 0.89), (2, 1.11)] {
      let got = try Self.gold(divergence) { try $0.outcomeClipped(divergence: $1) }
      #expect(abs(got.median - want) < 0.03, "\(divergence): \(got)")
    }
    // An eighth of the candidates reaches the upper bound: no policy goes farther than its uniform choice.
    #expect(try TabularTwin(seed: 0).outcomeClipped(divergence: 4) == nil)
  }

  @Test func divergenceThatNoPenaltyGivesIsNone() throws {
    let twin = try TabularTwin(seed: 1, candidates: 200)
    #expect(try twin.outcome(RewardShaping(.vanilla), divergence: 50) == nil)
    let found = try #require(try twin.outcome(RewardShaping(.par), divergence: 1))
    #expect(abs(found.divergence - 1) < 1e-6 && found.penalty > 0)
  }
}
