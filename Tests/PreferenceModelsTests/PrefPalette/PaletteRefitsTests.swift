import PenchantKernels
import PenchantTrain
import TestSupport
import Testing

@testable import PreferenceModels

/// Whether intervals of weights say how far the weights move.
@Suite struct PaletteRefitsTests {
  private static func data(pairs: [(UInt32, UInt32)], posts: [UInt32]) throws -> PaletteData {
    let texts = Int(pairs.map { max($0.0, $0.1) }.max() ?? 0) + 1
    return try PaletteData(
      texts: PaletteTexts(
        contentWidth: 1, attributes: 1, width: 1, content: [Float](repeating: 0, count: texts),
        representations: .float([Float](repeating: 0, count: texts)),
        scores: [Float](repeating: 0, count: texts)),
      attributes: ["a"], communities: ["c"], chosen: pairs.map(\.0), rejected: pairs.map(\.1),
      community: [UInt32](repeating: 0, count: pairs.count), post: posts)
  }

  /// Covariance of the counts of two pairs over many draws.
  private static func covariance(_ draws: [[Int]], _ a: Int, _ b: Int) -> Double {
    let (x, y) = (draws.map { Double($0[a]) }, draws.map { Double($0[b]) })
    let (mx, my) = (x.sum() / Double(x.count), y.sum() / Double(y.count))
    return zip(x, y).map { ($0 - mx) * ($1 - my) }.sum() / Double(x.count)
  }

  @Test func pairsOfAPostAreDrawnTogether() throws {
    let data = try Self.data(pairs: [(0, 1), (2, 3), (4, 5), (6, 7)], posts: [7, 7, 3, 3])
    let draws = PairDraws(data, seed: 1)
    #expect(draws.unit == .posts && draws.halves == [[2, 2, 0, 0], [0, 0, 2, 2]])
    let counts = try (0..<4000).map { try draws.counts($0) }
    #expect(counts.allSatisfy { $0[0] == $0[1] && $0[2] == $0[3] })
    #expect(abs(Self.covariance(counts, 0, 0) - 1) < 0.1 && abs(Self.covariance(counts, 0, 2)) < 0.1)
    #expect(try draws.counts(7) == PairDraws(data, seed: 1).counts(7))
    #expect(
      try counts[0] != PairDraws(data, seed: 2).counts(0) || counts[1] != PairDraws(data, seed: 2).counts(1))
  }

  @Test func pairsWithATextInCommonCovary() throws {
    // Each text stands in three pairs, no pair shares its post.
    let pairs: [(UInt32, UInt32)] = [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]
    let draws = PairDraws(try Self.data(pairs: pairs, posts: [0, 1, 2, 3, 4, 5]), seed: 1)
    #expect(draws.unit == .texts)
    let counts = try (0..<4000).map { try draws.counts($0) }
    #expect(counts.allSatisfy { $0.allSatisfy { $0 >= 0 } })
    #expect(abs(Self.covariance(counts, 0, 0) - 2) < 0.25)
    #expect(abs(Self.covariance(counts, 0, 1) - 1) < 0.2)
    #expect(abs(Self.covariance(counts, 0, 5)) < 0.15)
    let alone = PairDraws(try Self.data(pairs: [(0, 1), (2, 3)], posts: [0, 1]), seed: 1)
    #expect(alone.unit == .pairs)
  }

  /// Ten parts of the posts are ten independent samples: the spread of their weights is what refits to one part must find.
  @Test func deviationsAreTheSpreadOverOtherPosts() throws {
    let parts: UInt32 = 10
    let corpus = try PrefPaletteTests.corpus(seed: 5, communities: 3, train: 300 * Int(parts))
    let model = try PrefPalette(PrefPaletteTests.configuration(), seed: 1)
    let posts = corpus.train.post
    let samples = (0..<parts).map { part in
      corpus.train.subset(posts.indices.filter { posts[$0] % parts == part })
    }
    let weights = try parallelMap(samples.count) {
      try model.fit(to: samples[$0]).profile(on: corpus.test).weights.flatMap { $0 }
    }
    let spread = weights[0].indices.map { place -> Double in
      let values = weights.map { $0[place] }
      let mean = values.sum() / Double(values.count)
      return values.map { ($0 - mean) * ($0 - mean) }.sum() / Double(values.count - 1)
    }
    let profile = try model.fit(to: samples[0]).profile(on: corpus.test)
    func certain() throws -> PaletteProfile {
      try profile.certain(by: PaletteRefits(model, to: samples[0], on: corpus.test, count: 20, seed: 2))
    }
    let found = try certain()
    #expect(found.refitting == PaletteProfile.Refitting(refits: 20, drawn: .posts, discoveryRate: 0.05))
    let certainties = try found.communities.flatMap { try $0.entries.map { try #require($0.certainty) } }
    let variance = certainties.map { $0.deviation * $0.deviation }.sum() / Double(certainties.count)
    let ratio = (variance / (spread.sum() / Double(spread.count))).squareRoot()
    #expect((0.8...1.3).contains(ratio), "refits say \(ratio) of the spread")

    let planted = corpus.weights.flatMap { $0 }
    let places = planted.indices.filter { planted[$0] != 0 }
    let right = places.count {
      certainties[$0].isFlagged && planted[$0] * found.weights.flatMap { $0 }[$0] > 0
    }
    #expect(right * 5 >= places.count * 4, "\(right) of \(places.count) planted tastes are flagged")
    #expect(try Team.with(threads: 1) { try certain() } == found)

    let stability = try #require(
      PaletteStability(PaletteRefits(model, to: samples[0], on: corpus.test, count: 2)))
    #expect(stability.correlation > 0.5 && stability.signs > 0.5 && stability.communities.count == 3)
  }

  @Test func whatDoesNotFitIsRefused() throws {
    let corpus = try PrefPaletteTests.corpus()
    let model = try PrefPalette(PrefPaletteTests.configuration(epochs: 1), seed: 1)
    #expect(throws: ConfigurationError.self) {
      try PaletteRefits(model, to: corpus.train, on: corpus.test, count: 1)
    }
    let refits = try PaletteRefits(model, to: corpus.train, on: corpus.test, count: 2)
    let profile = try model.fit(to: corpus.train).profile(on: corpus.test)
    #expect(throws: ConfigurationError.self) { try profile.certain(by: refits, discoveryRate: 1) }
    var other = profile
    other.communities.removeLast()
    #expect(throws: ConfigurationError.self) { try other.certain(by: refits) }
  }
}
