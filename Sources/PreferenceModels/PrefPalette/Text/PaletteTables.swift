import PenchantData
import PenchantTrain

/// The accuracy table: rivals down, test sets across, and what attributes add.
struct PaletteTables {
  /// A set of pairs that are tested on.
  struct Test: Sendable {
    var name: String
    var meaning: String
    var pairs: [Int]
  }

  let testSets: [PaletteResult.TestSet]
  let rows: [PaletteResult.Row]
  let gains: [PaletteResult.Gain]
  let chances: [PaletteResult.Chances]
  let fingerprint: String

  /// - Parameter rivals: margins on `order`, which has every pair of the tests once.
  init(
    _ tests: [Test], _ rivals: [PaletteRival], order: [Int], _ table: PaletteTable, train: [Int],
    _ clusters: PaletteClusters
  ) throws {
    let place = Dictionary(order.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    let trained = Set(table.table.texts(ofPairs: train))
    testSets = tests.map { test in
      let shared = test.pairs.count {
        trained.contains(table.table.chosen[$0]) || trained.contains(table.table.rejected[$0])
      }
      return PaletteResult.TestSet(
        name: test.name, meaning: test.meaning, pairs: test.pairs.count,
        shared: Double(shared) / Double(max(1, test.pairs.count)))
    }
    func margins(_ rival: PaletteRival, _ pairs: [Int]) -> [Double] {
      pairs.map { place[$0].map { rival.margins[$0] } ?? .nan }
    }
    func hits(_ rival: PaletteRival, _ pairs: [Int]) -> [Double] {
      margins(rival, pairs).map { $0.isNaN ? .nan : PairMetrics.hit($0) }
    }
    rows = try rivals.map { rival in
      PaletteResult.Row(
        model: rival.model, meaning: rival.meaning, isOurs: rival.isOurs,
        accuracy: try tests.map { try clusters.mean(hits(rival, $0.pairs), of: $0.pairs) },
        logLoss: tests.map { test in
          guard rival.statesChances, !test.pairs.isEmpty else { return nil }
          return PairMetrics(margins: margins(rival, test.pairs)).logLoss
        })
    }
    guard let ours = rivals.first(where: \.isOurs),
      let content = rivals.first(where: { $0.model == PaletteRivals.contentOnly })
    else {
      (gains, chances, fingerprint) = ([], [], XXHash64.hex([Double]()))
      return
    }
    var gains: [PaletteResult.Gain] = []
    for test in tests {
      var parts: [(String?, [Int])] = [(nil, test.pairs)]
      let members = Dictionary(grouping: test.pairs) { table.table.communities[table.table.community[$0]] }
      if members.count > 1 { parts += members.keys.sorted().map { ($0, members[$0] ?? []) } }
      for (community, pairs) in parts {
        let (a, b) = (hits(ours, pairs), hits(content, pairs))
        guard let difference = try clusters.mean(zip(a, b).map { $0 - $1 }, of: pairs) else { continue }
        gains.append(
          PaletteResult.Gain(
            testSet: test.name, community: community, pairs: pairs.count,
            contentOnly: b.sum() / Double(pairs.count), withAttributes: a.sum() / Double(pairs.count),
            difference: difference))
      }
    }
    self.gains = gains
    chances =
      tests.first.map { test in
        [ours, content].map { rival in
          let margins = margins(rival, test.pairs)
          return PaletteResult.Chances(
            model: rival.model, brier: PairMetrics(margins: margins).brier,
            reliability: Reliability(margins: margins))
        }
      } ?? []
    fingerprint = XXHash64.hex(ours.margins)
  }
}
