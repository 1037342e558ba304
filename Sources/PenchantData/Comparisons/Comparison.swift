/// `winner` was preferred to `loser`, `count` times.
public struct Comparison: Sendable, Hashable {
  public var winner: String
  public var loser: String
  /// How often, or how much it counts; above 0.
  public var count: Double
  public var user: String?
  /// The line of the file it came from; 0 when it did not come from one.
  public var line: Int

  public init(winner: String, loser: String, count: Double = 1, user: String? = nil, line: Int = 0) {
    self.winner = winner
    self.loser = loser
    self.count = count
    self.user = user
    self.line = line
  }
}

/// Items in order of preference, the best first.
public struct Ranking: Sendable, Hashable {
  public var items: [String]
  public var user: String?
  public var line: Int

  public init(_ items: [String], user: String? = nil, line: Int = 0) {
    self.items = items
    self.user = user
    self.line = line
  }
}
