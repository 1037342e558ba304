import PenchantKernels

/// An item that may come next.
public struct Recommendation: Codable, Sendable, Equatable {
  public var item: String
  public var title: String?
  /// Higher is better; only the order within one answer means something.
  public var score: Float
}

/// What is recommended for a history.
public struct Recommendations: Codable, Sendable, Equatable {
  public enum Basis: String, Codable, Sendable {
    case history
    /// No item of the history was known, so the most popular items are shown.
    case popularity
  }
  /// Best first.
  public var items: [Recommendation]
  public var basis: Basis
  /// Items of the history that the model does not know; they were left out.
  public var unknown: [String]
}

/// Answers histories by names, with whichever model. Used by one thread at a time.
public final class Recommender {
  public let trained: TrainedRecommender
  private let score: ([ArraySlice<Int32>], inout [Float]) throws -> Void

  init(_ trained: TrainedRecommender) throws {
    self.trained = trained
    func scoring(_ model: some FittedRecommender) throws -> ([ArraySlice<Int32>], inout [Float]) throws ->
      Void
    {
      let scorer = try model.scorer(histories: 1)
      return { try scorer.score(histories: $0, into: &$1) }
    }
    score = try scoring(trained.model)
  }

  /// The best `count` items to come after `history`.
  ///
  /// - Parameters:
  ///   - history: names of items, oldest first; it may be empty.
  ///   - excluding: names that are not recommended; unknown ones mean nothing.
  ///   - repeats: whether items of the history may be recommended again.
  /// - Throws: `KernelError.value` for a count outside 0 to 65,536.
  public func recommend(
    for history: [String], count: Int = 10, excluding: [String] = [], repeats: Bool = false
  ) throws -> Recommendations {
    let places = history.map { trained.items.index(of: $0) }
    var answer = try recommend(
      for: places.compactMap { $0.map { Int32($0 + 1) } }, count: count,
      excluding: excluding.compactMap { trained.items.index(of: $0).map { Int32($0 + 1) } }, repeats: repeats)
    answer.unknown = zip(history, places).filter { $0.1 == nil }.map(\.0)
    return answer
  }

  /// The same in ids, from 1.
  ///
  /// - Throws: `KernelError.value` also for an id that is not in the catalogue.
  public func recommend(
    for history: [Int32], count: Int = 10, excluding: [Int32] = [], repeats: Bool = false
  ) throws -> Recommendations {
    let size = trained.items.count
    for item in history + excluding { try checkItem(item, size, "Recommender") }
    var scores = [Float](repeating: 0, count: size)
    if history.isEmpty {
      for (place, count) in trained.model.itemCounts.enumerated() { scores[place] = Float(count) }
    } else {
      try score([history[...]], &scores)
    }
    var mask = [UInt8](repeating: 1, count: size)
    for item in repeats ? excluding : history + excluding { mask[Int(item) - 1] = 0 }
    let best = try topScores(count, rows: 1, columns: size, scores: scores.span, mask: mask.span)
    let items = zip(best.ids, best.scores).prefix { $0.0 != RankedItems.none }.map { id, score in
      Recommendation(
        item: trained.items.names[Int(id)], title: trained.titles.isEmpty ? nil : trained.titles[Int(id)],
        score: score)
    }
    return Recommendations(items: items, basis: history.isEmpty ? .popularity : .history, unknown: [])
  }
}
