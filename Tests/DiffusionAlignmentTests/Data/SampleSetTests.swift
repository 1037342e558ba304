import Testing

@testable import DiffusionAlignment

@Suite struct SampleSetTests {
  static let four = SampleSet(
    shape: .point(2), values: [0, 1, 2, 3, 4, 5, 6, 7], classes: [0, 1, 1, 0], classNames: ["left", "right"])

  @Test func rowsAreTakenInTheirOrderWithTheirClasses() {
    let chosen = Self.four.samples([3, 1])
    #expect(chosen.values == [6, 7, 2, 3])
    #expect(chosen.classes == [0, 1])
    #expect(chosen.classNames == ["left", "right"])
    #expect(chosen.count == 2)
  }

  @Test func pairsKeepTheirWeights() {
    let pairs = SamplePairs(samples: Self.four, winners: [0, 1], losers: [3, 2], weights: [1, 0.5])
    let second = pairs.pairs([1])
    #expect(second.winners == [1] && second.losers == [2] && second.weights == [0.5])
    #expect(second.samples == Self.four)
  }
}
