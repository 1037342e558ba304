import Foundation
import PenchantTrain
import SequentialRecommenders

/// `penchant demo` of a recommender: a log whose law is known, and how near the model comes to the best that is possible.
struct RecommenderDemo<Recommender: RecommenderConfiguration> {
  let out: String
  let seed: UInt64
  let progress: ProgressLine
  let json: Bool

  struct Findings: Encodable {
    var result: RecommenderResult
    /// Recall@10 that no model can be expected to exceed.
    var bestPossibleRecall: Double
  }

  func run() throws {
    for name in ["config.yaml", "metrics.jsonl", "checkpoints", "peers"] {
      try SystemFiles().remove("\(out)/\(name)")
    }
    let run = try RunDirectory.create(out)
    var configuration = SyntheticLog.Configuration()
    configuration.seed = seed
    let law = try SyntheticLog(configuration)
    let sequences = try law.sequences()
    let lines = (0..<sequences.count).map { user in
      "u\(user + 1) " + sequences[user].map { "i\($0)" }.joined(separator: " ") + "\n"
    }
    try run.write("log.txt", lines.joined())
    let settings = try Self.settings()
    try run.write("config.yaml", ConfigurationLayers<RecommenderSettings<Recommender>>.text(settings))
    try run.write("environment.json", json: RunEnvironment.current())
    let log = try InteractionReader(run.file("log.txt")).log()
    try run.write(
      "run.json",
      json: RunRecord(
        system: Recommender.system, data: run.file("log.txt"), dataChecksum: log.checksum(), seed: seed))
    let prepared = try settings.log.prepare(log, file: run.file("log.txt"))
    let trainer = Trainer(TrainerConfiguration(), run: run, progress: progress)
    guard let outcome = try RecommenderStudy(settings.system, seed: seed).run(on: prepared, with: trainer)
    else {
      throw ExitStatus.interrupted
    }
    let writer = RecommenderRunWriter(run: run, result: outcome.result)
    try writer.write(outcome.model, histories: prepared.histories)
    // The law numbers items as it draws them, the log in order of appearance.
    let best = try law.bayesRecall(at: 10, on: SequenceSplit.leaveOneOut(sequences).test)
    if json { return try showJSON(Findings(result: outcome.result, bestPossibleRecall: best)) }
    try show(writer.text)
    try show(
      """

      Recall@10 that no model can be expected to exceed: \(decimal(best, 4))
      next: penchant recommend \(out) u7
      """)
  }

  /// The defaults; a network learns in larger steps and gives up sooner, since the log is small and nobody wants to wait.
  private static func settings() throws -> RecommenderSettings<Recommender> {
    var layers = try ConfigurationLayers(defaults: RecommenderSettings<Recommender>())
    if Recommender.self is any SequenceConfiguration.Type {
      try layers.set("optimizer.learning_rate", to: "0.005")
      try layers.set("run.epochs", to: "15")
      try layers.set("run.patience", to: "3")
    }
    return try layers.resolve()
  }
}
