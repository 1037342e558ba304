import PenchantTrain

/// What each community's model cares about (section 8): attention, effective weight with an interval, and a flag.
public struct PaletteProfile: Sendable, Codable, Equatable {
  public struct Entry: Sendable, Codable, Equatable {
    public var attribute: String
    /// Mean and standard deviation of α over the texts of the community: not negative, blind to direction.
    public var attention: Double
    public var attentionDeviation: Double
    /// W = Cov(κ, s) / Var(s): log-odds for one standard deviation of the attribute.
    public var weight: Double
    /// Percentile bootstrap over posts.
    public var interval: Interval
    /// Standard deviation of the bootstrapped weights, and the two-sided p of weight / deviation under a normal law.
    public var deviation: Double
    public var p: Double
    /// Whether W differs from 0 at the false discovery rate asked for, over all attributes and communities
    /// (Benjamini and Hochberg 1995).
    public var isFlagged: Bool
  }
  public struct Community: Sendable, Codable, Equatable {
    public var community: String
    public var texts: Int
    public var posts: Int
    public var entries: [Entry]
  }

  public var attributes: [String]
  public var communities: [Community]
  public var discoveryRate: Double
  public var replicates: Int

  /// W as `[C][K]`.
  public var weights: [[Double]] { communities.map { $0.entries.map(\.weight) } }
}
