import PenchantTrain
import TestSupport
import Testing

@testable import PreferenceModels

/// Section 9 of the specification: gold at equal divergence, in closed form.
@Suite struct TabularTwinTests {
  private static func gold(
    _ divergence: Double, _ run: (TabularTwin, Double) throws -> TabularTwin.Outcome?
  ) throws -> Double {
    // The median of nine draws of the candidates: one draw's heaviest tail decides what the plain reward
    // buys.
    let found = try (0..<9).map { seed in
      try #require(try run(TabularTwin(seed: UInt64(seed)), divergence)).gold
    }
    return found.sorted()[4]
  }

  private static let table: [(RewardShaping.Kind, [Double])] = [
    (.vanilla, [0.18, 0.13, 0.02, -0.09]), (.par, [0.87, 1.05, 0.95, 0.47]),
    (.lsc, [0.89, 1.09, 0.98, 0.47]),
    (.sgfc, [0.56, 0.67, 0.68, 0.45]),
  ]

  @Test func goldAtEqualDivergenceIsThatOfTheTable() throws {
    for (kind, row) in Self.table {
      for (divergence, want) in zip([1.0, 2, 4, 6], row) {
        let got = try Self.gold(divergence) { try $0.outcome(RewardShaping(kind), divergence: $1) }
        print("twin", kind, divergence, got, want)
      }
    }
    for (divergence, want) in zip([1.0, 2, 4, 6], [0.89, 1.11, 1.12, 1.12]) {
      print(
        "twin clip", divergence, try Self.gold(divergence) { try $0.outcomeClipped(divergence: $1) }, want)
    }
  }
}
