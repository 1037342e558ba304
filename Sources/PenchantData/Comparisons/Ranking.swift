/// Items in order of preference, the best first; a comparison is a ranking of two.
public struct Ranking: Sendable, Hashable {
  /// Two or more, all different.
  public var items: [String]
  /// How often it was observed, or how much it counts; above 0.
  public var count: Double
  public var user: String?
  /// The line of the file it came from; 0 when it did not come from one.
  public var line: Int

  public init(_ items: [String], count: Double = 1, user: String? = nil, line: Int = 0) {
    self.items = items
    self.count = count
    self.user = user
    self.line = line
  }
}

extension PreferencePair {
  /// The pair as a comparison of two items: by their ids, or by their texts when it has none.
  public var comparison: Ranking {
    Ranking([chosenID ?? chosen, rejectedID ?? rejected], count: weight, user: user, line: line)
  }
}
