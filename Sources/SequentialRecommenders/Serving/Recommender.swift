import PenchantKernels

/// An item that may come next.
public struct Recommendation: Codable, Sendable, Equatable {
  public var item: String
  public var title: String?
  /// Higher is better; only the order within one answer means something. By popularity, how often the item was taken.
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

/// A history that a `Recommender` follows event by event.
public struct FollowedHistory: Sendable {
  /// Ids from 1, oldest first.
  public fileprivate(set) var items: [Int32]
  fileprivate var session: SASRecSession?
}

/// Answers histories by names, with whichever model. Used by one thread at a time.
public final class Recommender {
  public let trained: TrainedRecommender
  private let scorer: any SequenceScorer
  /// Made when a history is followed for the first time.
  private var follower: SASRecRecommender??

  init(_ trained: TrainedRecommender) throws {
    self.trained = trained
    func scorer(_ model: some FittedRecommender) throws -> any SequenceScorer {
      try model.scorer(histories: 1)
    }
    self.scorer = try scorer(trained.model)
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

  /// Begins to follow a history, oldest item first; items that the model does not know are left out.
  public func follow(_ history: [String] = []) throws -> FollowedHistory {
    let items = history.compactMap { trained.items.index(of: $0).map { Int32($0 + 1) } }
    if follower == nil { follower = .some(try trained.model.follower()) }
    return FollowedHistory(items: items, session: try follower??.session(items))
  }

  /// Appends an event. A causal model computes its row alone and keeps the rest.
  ///
  /// - Returns: whether the model knows the item; an unknown one is left out.
  public func append(_ item: String, to history: inout FollowedHistory) throws -> Bool {
    guard let place = trained.items.index(of: item) else { return false }
    let id = Int32(place + 1)
    if var session = history.session {
      try follower??.append(id, to: &session)
      history.session = session
    }
    history.items.append(id)
    return true
  }

  /// The best `count` items to come after a history that is followed; otherwise as for a list of names.
  public func recommend(
    for history: FollowedHistory, count: Int = 10, excluding: [String] = [], repeats: Bool = false
  ) throws -> Recommendations {
    let excluding = excluding.compactMap { trained.items.index(of: $0).map { Int32($0 + 1) } }
    guard case .some(.some(let follower)) = follower, let session = history.session, !history.items.isEmpty
    else {
      return try recommend(for: history.items, count: count, excluding: excluding, repeats: repeats)
    }
    let best = try follower.top(
      count, for: session, excluding: repeats ? excluding : history.items + excluding)
    return Recommendations(
      items: best.map { recommendation($0.item, $0.score) }, basis: .history, unknown: [])
  }

  private func recommendation(_ id: Int32, _ score: Float) -> Recommendation {
    let place = Int(id) - 1
    return Recommendation(
      item: trained.items.names[place], title: trained.titles.isEmpty ? nil : trained.titles[place],
      score: score)
  }

  /// The same in ids, from 1.
  ///
  /// - Throws: `KernelError.value` also for an id that is not in the catalogue.
  public func recommend(
    for history: [Int32], count: Int = 10, excluding: [Int32] = [], repeats: Bool = false
  ) throws -> Recommendations {
    let size = trained.items.count
    for item in history + excluding { try checkItem(item, size, "Recommender") }
    let excluded = (repeats ? excluding : history + excluding).map { UInt32($0 - 1) }
    let best =
      history.isEmpty
      ? try PopularityModel(itemCounts: trained.model.itemCounts).top(count, after: [], excluding: excluded)
      : try scorer.top(count, after: history[...], excluding: excluded)
    let items = zip(best.ids, best.scores).prefix { $0.0 != RankedItems.none }
      .map { recommendation(Int32($0) + 1, $1) }
    return Recommendations(items: items, basis: history.isEmpty ? .popularity : .history, unknown: [])
  }
}
