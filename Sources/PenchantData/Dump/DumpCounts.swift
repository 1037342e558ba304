/// What a dump held, what was dropped and why, and what was made.
public struct DumpCounts: Sendable, Codable, Equatable {
  /// Of one community.
  public struct Community: Sendable, Codable, Equatable {
    /// Posts that pairs could be made of, and their comments.
    public var posts = 0
    public var comments = 0
    /// Pairs by file.
    public var pairs: [String: Int] = [:]
  }

  public var lines = 0
  /// Not JSON, or a field is missing: the first few are in `PairBuilder.Result.errors`.
  public var unreadable = 0
  /// Neither a post nor a comment.
  public var others = 0
  public var posts = 0
  public var comments = 0
  public var otherCommunities = 0
  public var outsideYears = 0
  public var removed = 0
  public var robots = 0
  public var duplicates = 0
  /// Comments whose post is not there.
  public var withoutPost = 0
  /// Posts with fewer than two comments.
  public var lonelyPosts = 0
  /// Posts with comments, but no two that make a pair.
  public var postsWithoutPair = 0
  /// Pairs by file.
  public var pairs: [String: Int] = [:]
  public var communities: [String: Community] = [:]

  /// Names and numbers, in the order that lines are read, dropped and used.
  public var named: [(name: String, count: Int)] {
    [
      ("lines", lines), ("posts", posts), ("comments", comments), ("dropped: unreadable", unreadable),
      ("dropped: neither post nor comment", others), ("dropped: other community", otherCommunities),
      ("dropped: outside the years", outsideYears), ("dropped: text removed", removed),
      ("dropped: robots", robots), ("dropped: seen before", duplicates),
      ("dropped: comments without their post", withoutPost),
      ("dropped: posts with one comment or none", lonelyPosts),
      ("posts without a clear pair", postsWithoutPair),
    ]
  }
}
