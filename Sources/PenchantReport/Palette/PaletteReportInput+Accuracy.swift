extension PaletteReportInput {
  /// (a) Models down, test sets across.
  public struct Accuracy: Codable, Sendable, Equatable {
    public struct TestSet: Codable, Sendable, Equatable {
      public var name: String
      /// What is in it, in a sentence.
      public var meaning: String
      public var pairs: Int
      /// Whether texts of it were also learnt from, so that it flatters every model.
      public var sharesTexts: Bool
      public init(name: String, meaning: String, pairs: Int, sharesTexts: Bool = false) {
        self.name = name
        self.meaning = meaning
        self.pairs = pairs
        self.sharesTexts = sharesTexts
      }
    }
    public struct Share: Codable, Sendable, Equatable {
      public var value: Double
      public var low: Double?
      public var high: Double?
      public init(_ value: Double, low: Double? = nil, high: Double? = nil) {
        self.value = value
        self.low = low
        self.high = high
      }
    }
    public struct Row: Codable, Sendable, Equatable {
      public var model: String
      /// What it goes by, in a few words: "the longer text wins".
      public var meaning: String
      /// Whether this is the model that the rest of the report reads.
      public var isOurs: Bool
      /// One a test set; nil where the model was not tried.
      public var shares: [Share?]
      public init(model: String, meaning: String, isOurs: Bool = false, shares: [Share?]) {
        self.model = model
        self.meaning = meaning
        self.isOurs = isOurs
        self.shares = shares
      }
    }
    public var testSets: [TestSet]
    public var rows: [Row]
    public init(testSets: [TestSet], rows: [Row]) {
      self.testSets = testSets
      self.rows = rows
    }

    /// The first test set with no text that was learnt from: the one to quote.
    public var honest: Int? { testSets.firstIndex { !$0.sharesTexts } }
  }

  /// (h) Stated chance against observed share.
  public struct Calibration: Codable, Sendable, Equatable {
    public struct Bin: Codable, Sendable, Equatable {
      /// Mean chance stated and share right in the bin.
      public var stated: Double
      public var right: Double
      public var pairs: Int
      public init(stated: Double, right: Double, pairs: Int) {
        self.stated = stated
        self.right = right
        self.pairs = pairs
      }
    }
    public var model: String
    /// Mean squared difference of chance and outcome: 0 is perfect, 0.25 a coin.
    public var brier: Double
    public var bins: [Bin]
    public init(model: String, brier: Double, bins: [Bin]) {
      self.model = model
      self.brier = brier
      self.bins = bins
    }
  }
}
