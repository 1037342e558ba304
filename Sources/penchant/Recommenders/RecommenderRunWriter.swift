import PenchantTrain
import SequentialRecommenders

/// The files of a recommender's run, and what is printed of it.
struct RecommenderRunWriter {
  let run: RunDirectory
  let result: RecommenderResult

  /// Model, histories, result, card and report.
  func write(_ model: TrainedRecommender, histories: UserHistories) throws {
    try run.write("model.safetensors", bytes: model.bytes())
    try run.write("histories.safetensors", bytes: histories.bytes())
    try run.write("result.json", json: result)
    try run.write("README.md", card.markdown)
    try writeReport()
  }

  func writeReport() throws {
    let report = RecommenderReport(result: result, metrics: run.metrics.read())
    try run.write("report.html", report.page().html())
    try run.write("report.json", json: report)
  }

  private var card: ModelCard {
    ModelCard(
      system: result.system,
      summary: "Recommends the next of \(result.counts.items) items from a history. \(protocolText(result))",
      data: result.data, seed: result.seed,
      metrics: ["ndcg@10", "recall@10", "masked/ndcg@10", "masked/recall@10"].compactMap { name in
        result.metrics[name].map { (name, $0) }
      },
      notes: [
        "`penchant recommend \(run.path) USER` recommends for a user of the log, `--history a,b,c` for anybody.",
        "`penchant predict \(run.path) --data -` answers lines {\"history\": [\"a\", \"b\"]}.",
        "The test items have the checksum \(result.testChecksum); numbers of other test items are not comparable.",
      ])
  }

  /// Tables for the terminal.
  var text: String {
    var parts = [recommenderTable(result)]
    if let comparison = result.comparison { parts.append(comparisonText(comparison)) }
    parts += result.exhibits.map { $0.title + "\n" + aligned([$0.header] + $0.rows) }
    parts.append(
      "\(run.path)/report.html     curves, groups, examples\n"
        + "\(run.path): model.safetensors, histories.safetensors, config.yaml, result.json    "
        + "\(decimal(result.seconds, 1)) s on \(result.threads) threads, \(result.peakMemoryBytes / 1_048_576) MiB, "
        + "\(decimal(result.latency.median, 2)) ms a request (p99 \(decimal(result.latency.high, 2))), "
        + "fingerprint \(result.fingerprint)")
    return parts.joined(separator: "\n\n")
  }
}

/// What was asked, in a sentence.
func protocolText(_ result: RecommenderResult) -> String {
  "\(result.split): \(result.testCases) cases, each target among all \(result.counts.items) items; test items \(result.testChecksum)."
}

/// The models of a result beside each other, by both protocols.
func recommenderTable(_ result: RecommenderResult) -> String {
  let columns = ["ndcg@10", "recall@10", "masked/ndcg@10", "masked/recall@10"]
  var rows = [
    ["", "unmasked", "", "", "masked", "", "", "lists", "", "seconds"],
    [
      "", "NDCG@10", "95% interval", "Recall@10", "NDCG@10", "95% interval", "Recall@10", "coverage", "lift",
      "train",
    ],
  ]
  for model in result.models {
    var row = [model.name]
    for key in columns {
      row.append(decimal(model.metrics[key], 4))
      if key.hasSuffix("ndcg@10") { row.append(range(model.intervals[key])) }
    }
    let lists = model.lists[result.ranked.rawValue]
    rows.append(
      row + [
        decimal(lists?.coverage), decimal(lists?.popularityLift, 2),
        model.trainingSeconds > 0 ? decimal(model.trainingSeconds, 1) : "-",
      ])
  }
  return protocolText(result) + "\n" + aligned(rows)
}

func range(_ interval: Interval?) -> String { "\(decimal(interval?.low, 4))-\(decimal(interval?.high, 4))" }

/// One sentence on the gain over the best baseline.
func comparisonText(_ comparison: RecommenderResult.Comparison) -> String {
  let found = comparison.difference
  let sign = found.difference < 0 ? "" : "+"
  return
    "\(comparison.metric): \(sign)\(decimal(found.difference, 4)) over \(comparison.baseline), the best of the others "
    + "(95% \(decimal(found.interval.low, 4)) to \(decimal(found.interval.high, 4)), p \(decimal(found.pValue)); "
    + "paired bootstrap over users)"
}
