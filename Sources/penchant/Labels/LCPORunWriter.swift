import Foundation
import PenchantData
import PenchantReport
import PenchantTrain
import PreferenceModels

/// The files of a run of LCPO, and what is printed of it.
struct LCPORunWriter {
  let run: RunDirectory
  let result: LCPOResult

  /// Model, weighted and cleaned pairs, annotators, result, card and report.
  func write(_ model: FittedLCPO, records: [JudgedRecord], confidence: [Double]) throws {
    try run.write("model.safetensors", bytes: model.bytes())
    try run.write("pairs.jsonl", lines(zip(records, confidence).map { $0.weighted($1) }))
    try run.write(
      "cleaned.jsonl",
      lines(zip(records, confidence).compactMap { $0.cleaned($1, model.configuration.output) }))
    try run.write("annotators.tsv", AnnotatorTable.text(model.annotators))
    try run.write("result.json", json: result)
    try run.write("README.md", card.markdown)
    try writeReport()
  }

  private func lines(_ values: [JSONValue]) -> String { values.map { "\($0)\n" }.joined() }

  func writeReport() throws {
    try run.write("report.html", page().html())
    try run.write("report.json", json: Numbers(result: result, metrics: run.metrics.read()))
  }

  private struct Numbers: Encodable {
    var result: LCPOResult
    var metrics: [MetricsLine]
  }

  private var rate: String {
    "\(decimal(result.metrics["noise_rate"])) (95% \(decimal(result.noiseRateInterval.low)) to "
      + "\(decimal(result.noiseRateInterval.high)), given the margins)"
  }

  private var card: ModelCard {
    ModelCard(
      system: result.system,
      summary:
        "How far each label of \(result.pairs) pairs is to be trusted, and how often each of \(result.annotators.count) "
        + "annotators is right (LCPO, also RPO and RE-PO). Noise rate: \(rate).",
      data: result.data, seed: result.seed,
      metrics: ["noise_rate", "nll", "nll_trusting", "agreement", "flagged", "gold_auc", "gold_accuracy"]
        .compactMap { name in result.metrics[name].map { (name, $0) } },
      notes: [
        "`pairs.jsonl`: the records with `weight` (P(label is right) times the weight they had) and `flip_probability`.",
        "`cleaned.jsonl`: without, or with turned, the labels that are more likely wrong than right.",
        "`annotators.tsv`: labels, reliability and standard error of every annotator.",
        "A confidence is as good as the margins it rests on: read the warnings in report.html first.",
      ] + (result.diagnostics?.warnings ?? []).map { $0.replacingOccurrences(of: "\n", with: " ") })
  }

  /// Tables for the terminal.
  var text: String {
    var parts = [
      aligned(
        [
          ["noise rate", rate], ["labels more likely wrong than right", share("flagged")],
          ["the model puts in the observed order", share("agreement")],
          ["loss with noise, nats a pair", decimal(result.metrics["nll"], 4)],
          ["loss if all were trusted", decimal(result.metrics["nll_trusting"], 4)],
          ["slope of the margins", decimal(result.metrics["slope"])],
        ] + gold)
    ]
    if result.annotators.count > 1 { parts.append(annotatorTable(result.annotators)) }
    parts.append(
      "\(run.path)/report.html     confidence, annotators, the least trusted labels\n"
        + "\(run.path): pairs.jsonl (weight, flip_probability), cleaned.jsonl, annotators.tsv, model.safetensors    "
        + "\(decimal(result.seconds, 1)) s on \(result.threads) threads, \(result.iterations) iterations"
        + (result.converged ? "" : ", not converged") + ", fingerprint \(result.fingerprint)")
    return parts.joined(separator: "\n\n")
  }

  private func share(_ name: String) -> String { decimal(result.metrics[name], 4) }

  private var gold: [[String]] {
    guard let count = result.metrics["gold_pairs"] else { return [] }
    return [
      ["labels that are right (of \(Int(count)) known)", share("gold_label_accuracy")],
      ["the model puts in the right order", share("gold_accuracy")],
      ["AUC of the confidence for right labels", share("gold_auc")],
    ]
  }

  func page() -> Report {
    let sorted = result.annotators.sorted { ($0.reliability, $0.name) < ($1.reliability, $1.name) }
    var tables: [Report.Table] = []
    if let warnings = result.diagnostics?.warnings, !warnings.isEmpty {
      tables.append(
        Report.Table(
          title: "Read this first", note: "What speaks against the numbers of this page.",
          header: ["warning"],
          rows: warnings.map { [$0] }))
    }
    if result.annotators.count > 1 {
      tables.append(
        Report.Table(
          title: "Annotators",
          note:
            "The least reliable first; all of them stand in annotators.tsv. An annotator with few labels is drawn to the "
            + "pseudo-counts.",
          header: ["annotator", "labels", "reliability", "standard error"],
          rows: sorted.prefix(50).map {
            [
              $0.name.isEmpty ? "(not named)" : $0.name, "\($0.pairs)", decimal($0.reliability),
              decimal($0.standardError),
            ]
          }))
    }
    if !result.doubts.isEmpty {
      tables.append(
        Report.Table(
          title: "The least trusted labels",
          note: "Lines of the file; the text that was chosen stands first.",
          header: ["line", "annotator", "P(right)", "logit", "pair"],
          rows: result.doubts.prefix(30).map {
            ["\($0.line)", $0.annotator, decimal($0.confidence), decimal($0.logit, 2), $0.excerpt]
          }))
    }
    return Report(
      title: "lcpo: \(URL(fileURLWithPath: result.data).lastPathComponent)",
      lead:
        "\(result.pairs) labels, read as \(result.kind)\(result.kind == "logps" ? " under \(result.loss)" : ""). Each label "
        + "has a probability of being right, from what the model says of the pair and from how often its annotator is right.",
      figures: [
        Report.Figure(
          "noise rate", decimal(result.metrics["noise_rate"]),
          note: "95% \(decimal(result.noiseRateInterval.low)) to \(decimal(result.noiseRateInterval.high))"),
        Report.Figure("likely wrong", share("flagged"), note: "share of labels with P(right) below one half"),
        Report.Figure("agreement", share("agreement"), note: "the model prefers what was chosen"),
        Report.Figure("slope", decimal(result.metrics["slope"]), note: "what the margins are multiplied by"),
      ], tables: tables, charts: charts(sorted),
      facts: [
        ("system", result.system), ("data", result.data), ("seed", String(result.seed)),
        ("threads", String(result.threads)), ("seconds", decimal(result.seconds, 1)),
        ("iterations", "\(result.iterations)\(result.converged ? "" : ", not converged")"),
        ("fingerprint of the confidences", result.fingerprint),
        ("made with", "penchant \(RunEnvironment.version)"),
      ])
  }

  private func charts(_ annotators: [FittedLCPO.Annotator]) -> [any Chart] {
    var charts: [any Chart] = [
      BarChart(
        title: "Confidence",
        caption:
          "Share of labels by their probability of being right, in twentieths; the last row is 0.95 to 1.",
        x: "share of labels",
        series: [
          (
            "labels",
            result.histogram.enumerated().map { place, count in
              .init("\(decimal(Double(place) / 20, 2))", Double(count) / Double(max(1, result.pairs)))
            }
          )
        ])
    ]
    if annotators.count > 1 {
      charts.append(
        BarChart(
          title: "Reliability by annotator",
          caption:
            "The forty least reliable, with 95% intervals; below one half somebody says the opposite of what they mean.",
          x: "reliability",
          series: [
            (
              "reliability",
              annotators.prefix(40).map { annotator in
                let error = (annotator.standardError ?? 0.5) * 1.959964
                return .init(
                  annotator.name.isEmpty ? "(not named)" : annotator.name, annotator.reliability,
                  low: max(0, annotator.reliability - error), high: min(1, annotator.reliability + error))
              }
            )
          ], mark: ("mean: \(decimal(result.metrics["reliability"]))", result.metrics["reliability"] ?? 0)))
    }
    let curve = run.metrics.read().filter { $0.split == "train" }.compactMap { line in
      line.metrics["loss"].map { (x: Double(line.step), y: $0) }
    }
    if curve.count > 1 {
      charts.append(
        LineChart(
          title: "Likelihood",
          caption: "Loss with noise and penalties by iteration; full EM never lets it rise.", x: "iteration",
          y: "nats a pair", series: [PointSeries("loss", curve)]))
    }
    return charts
  }
}

/// Annotators for the terminal, the least reliable first.
func annotatorTable(_ annotators: [FittedLCPO.Annotator], limit: Int = 20) -> String {
  let sorted = annotators.sorted { ($0.reliability, $0.name) < ($1.reliability, $1.name) }
  var rows = [["annotator", "labels", "reliability", "standard error"]]
  for annotator in sorted.prefix(limit) {
    rows.append([
      annotator.name.isEmpty ? "(not named)" : clipped(annotator.name, 32), "\(annotator.pairs)",
      decimal(annotator.reliability), decimal(annotator.standardError),
    ])
  }
  return aligned(rows) + (sorted.count > limit ? "\nand \(sorted.count - limit) more in annotators.tsv" : "")
}
