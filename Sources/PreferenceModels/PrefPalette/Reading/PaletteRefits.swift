import Foundation
import PenchantKernels
import PenchantTrain

/// W of models refitted to other draws of the pairs: how far a profile may be trusted.
public struct PaletteRefits: Sendable {
  public let draws: PairDraws
  /// W `[C][K]` of every refit.
  public let weights: [[[Double]]]
  /// W `[C][K]` of refits to two halves of the posts.
  public let halves: [[[Double]]]

  /// How often every pair stands in each fit: two halves, then `count` draws.
  ///
  /// - Parameter count: 2 or more. A deviation from B draws is itself known to within 1 / √(2 B) of it.
  public static func counts(_ draws: PairDraws, refits count: Int) throws -> [[Int]] {
    guard count >= 2 else {
      throw ConfigurationError("\(count) refits; 2 or more say how far a weight moves")
    }
    return try draws.halves + (0..<count).map { try draws.counts($0) }
  }

  /// - Parameters:
  ///   - fits: how many rows `counts` has.
  ///   - refit: W `[C][K]` of a fit by one row of them.
  public init(
    _ draws: PairDraws, fits: Int, progress: ProgressLine = ProgressLine(style: .silent),
    refit: @Sendable (_ row: Int) throws -> [[Double]]
  ) throws {
    self.draws = draws
    // In portions, so that there is a line of progress and an end when one is asked for.
    let portion = 2 * max(1, Team.size)
    var found: [[[Double]]] = []
    while found.count < fits, !Interrupt.isRequested {
      let first = found.count
      found += try parallelMap(min(portion, fits - first)) { try refit(first + $0) }
      progress.report("refit", found.count, of: fits, [])
    }
    progress.finishLine()
    halves = Array(found.prefix(2))
    weights = Array(found.dropFirst(2))
  }

  /// Refits of a model to tensors.
  ///
  /// - Parameter reading: the pairs whose texts the profile is read on.
  public init(
    _ model: PrefPalette, to data: PaletteData, on reading: PaletteData, start: PaletteStart? = nil,
    count: Int,
    seed: UInt64 = 0, progress: ProgressLine = ProgressLine(style: .silent)
  ) throws {
    let draws = PairDraws(data, seed: seed)
    let counts = try Self.counts(draws, refits: count)
    try self.init(draws, fits: counts.count, progress: progress) { row in
      try model.fit(to: data.drawn(counts[row]), start: start).profile(on: reading).weights
    }
  }
}

extension PaletteProfile {
  /// The profile with what refits say of each weight.
  ///
  /// - Throws: `ConfigurationError` when the refits are of other communities or attributes.
  public func certain(by refits: PaletteRefits, discoveryRate: Double = 0.05) throws(ConfigurationError)
    -> PaletteProfile
  {
    guard discoveryRate > 0, discoveryRate < 1 else {
      throw ConfigurationError("a discovery rate of \(discoveryRate); it must be between 0 and 1")
    }
    guard refits.weights.count >= 2,
      refits.weights.allSatisfy({ $0.map(\.count) == communities.map(\.entries.count) })
    else {
      throw ConfigurationError(
        "\(refits.weights.count) refits do not fit a profile of \(communities.count) communities")
    }
    var profile = self
    for c in communities.indices {
      for i in communities[c].entries.indices {
        let draws = refits.weights.map { $0[c][i] }
        let centre = draws.sum() / Double(draws.count)
        let deviation = (draws.map { ($0 - centre) * ($0 - centre) }.sum() / Double(draws.count - 1))
          .squareRoot()
        let weight = communities[c].entries[i].weight
        guard weight.isFinite, deviation.isFinite else { continue }
        profile.communities[c].entries[i].certainty = Certainty(
          deviation: deviation,
          interval: Interval(low: weight - 1.96 * deviation, high: weight + 1.96 * deviation),
          p: deviation > 0 ? erfc(abs(weight) / deviation / 2.0.squareRoot()) : 1, isFlagged: false)
      }
    }
    profile.refitting = Refitting(
      refits: refits.weights.count, drawn: refits.draws.unit, discoveryRate: discoveryRate)
    let p = profile.communities.flatMap { $0.entries.map { $0.certainty?.p ?? .nan } }
    var stands = BenjaminiHochberg(p, level: discoveryRate).stands.makeIterator()
    for c in communities.indices {
      for i in communities[c].entries.indices {
        profile.communities[c].entries[i].certainty?.isFlagged = stands.next() ?? false
      }
    }
    return profile
  }
}
