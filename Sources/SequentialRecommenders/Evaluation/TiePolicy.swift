/// Where a target stands among items with exactly its score.
public enum TiePolicy: String, Sendable, Codable, CaseIterable {
  /// The expectation of the metric under a random order of the tied items. A model that scores all items alike gets
  /// Recall@k = k/N.
  case expected
  /// The mean rank of the tied block, which may be half a place: such a model gets Recall@k = 0 for k < N/2.
  case averageRank
  /// Before all of them: such a model gets a perfect score, so this is for comparison with code that does so only.
  case optimistic
  /// Behind all of them.
  case pessimistic
}
