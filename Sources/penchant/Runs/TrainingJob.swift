import Foundation
import PenchantData
import PenchantKernels
import PenchantTrain
import PreferenceModels

/// Trains and evaluates a Bradley–Terry model into a run directory.
struct TrainingJob {
  enum Outcome {
    case finished(RunResult)
    case interrupted
  }
  let configuration: BradleyTerryConfiguration
  let record: RunRecord
  let table: PairTable
  let run: RunDirectory
  let progress: ProgressLine
  let resume: Bool

  func train() throws -> Outcome {
    let started = ProgressLine.clock()
    let encoder =
      configuration.features.encoder.isEmpty ? nil : try openEncoder(configuration.features.encoder)
    let system = try BradleyTerry(configuration, seed: record.seed, encoder: encoder)
    let rows = try record.embeddings.map { try embeddingRows($0, for: table) }
    let groups = table.community.map { table.communities[$0] }
    let trainer = Trainer(configuration.run, run: run, progress: progress)

    var models: [RunResult.Model] = []
    let evaluation: String
    let margins: [Double]
    if record.leaveOut != nil {
      progress.note(
        "\(table.count) pairs of \(table.texts.count) texts in \(table.communities.count) communities")
      let ours = try system.leaveOneCommunityOut(table, embeddings: rows, progress: progress)
      let plain = try BradleyTerry.plainBaseline().leaveOneCommunityOut(table)
      if Interrupt.isRequested { return .interrupted }
      margins = ours.margins
      evaluation = "leave-one-community-out"
      models = [
        RunResult.Model(
          name: name(), margins: margins, groups: groups, seconds: ours.seconds, seed: record.seed),
        RunResult.Model(
          name: "word tf-idf + style, ridge 1", margins: plain.margins, groups: groups,
          seconds: plain.seconds, seed: record.seed),
        RunResult.Model(
          name: "longer text", margins: BradleyTerry.lengthMargins(table), groups: groups, seed: record.seed,
          chances: false),
      ]
      let fitted = try system.fit(to: table, embeddings: rows, trainer: trainer, resume: resume)
      guard fitted.ending != .interrupted else { return .interrupted }
      try save(fitted)
    } else {
      let split = try system.split(table)
      let fitStart = ProgressLine.clock()
      let fitted = try system.fit(
        to: table, train: split.train, embeddings: rows, trainer: trainer, resume: resume)
      guard fitted.ending != .interrupted else { return .interrupted }
      let seconds = ProgressLine.clock() - fitStart
      margins = split.test.map { fitted.scores[table.chosen[$0]] - fitted.scores[table.rejected[$0]] }
      evaluation = split.test.isEmpty ? "none" : split.name
      if !split.test.isEmpty {
        let lengths = BradleyTerry.lengthMargins(table)
        models = [
          RunResult.Model(
            name: name(), margins: margins, groups: split.test.map { groups[$0] }, seconds: seconds,
            seed: record.seed),
          RunResult.Model(
            name: "longer text", margins: split.test.map { lengths[$0] },
            groups: split.test.map { groups[$0] },
            seed: record.seed, chances: false),
        ]
      }
      try save(fitted)
    }
    let result = RunResult(
      system: record.system, data: record.data, seed: record.seed, threads: Team.size,
      seconds: ProgressLine.clock() - started, pairs: table.count, evaluation: evaluation, models: models,
      fingerprint: XXHash64.hex(margins))
    try run.write("result.json", json: result)
    try run.write("README.md", card(result).markdown)
    return .finished(result)
  }

  private func name() -> String {
    let parts = [
      configuration.features.builtin ? "n-grams + style" : nil,
      configuration.features.encoder.isEmpty && record.embeddings == nil ? nil : "embeddings",
    ].compactMap(\.self)
    return "\(configuration.model.head.rawValue), \(parts.joined(separator: " + "))"
  }

  private func save(_ fit: BradleyTerry.Fit) throws {
    try run.write("model.safetensors", bytes: fit.model.bytes())
    guard let labels = fit.labels else { return }
    try labels.write(into: run)
    let worst = labels.annotators.count > 1 ? labels.annotators.min { $0.reliability < $1.reliability } : nil
    progress.note(
      "labels: \(decimal(labels.noiseRate)) are wrong by the estimate"
        + (worst.map { ", least reliable is \"\(clipped($0.name, 40))\" with \(decimal($0.reliability))" }
          ?? "")
        + "; annotators.tsv, confidence.tsv")
  }

  private func card(_ result: RunResult) -> ModelCard {
    ModelCard(
      system: record.system,
      summary:
        "A Bradley–Terry reward model: a score a text; the chance that one text is preferred to another is the logistic "
        + "function of the difference of their scores. Evaluation: \(result.evaluation).",
      data: record.data, seed: record.seed,
      metrics: PairMetrics(margins: []).named.compactMap { item in
        result.metrics[item.name].map { (item.name, $0) }
      },
      notes: [
        "`penchant predict \(run.path) --data FILE` scores new lines.",
        "Scores compare answers to the same question; across questions they mean little.",
      ])
  }

  func text(_ result: RunResult) -> String {
    var parts = [summary(result)]
    if let first = result.models.first, first.groups.count > 1 { parts.append(groupTable(first)) }
    parts.append(
      "\(run.path): model.safetensors, config.yaml, metrics.jsonl, report.html    "
        + "\(decimal(result.seconds, 1)) s on \(result.threads) threads, \(result.peakMemoryBytes / 1_048_576) MiB, "
        + "fingerprint \(result.fingerprint)")
    return parts.joined(separator: "\n\n")
  }
}
