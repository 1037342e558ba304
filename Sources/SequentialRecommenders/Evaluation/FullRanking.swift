import PenchantKernels

/// Which items a target is ranked against.
public enum SeenItems: String, Sendable, Codable, CaseIterable {
  /// All items (ReaRec, RecBole's sequential models).
  case unmasked
  /// All but those of the history; the target itself is never left out (gSASRec, SASRec+).
  case masked
}

/// Evaluation by full ranking: every case's target is ranked among all items of the catalogue, never among samples.
///
/// Scores are made a block of cases at a time, so memory does not grow with the number of cases. All that is added across
/// threads is counts, so results have the same bits for any number of threads.
public struct FullRanking: Sendable, Equatable {
  /// Items in the lists whose coverage and popularity are measured.
  public var listLength = 10
  /// Scores held at once, in bytes; at least 32 cases a block are scored whatever the catalogue.
  public var blockBytes = 16 << 20

  public init(listLength: Int = 10, blockBytes: Int = 16 << 20) {
    self.listLength = listLength
    self.blockBytes = blockBytes
  }

  /// Ranks the targets of `cases`, with and without the items of their histories.
  ///
  /// - Parameter popularity: training events an item, `SequenceSplit.popularity`; empty leaves popularity bias out.
  /// - Throws: `KernelError.shape` when catalogues differ, `.value` when a score is NaN, and what the model throws.
  public func evaluate(
    _ model: some SequenceScorer, on cases: NextItemCases, popularity: [Int] = []
  ) throws -> RankingResult {
    let items = cases.itemCount
    guard model.itemCount == items else {
      throw KernelError.shape(
        "FullRanking", "the model has \(model.itemCount) items, the cases have \(items)")
    }
    guard popularity.isEmpty || popularity.count == items else {
      throw KernelError.shape(
        "FullRanking", "the popularity of \(popularity.count) items for a catalogue of \(items)")
    }
    guard (1...65_536).contains(listLength) else {
      throw KernelError.value("FullRanking", "lists of \(listLength) items; 1 to 65536 are possible")
    }
    var tallies = [SeenItems.unmasked: Tally(items: items), .masked: Tally(items: items)]
    let rows = max(32, blockBytes / (4 * max(1, items)))
    var scores: [Float] = []
    for first in stride(from: 0, to: cases.count, by: rows) {
      let block = first..<min(first + rows, cases.count)
      let histories = block.map(cases.history)
      scores =
        scores.count == block.count * items ? scores : [Float](repeating: 0, count: block.count * items)
      try model.score(histories: histories, into: &scores)
      guard scores.count == block.count * items else {
        throw KernelError.shape(
          "FullRanking",
          "the model gave \(scores.count) scores for \(block.count) histories and \(items) items")
      }
      let targets = block.map { UInt32(cases.target($0) - 1) }
      for protocolName in SeenItems.allCases {
        try tallies[protocolName]?.add(
          protocolName, &scores, histories, targets, listLength: listLength, firstCase: first)
      }
    }
    let targets = (0..<cases.count).map(cases.target)
    func result(_ name: SeenItems) -> RankingResult.Ranked {
      let tally = tallies[name] ?? Tally(items: items)
      return RankingResult.Ranked(
        places: tally.places,
        lists: ListStatistics(
          length: listLength, counts: tally.recommended, popularity: popularity, targets: targets))
    }
    return RankingResult(itemCount: items, unmasked: result(.unmasked), masked: result(.masked))
  }
}

/// Counts of one protocol over the blocks.
private struct Tally {
  var places = TargetPlaces()
  /// How often each item was in a list.
  var recommended: [Int]

  init(items: Int) { recommended = [Int](repeating: 0, count: items) }

  /// Ranks a block. For the masked protocol the scores of the histories become -infinity.
  mutating func add(
    _ seen: SeenItems, _ scores: inout [Float], _ histories: [ArraySlice<Int32>], _ targets: [UInt32],
    listLength: Int, firstCase: Int
  ) throws(KernelError) {
    let items = recommended.count
    let excluded = seen == .masked ? try Exclusions(histories.map { $0.map { UInt32($0 - 1) } }) : nil
    let (found, missing) = try ranks(
      ofTargets: targets.span, rows: targets.count, columns: items, scores: scores.span, excluding: excluded)
    if let row = missing.firstIndex(where: { $0 > 0 }) {
      let column = scores[row * items..<(row + 1) * items].firstIndex(where: \.isNaN) ?? 0
      throw .value(
        "FullRanking",
        "\(missing[row]) scores of case \(firstCase + row) are NaN, the first that of item \(column - row * items + 1); "
          + "such a model cannot be ranked")
    }
    places.above += found.above
    places.tied += found.tied
    if seen == .masked {
      for (row, history) in histories.enumerated() {
        for item in history where UInt32(item - 1) != targets[row] {
          scores[row * items + Int(item) - 1] = -.infinity
        }
      }
    }
    let best = try topScores(min(listLength, items), rows: targets.count, columns: items, scores: scores.span)
    for id in best.ids where id != RankedItems.none { recommended[Int(id)] += 1 }
  }
}
