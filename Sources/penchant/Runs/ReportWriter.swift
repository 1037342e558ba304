import Foundation
import PenchantReport
import PenchantTrain

/// `report.html` and `report.json` of a run.
struct ReportWriter {
  let run: RunDirectory
  let result: RunResult

  func write() throws {
    try run.write("report.html", html())
    try run.write("report.json", json: ReportNumbers(result: result, metrics: run.metrics.read()))
  }

  private struct ReportNumbers: Encodable {
    var result: RunResult
    var metrics: [MetricsLine]
  }

  func html() throws -> String {
    let ours = result.models.first
    return try Report(
      title: "\(result.system): \(URL(fileURLWithPath: result.data).lastPathComponent)",
      lead:
        "\(result.pairs) pairs; evaluation: \(result.evaluation). A model gives every text a score; the chance that one is "
        + "preferred to another is the logistic function of the difference.",
      figures: figures(ours), tables: tables(), charts: charts(),
      facts: [
        ("system", result.system), ("data", result.data), ("seed", String(result.seed)),
        ("threads", String(result.threads)), ("seconds", decimal(result.seconds, 1)),
        ("peak memory", "\(result.peakMemoryBytes / 1_048_576) MiB"),
        ("fingerprint of the margins", result.fingerprint),
        ("made with", "penchant \(RunEnvironment.version)"),
      ]
    ).html()
  }

  private func figures(_ model: RunResult.Model?) -> [Report.Figure] {
    guard let model else { return [] }
    return [
      Report.Figure(
        "accuracy", decimal(model.metrics["accuracy"]),
        note: "95% \(decimal(model.accuracyInterval.low)) to \(decimal(model.accuracyInterval.high))"),
      Report.Figure("log-loss", decimal(model.metrics["log_loss"]), note: "0.693 is a coin"),
      Report.Figure("calibration error", decimal(model.metrics["ece"]), note: "0 is perfect"),
      Report.Figure("AUC", decimal(model.metrics["auc"]), note: "0.5 is a coin"),
    ]
  }

  private func tables() -> [Report.Table] {
    guard !result.models.isEmpty else { return [] }
    return [
      Report.Table(
        title: "Models beside each other",
        note: "Intervals: bootstrap over communities where there is more than one.",
        header: ["model", "accuracy", "95% interval", "log-loss", "Brier", "calibration error", "AUC"],
        rows: result.models.map { model in
          [
            model.name, decimal(model.metrics["accuracy"], 4),
            "\(decimal(model.accuracyInterval.low)) to \(decimal(model.accuracyInterval.high))",
            decimal(model.metrics["log_loss"], 4), decimal(model.metrics["brier"], 4),
            decimal(model.metrics["ece"], 4),
            decimal(model.metrics["auc"], 4),
          ]
        })
    ]
  }

  private func charts() -> [any Chart] {
    var charts: [any Chart] = []
    let lines = run.metrics.read()
    let train = lines.filter { $0.split == "train" }.compactMap { line in
      line.metrics["loss"].map { (x: Double(line.step), y: $0) }
    }
    let validation = lines.filter { $0.split == "validation" }.compactMap { line in
      line.metrics["log_loss"].map { (x: Double(line.step), y: $0) }
    }
    if train.count + validation.count > 1 {
      charts.append(
        LineChart(
          title: "Loss while training",
          caption: "Mean over the steps since the last point; validation pairs are not trained on.",
          x: "step", y: "nats a pair",
          series: [PointSeries("training", train), .init("validation", validation)].filter {
            !$0.points.isEmpty
          }))
    }
    let reliable = result.models.compactMap { model in model.reliability.map { (model.name, $0) } }
    if !reliable.isEmpty {
      charts.append(
        CalibrationChart(
          title: "Calibration",
          caption:
            "Pairs binned by the chance of the preferred answer; on the dashed line the chances are true.",
          series: reliable.map { name, reliability in
            (
              name,
              reliability.bins.map {
                .init(confidence: $0.confidence, accuracy: $0.accuracy, count: $0.count)
              }
            )
          }))
    }
    let shown = result.models.filter { $0.reliability != nil }
    if let first = shown.first, first.groups.count > 1 {
      let order = first.groups.sorted { ($0.accuracy, $0.name) > ($1.accuracy, $1.name) }.map(\.name)
      let models = order.count > 12 ? [first] : shown
      charts.append(
        BarChart(
          title: "Accuracy by community",
          caption: "Share of held-out pairs that are put in the right order, with 95% bootstrap intervals.",
          x: "accuracy", from: 0.5,
          series: models.map { model in
            let groups = Dictionary(uniqueKeysWithValues: model.groups.map { ($0.name, $0) })
            return (
              model.name,
              order.compactMap { groups[$0] }.map {
                .init(
                  $0.name.isEmpty ? "(none)" : $0.name, $0.accuracy, low: $0.interval.low,
                  high: $0.interval.high)
              }
            )
          }, mark: first.metrics["accuracy"].map { ("all: \(decimal($0))", $0) }))
    }
    return charts
  }
}
