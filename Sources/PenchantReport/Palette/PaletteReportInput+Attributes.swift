extension PaletteReportInput {
  /// (f) How well an attribute is detected.
  public struct Head: Codable, Sendable, Equatable {
    /// Share of rewritten pairs put in the right order.
    public struct Score: Codable, Sendable, Equatable {
      public var split: String
      /// Levels between the two texts; nil for all gaps together.
      public var gap: Int?
      public var accuracy: Double
      public var pairs: Int
      public init(split: String, gap: Int? = nil, accuracy: Double, pairs: Int) {
        self.split = split
        self.gap = gap
        self.accuracy = accuracy
        self.pairs = pairs
      }
    }
    /// Agreement with people who judged the attribute itself.
    public struct People: Codable, Sendable, Equatable {
      public var source: String
      public var accuracy: Double
      public var low: Double?
      public var high: Double?
      public var pairs: Int
      public init(source: String, accuracy: Double, low: Double? = nil, high: Double? = nil, pairs: Int) {
        self.source = source
        self.accuracy = accuracy
        self.low = low
        self.high = high
        self.pairs = pairs
      }
    }
    public var attribute: String
    /// Who rewrote the texts that it learnt from: "rules", the name of a language model, "people".
    public var teacher: String
    public var scores: [Score]
    /// Nil: not validated on people.
    public var people: People?
    public init(attribute: String, teacher: String, scores: [Score], people: People? = nil) {
      self.attribute = attribute
      self.teacher = teacher
      self.scores = scores
      self.people = people
    }
  }

  /// Attributes against attributes; row i is the score that moves, column j the attribute that was rewritten.
  public struct Matrix: Codable, Sendable, Equatable {
    public var attributes: [String]
    public var values: [[Double]]
    public init(attributes: [String], values: [[Double]]) {
      self.attributes = attributes
      self.values = values
    }
  }

  /// (i) Correlation of the attribute scores, and the variance inflation factor of each.
  public struct Correlation: Codable, Sendable, Equatable {
    public var matrix: Matrix
    public var vif: [Double]
    public init(matrix: Matrix, vif: [Double]) {
      self.matrix = matrix
      self.vif = vif
    }

    /// Above this a single weight is not to be read (section 12).
    public static let bound = 5.0

    /// Attributes above the bound.
    public var tangled: [String] {
      zip(matrix.attributes, vif).filter { $0.1 > Self.bound }.map(\.0)
    }
  }
}
