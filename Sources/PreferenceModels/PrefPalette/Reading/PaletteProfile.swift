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
    /// How sure W is; nil when the profile was read off one model alone.
    public var certainty: Certainty?
  }
  /// What refits to other draws of the pairs say of a weight.
  public struct Certainty: Sendable, Codable, Equatable {
    /// Standard deviation of W over the refits.
    public var deviation: Double
    /// W ± 1.96 deviations.
    public var interval: Interval
    /// Two-sided p of W / deviation under a normal law.
    public var p: Double
    /// Whether W differs from 0 at the false discovery rate asked for, over all attributes and communities
    /// (Benjamini and Hochberg 1995).
    public var isFlagged: Bool
  }
  public struct Community: Sendable, Codable, Equatable {
    public var community: String
    public var texts: Int
    public var entries: [Entry]
  }
  /// What certainties rest on.
  public struct Refitting: Sendable, Codable, Equatable {
    public var refits: Int
    public var drawn: PairDraws.Unit
    public var discoveryRate: Double
  }

  public var attributes: [String]
  public var communities: [Community]
  public var refitting: Refitting?

  /// W as `[C][K]`.
  public var weights: [[Double]] { communities.map { $0.entries.map(\.weight) } }
}
