import PenchantData
import PenchantKernels
import PenchantTrain

/// Trains a recommender on a split log and measures it once on the test cases, beside the honest baselines.
///
/// ```swift
/// let log = try InteractionReader("ml-100k.inter").log()
/// let prepared = try LogProtocol().prepare(log, file: "ml-100k.inter")
/// let outcome = try RecommenderStudy(SASRecConfiguration(), seed: 7).run(on: prepared)
/// print(outcome?.result.metrics["ndcg@10"] ?? .nan)
/// ```
public struct RecommenderStudy<Configuration: RecommenderConfiguration>: Sendable {
  public let configuration: Configuration
  public let seed: UInt64
  /// Titles of items, for examples and the file of the model.
  public let descriptions: ItemDescriptions
  /// For a system that makes items from what is known of them.
  public let vectors: ItemVectors?

  /// - Throws: `ConfigurationError` for a setting that cannot be.
  public init(
    _ configuration: Configuration, seed: UInt64 = 0, descriptions: ItemDescriptions = ItemDescriptions(),
    vectors: ItemVectors? = nil
  ) throws(ConfigurationError) {
    try configuration.validate()
    self.configuration = configuration
    self.seed = seed
    self.descriptions = descriptions
    self.vectors = vectors
  }

  /// - Parameters:
  ///   - trainer: run directory, progress and interruption.
  ///   - resume: goes on from the last checkpoint of the run.
  /// - Returns: the model and what was found; nil when the training was interrupted.
  public func run(
    on log: PreparedLog, with trainer: Trainer = Trainer(TrainerConfiguration()), resume: Bool = false
  ) throws -> (model: TrainedRecommender, result: RecommenderResult)? {
    let started = ProgressLine.clock()
    var log = log
    log.split.vectors = vectors
    let split = log.split
    trainer.progress.note(log.summary)
    guard let own = try measured(configuration, seed: seed, on: log, with: trainer, resume: resume) else {
      return nil
    }
    var peers: [MeasuredModel] = []
    for peer in configuration.peers(seed: seed) {
      var trainer = trainer
      trainer.run = try trainer.run?.peer(peer.name.replacing(" ", with: "-"))
      guard
        let row = try measured(
          peer.configuration, seed: peer.seed, name: peer.name, on: log, with: trainer, resume: resume)?.row
      else { return nil }
      peers.append(row)
    }
    var rows = [own.row] + peers
    func baseline<Baseline: RecommenderConfiguration>(_ type: Baseline.Type) throws -> MeasuredModel? {
      try measured(Baseline(), seed: seed, on: log, with: trainer, resume: false)?.row
    }
    for type in Recommenders.baselines where type.system != Configuration.system {
      guard let row = try baseline(type) else { return nil }
      rows.append(row)
    }
    let items = ItemTable(split.itemNames)
    let trained = try TrainedRecommender(
      own.model, system: Configuration.system, items: items,
      titles: descriptions.aligned(to: split.itemNames).map { $0?.title })
    let evaluation = RecommenderEvaluation(
      cases: split.test, userNames: split.userNames, ranked: log.ranked, seed: seed)
    let result = try evaluation.result(
      of: trained, rows: rows, popularity: split.popularity, data: log.file, split: split.name,
      testChecksum: split.testChecksum, counts: log.counts, fileCounts: log.fileCounts,
      trainingEvents: split.train.items.count, validationCases: split.validation.count,
      exhibits: own.model.exhibits(split, ranked: log.ranked, seed: seed, own: own.row, peers: peers),
      since: started)
    return (trained, result)
  }

  /// A model of a system, and where it puts the test targets; nil when it was interrupted.
  private func measured<System: RecommenderConfiguration>(
    _ configuration: System, seed: UInt64, name: String = System.system, on log: PreparedLog,
    with trainer: Trainer, resume: Bool
  ) throws -> (model: System.Fitted, row: MeasuredModel)? {
    let start = ProgressLine.clock()
    trainer.progress.note("training \(name)")
    let fitted = try configuration.fit(
      log.split, seed: seed, ranked: log.ranked, with: trainer, resume: resume)
    guard fitted.ending != .interrupted, !trainer.shouldStop() else { return nil }
    let trainedAt = ProgressLine.clock()
    let ranking = try FullRanking().evaluate(
      fitted.model.scorer(histories: 64), on: log.split.test, popularity: log.split.popularity)
    return (
      fitted.model,
      MeasuredModel(
        name: name, ranking: ranking, trainingSeconds: trainedAt - start,
        rankingSeconds: ProgressLine.clock() - trainedAt)
    )
  }
}

/// Where a model puts the targets of some cases.
public struct MeasuredModel: Sendable {
  public var name: String
  public var ranking: RankingResult
  public var trainingSeconds: Double
  public var rankingSeconds: Double
}
