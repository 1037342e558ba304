import PenchantKernels
import PenchantTrain

/// A base model and ReaRec on a generated log whose best possible result is known.
public struct ReasoningDemo: Sendable {
  public var log: SyntheticLog.Configuration
  /// The method and number of steps are those of the last model; the base has none, everything else is the same.
  public var configuration: ReaRecConfiguration

  public init() {
    log = SyntheticLog.Configuration()
    configuration = ReaRecConfiguration()
    (configuration.model.width, configuration.model.inner, configuration.model.longest) = (32, 64, 30)
    configuration.model.dropout = 0.3
    configuration.optimizer.learningRate = 3e-3
    configuration.run.epochs = 30
    configuration.run.patience = 4
  }

  /// Trains both and ranks the last items of all users, without a mask.
  ///
  /// - Parameters:
  ///   - trainer: progress and interruption, used for each of the two.
  ///   - seed: of both models; the log has its own.
  /// - Throws: `ConfigurationError`, `KernelError.value` for a log that cannot be.
  public func run(seed: UInt64 = 0, with trainer: Trainer? = nil) throws -> ReasoningComparison {
    let law = try SyntheticLog(log)
    let split = try SequenceSplit.leaveOneOut(law.sequences())
    var base = configuration
    base.reasoning.steps = 0
    let (metric, recall) = (RankingMetric.leading[0], RankingMetric.leading[1])
    let models = try [base, configuration].map {
      try ReaRec($0, seed: seed).fit(to: split.train, validating: split.validation, with: trainer)
    }
    let places = try models.map { try FullRanking().evaluate($0.scorer(), on: split.test).unmasked.places }
    return ReasoningComparison(
      method: configuration.reasoning.method, steps: configuration.reasoning.steps,
      ndcg: places.map { $0.mean(metric) }, recall: places.map { $0.mean(recall) },
      bestRecall: try law.bayesRecall(at: 10, on: split.test),
      paired: try PairedComparison(places[0].values(metric), places[1].values(metric)),
      report: try models[1].stepReport(on: split.test, metrics: [metric, recall]))
  }
}

/// The base beside ReaRec on the same cases.
public struct ReasoningComparison: Sendable, Equatable, Codable {
  public var method: ReaRecConfiguration.Method
  public var steps: Int
  /// NDCG@10 and Recall@10 of the base and of ReaRec.
  public var ndcg: [Double]
  public var recall: [Double]
  /// Recall@10 that the best possible model is expected to reach.
  public var bestRecall: Double
  /// NDCG@10, ReaRec less base.
  public var paired: PairedComparison
  public var report: StepReport

  /// Aligned lines for eyes and grep.
  public var table: String {
    func row(_ name: String, _ values: [Double]) -> String {
      padded(name, 16) + values.map { padded(fixed($0), 11, left: true) }.joined()
    }
    return [
      padded("", 16) + ["ndcg@10", "recall@10"].map { padded($0, 11, left: true) }.joined(),
      row("base", [ndcg[0], recall[0]]), row("\(method.rawValue), K \(steps)", [ndcg[1], recall[1]]),
      padded("best possible", 27) + padded(fixed(bestRecall), 11, left: true),
      "difference in ndcg@10 \(fixed(paired.difference)), 95 % \(fixed(paired.interval.low)) to "
        + "\(fixed(paired.interval.high)), p \(fixed(paired.pValue))",
      "", report.table,
    ].joined(separator: "\n")
  }
}
