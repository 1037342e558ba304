extension PaletteReportInput {
  /// (b) How much a community goes by an attribute: log-odds for one standard deviation more of it.
  public struct Weight: Codable, Sendable, Equatable {
    public var community: String
    public var attribute: String
    public var weight: Double
    public var low: Double?
    public var high: Double?
    /// Mean attention, a share of one.
    public var attentionShare: Double?
    /// Whether it stands out from chance after allowing for the number of effects looked at.
    public var flagged: Bool
    public init(
      community: String, attribute: String, weight: Double, low: Double? = nil, high: Double? = nil,
      attentionShare: Double? = nil, flagged: Bool
    ) {
      self.community = community
      self.attribute = attribute
      self.weight = weight
      self.low = low
      self.high = high
      self.attentionShare = attentionShare
      self.flagged = flagged
    }
  }

  /// (d) Change of utility when a text is rewritten to a level, against level 3.
  public struct Response: Codable, Sendable, Equatable {
    public struct Level: Codable, Sendable, Equatable {
      public var level: Int
      public var effect: Double
      public var low: Double?
      public var high: Double?
      public init(level: Int, effect: Double, low: Double? = nil, high: Double? = nil) {
        self.level = level
        self.effect = effect
        self.low = low
        self.high = high
      }
    }
    public var community: String
    public var attribute: String
    public var levels: [Level]
    public init(community: String, attribute: String, levels: [Level]) {
      self.community = community
      self.attribute = attribute
      self.levels = levels
    }
  }

  /// (e) One comparison taken apart: content and attributes add up to the difference of utilities.
  public struct Explanation: Codable, Sendable, Equatable {
    public struct Part: Codable, Sendable, Equatable {
      public var attribute: String
      public var contribution: Double
      public init(attribute: String, contribution: Double) {
        self.attribute = attribute
        self.contribution = contribution
      }
    }
    public var community: String
    public var context: String
    public var chosen: String
    public var rejected: String
    public var content: Double
    public var parts: [Part]
    /// Utility of the chosen text minus that of the rejected one.
    public var total: Double
    /// The model's chance for the chosen text.
    public var probability: Double
    public init(
      community: String, context: String, chosen: String, rejected: String, content: Double, parts: [Part],
      total: Double, probability: Double
    ) {
      self.community = community
      self.context = context
      self.chosen = chosen
      self.rejected = rejected
      self.content = content
      self.parts = parts
      self.total = total
      self.probability = probability
    }
  }

  /// (g) A weight in one period.
  public struct Drift: Codable, Sendable, Equatable {
    public var community: String
    public var attribute: String
    /// "2022", "2022 Q3"; sorted as text.
    public var period: String
    public var weight: Double
    public var low: Double?
    public var high: Double?
    public init(
      community: String, attribute: String, period: String, weight: Double, low: Double? = nil,
      high: Double? = nil
    ) {
      self.community = community
      self.attribute = attribute
      self.period = period
      self.weight = weight
      self.low = low
      self.high = high
    }
  }
}
