import PenchantTrain

/// What a training or an evaluation of a recommender found: `result.json` of a run, and what `--json` prints.
public struct RecommenderResult: Codable, Sendable {
  /// One model beside others.
  public struct Row: Codable, Sendable, Equatable {
    public var name: String
    /// `ndcg@10`, `masked/ndcg@10`, …
    public var metrics: [String: Double]
    /// Percentile intervals of NDCG@10 and Recall@10, bootstrap over users.
    public var intervals: [String: Interval]
    /// What the lists of all cases look like together, by protocol.
    public var lists: [String: ListStatistics]
    /// NDCG@10 by the length of the history and the popularity of the target.
    public var groups: SubgroupTable
    /// To train, and to score and rank all cases.
    public var trainingSeconds: Double
    public var rankingSeconds: Double
  }
  /// The model against the best of the baselines, on the same cases.
  public struct Comparison: Codable, Sendable, Equatable {
    /// `ndcg@10` or `masked/ndcg@10`.
    public var metric: String
    public var baseline: String
    public var difference: PairedComparison
  }
  /// One held-out case in words.
  public struct Example: Codable, Sendable, Equatable {
    public var user: String
    /// The latest items, oldest first.
    public var history: [String]
    public var target: String
    /// The rank of the target among all items, from 1; ties before it count half.
    public var rank: Double
    public var recommended: [String]
  }
  /// Milliseconds for one history, one after the other.
  public struct Latency: Codable, Sendable, Equatable {
    public var median: Double
    public var high: Double
    public var requests: Int
  }

  public var system: String
  public var data: String
  public var seed: UInt64
  public var threads: Int
  public var seconds: Double
  public var counts: LogCounts
  public var fileCounts: LogCounts
  public var split: String
  public var trainingEvents: Int
  public var validationCases: Int
  public var testCases: Int
  /// Of the test items: two pipelines that print the same number ask the same questions.
  public var testChecksum: String
  /// What decided where one number decides.
  public var ranked: SeenItems
  /// Of the model itself.
  public var metrics: [String: Double]
  /// The model first, then the baselines.
  public var models: [Row]
  public var comparison: Comparison?
  public var examples: [Example]
  /// What the system has to show besides.
  public var exhibits: [RecommenderExhibit]
  public var latency: Latency
  public var peakMemoryBytes: Int
  /// XXH64 of where all targets stand: equal for equal rankings.
  public var fingerprint: String
}
