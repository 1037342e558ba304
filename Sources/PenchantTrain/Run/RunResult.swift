import PenchantData

/// What a training or an evaluation found: `result.json` of a run, and what `--json` prints.
public struct RunResult: Codable, Sendable {
  /// Accuracy and loss of one group of pairs.
  public struct Group: Codable, Sendable {
    public var name: String
    public var count: Int
    public var accuracy: Double
    public var interval: Interval
    public var logLoss: Double

    public init(name: String, count: Int, accuracy: Double, interval: Interval, logLoss: Double) {
      self.name = name
      self.count = count
      self.accuracy = accuracy
      self.interval = interval
      self.logLoss = logLoss
    }
  }
  /// One model beside others: ours, a baseline, a variant.
  public struct Model: Codable, Sendable {
    public var name: String
    public var metrics: [String: Double]
    public var accuracyInterval: Interval
    public var reliability: Reliability?
    public var groups: [Group]
    public var seconds: Double

    public init(
      name: String, margins: [Double], groups: [String], seconds: Double = 0, seed: UInt64,
      chances: Bool = true
    ) {
      let all = PairMetrics(margins: margins)
      self.name = name
      self.seconds = seconds
      let bootstrap = Bootstrap(seed: seed)
      let hits = margins.map(PairMetrics.hit)
      metrics =
        chances ? Dictionary(uniqueKeysWithValues: all.named) : ["accuracy": all.accuracy, "auc": all.auc]
      accuracyInterval = bootstrap.mean(hits, groups: Set(groups).count > 1 ? groups : nil)
      reliability = chances ? Reliability(margins: margins) : nil
      var members: [String: [Int]] = [:]
      for (index, group) in groups.enumerated() { members[group, default: []].append(index) }
      self.groups = members.keys.sorted().map { name in
        let places = members[name] ?? []
        let own = places.map { hits[$0] }
        return Group(
          name: name, count: places.count, accuracy: own.sum() / Double(max(1, own.count)),
          interval: bootstrap.mean(own),
          logLoss: places.map { softplus(-margins[$0]) }.sum() / Double(max(1, places.count)))
      }
    }
  }

  public var system: String
  public var data: String
  public var seed: UInt64
  public var threads: Int
  public var seconds: Double
  public var pairs: Int
  /// How the pairs were held out: `leave-one-community-out`, `random 10%`, `none`.
  public var evaluation: String
  /// Metrics of the model itself, by name.
  public var metrics: [String: Double]
  /// The model first, then baselines and variants.
  public var models: [Model]
  public var peakMemoryBytes: Int
  /// XXH64 of all margins: equal for equal bits.
  public var fingerprint: String

  public init(
    system: String, data: String, seed: UInt64, threads: Int, seconds: Double, pairs: Int, evaluation: String,
    models: [Model], fingerprint: String
  ) {
    self.system = system
    self.data = data
    self.seed = seed
    self.threads = threads
    self.seconds = seconds
    self.pairs = pairs
    self.evaluation = evaluation
    metrics = models.first?.metrics ?? [:]
    self.models = models
    peakMemoryBytes = peakMemory()
    self.fingerprint = fingerprint
  }
}

extension XXHash64 {
  /// The checksum of numbers as their bits.
  public static func hex(_ values: [Double]) -> String {
    hex(values.flatMap { value in withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) } })
  }
}
