import PenchantData
import PenchantTrain

/// What a training or an evaluation of PrefPalette on texts found: `result.json` of a run.
public struct PaletteResult: Codable, Sendable {
  public struct TestSet: Codable, Sendable {
    public var name: String
    /// What is in it, in a sentence.
    public var meaning: String
    public var pairs: Int
    /// Share of its pairs with a text that was trained on.
    public var shared: Double
  }
  /// A share with a 95 % interval over clusters of pairs.
  public struct Share: Codable, Sendable {
    public var value: Double
    public var interval: Interval
  }
  /// A model beside others.
  public struct Row: Codable, Sendable {
    public var model: String
    public var meaning: String
    public var isOurs: Bool
    /// Accuracy on each test set; nil where the model says nothing.
    public var accuracy: [Share?]
    public var logLoss: [Double?]
  }
  /// By how much the model with attributes is right more often than the content-only model.
  public struct Gain: Codable, Sendable {
    public var testSet: String
    /// nil: all communities together.
    public var community: String?
    public var pairs: Int
    public var contentOnly: Double
    public var withAttributes: Double
    public var difference: Share
  }
  /// A pair of texts with the reasons for the preference.
  public struct Explained: Codable, Sendable {
    public var community: String
    public var context: String
    public var chosen: String
    public var rejected: String
    public var explanation: PairExplanation
  }
  /// Chances that the model states, on the first test set.
  public struct Chances: Codable, Sendable {
    public var model: String
    public var brier: Double
    public var reliability: Reliability
  }
  /// W of a community in a part of the time.
  public struct Period: Codable, Sendable {
    public var name: String
    public var profile: PaletteProfile
  }
  /// What the accuracies rest on.
  public enum Clusters: String, Codable, Sendable {
    case posts, communities, pairs
  }

  public var system = FittedPrefPalette.system
  public var data: String
  public var seed: UInt64
  public var threads: Int
  public var seconds: Double
  public var pairs: Int
  public var texts: Int
  public var communities: [String]
  public var attributes: [Attribute]
  public var evaluation: String
  /// What intervals of accuracies draw.
  public var clusters: Clusters
  public var testSets: [TestSet]
  public var rows: [Row]
  public var gains: [Gain]
  public var chances: [Chances]
  public var leaks: LeakReport?
  public var heads: AttributeHeadEvaluation
  public var profile: PaletteProfile?
  public var stability: PaletteStability?
  public var periods: [Period]
  public var curves: ResponseCurves?
  public var diagnostics: ColumnDiagnostics?
  /// The linear model on scores alone, with clustered errors: the check beside the profile.
  public var scoresOnly: LinearEstimate?
  /// Linear weights of every community on scores alone under a common prior, in the order of `communities`.
  public var hierarchical: HierarchicalFit?
  public var explanations: [Explained]
  public var peakMemoryBytes: Int
  /// XXH64 of the margins on the test sets: equal for equal bits.
  public var fingerprint: String
}
