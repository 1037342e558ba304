import DiffusionAlignment
import Foundation
import PenchantData
import PenchantReport
import PenchantTrain

/// The files of a run that aligned a diffusion model, and what is printed of it.
struct AlignmentRunWriter {
  /// The model that a run started from.
  static let reference = "reference.safetensors"

  let run: RunDirectory
  let result: AlignmentResult

  /// Model, strips, result, card and report.
  func write(_ model: FittedDiffusion, reference: FittedDiffusion, held: SamplePairs) throws {
    try run.write("model.safetensors", bytes: model.bytes())
    try run.write("result.json", json: result)
    try run.write("README.md", card.markdown)
    if held.count > 0, let strip = try InversionStrip(held, model: reference) {
      try run.write("inversion.safetensors", bytes: strip.bytes())
    }
    try writeReport()
  }

  func writeReport() throws {
    try run.write("report.html", page().html())
    try run.write("report.json", json: Numbers(result: result, metrics: run.metrics.read()))
  }

  private struct Numbers: Encodable {
    var result: AlignmentResult
    var metrics: [MetricsLine]
  }

  private var title: String { "\(result.method.rawValue)\(result.preset.map { ", \($0.rawValue)" } ?? "")" }

  private static let shown: [(key: String, name: String)] = [
    ("reward", "reward"), ("win_rate", "win rate over the start"), ("off_data", "off the data"),
    ("rise", "error on held-out winners, risen by"), ("distance", "moved, of the start's size"),
    ("accuracy/held", "held-out pairs in the right order"),
  ]

  private var card: ModelCard {
    ModelCard(
      system: result.system,
      summary:
        "A diffusion model of \(result.shape), aligned by \(title) with \(result.pairs) pairs; step \(result.kept) of \(result.steps) is kept.",
      data: result.data, seed: result.seed,
      metrics: Self.shown.compactMap { item in result.metrics[item.key].map { (item.key, $0) } },
      notes: [
        "`reference.safetensors` is the model it started from.",
        "The reward is \(result.reward)\(result.rewardAccuracy.map { ", right on \(decimal($0)) of the pairs held out from it" } ?? ""): what it measures is no better than that.",
      ] + (result.warning.map { [$0] } ?? []))
  }

  var text: String {
    var rows = [["", "start", "kept, step \(result.kept)"]]
    for (key, name) in Self.shown where result.metrics[key] != nil {
      rows.append([name, decimal(result.start[key], 4), decimal(result.metrics[key], 4)])
    }
    return
      "\(title), beta \(decimal(result.beta, 1)), rate \(result.learningRate), \(result.pairs) pairs (\(result.heldPairs) held out); reward: \(result.reward)"
      + (result.rewardAccuracy.map { ", right on \(decimal($0)) of held-out pairs" } ?? "") + "\n"
      + aligned(rows)
      + "\n\n\(run.path)/report.html     samples before and after, curves\n"
      + "\(run.path): model.safetensors, reference.safetensors, config.yaml, result.json    \(decimal(result.seconds, 1)) s on "
      + "\(result.threads) threads, \(result.peakMemoryBytes / 1_048_576) MiB, fingerprint \(result.fingerprint)"
  }

  private func page() throws -> Report {
    let lines = run.metrics.read()
    let looks = lines.filter { $0.split == "validation" }
    let columns = Self.shown.filter { item in looks.contains { $0.metrics[item.key] != nil } }
    var tables = [
      Report.Table(
        title: "Looks", note: "Samples of one seed at each look; step \(result.kept) is kept.",
        header: ["step"] + columns.map(\.name) + ["winner error", "reference's", "logit 5 % to 95 %"],
        rows: [["0"] + columns.map { decimal(result.start[$0.key], 4) } + ["", "", ""]]
          + looks.map { line in
            ["\(line.step)"] + columns.map { decimal(line.metrics[$0.key], 4) } + [
              decimal(line.metrics["error/winner"], 4), decimal(line.metrics["error/reference_winner"], 4),
              line.metrics["logit/low"].map {
                "\(decimal($0, 2)) to \(decimal(line.metrics["logit/high"], 2))"
              } ?? "",
            ]
          })
    ]
    if let warning = result.warning {
      tables.insert(
        Report.Table(title: "Read this first", header: ["warning"], rows: [[warning]], isProse: true), at: 0)
    }
    return Report(
      title: "\(title): \(URL(fileURLWithPath: result.data).lastPathComponent)",
      lead:
        "A diffusion model of \(result.shape) moved towards the preferred of \(result.pairs) pairs. The reward is \(result.reward); the model is "
        + "kept at the look with the highest reward among those that stay on the data.",
      figures: [
        Report.Figure(
          "reward", decimal(result.metrics["reward"]), note: "\(decimal(result.start["reward"])) at the start"
        ),
        Report.Figure(
          "win rate", decimal(result.metrics["win_rate"]), note: "over the start, same seed and class"),
        Report.Figure(
          "off the data", decimal(result.metrics["off_data"]),
          note: "\(decimal(result.start["off_data"])) at the start"),
        Report.Figure("kept", "\(result.kept)", note: "of \(result.steps) steps"),
      ], tables: tables, charts: try pictures(looks) + curves(lines, looks),
      facts: [
        ("system", result.system), ("method", title), ("beta", decimal(result.beta, 2)),
        ("learning rate", "\(result.learningRate)"), ("data", result.data),
        ("pairs", "\(result.pairs), \(result.heldPairs) held out"),
        ("seed", "\(result.seed)"), ("threads", "\(result.threads)"), ("seconds", decimal(result.seconds, 1)),
        ("fingerprint of the numbers", result.fingerprint),
        ("made with", "penchant \(RunEnvironment.version)"),
      ])
  }

  private func pictures(_ looks: [MetricsLine]) throws -> [any Chart] {
    let all = try KeptSamples(run: run).looks()
    let steps = [0, 50, 100, 200, 400, result.kept, result.steps]
    let chosen = all.filter { steps.contains($0.step) }
    var charts = try samplePictures(
      chosen.map {
        (
          name: $0.step == 0 ? "Before" : "After \($0.step) steps\($0.step == result.kept ? ", kept" : "")",
          samples: $0.samples
        )
      })
    if run.contains("inversion.safetensors") {
      charts += try InversionStrip(reading: run.file("inversion.safetensors")).charts()
    }
    return charts
  }

  private func curves(_ lines: [MetricsLine], _ looks: [MetricsLine]) -> [any Chart] {
    func series(_ name: String, _ key: String) -> PointSeries {
      let start = result.start[key].map { [(x: 0.0, y: $0)] } ?? []
      return PointSeries(
        name, start + looks.compactMap { line in line.metrics[key].map { (x: Double(line.step), y: $0) } })
    }
    var charts: [any Chart] = [
      LineChart(
        title: "Reward", caption: "Mean of \(result.reward) over the samples of a look.", x: "step",
        y: "reward",
        series: [series("reward", "reward")]),
      LineChart(
        title: "Off the data",
        caption: "Share of samples further from the data than all but one in a hundred of them.",
        x: "step", y: "share", series: [series("off the data", "off_data")]),
    ]
    if looks.contains(where: { $0.metrics["error/winner"] != nil }) {
      charts.append(
        LineChart(
          title: "Errors",
          caption:
            "Mean squared error of the noise. The loss sees the difference of the two only: when both rise, samples are being lost.",
          x: "step", y: "error",
          series: [
            series("winners", "error/winner"), series("losers", "error/loser"),
            series("winners, reference", "error/reference_winner"),
            series("losers, reference", "error/reference_loser"),
          ]))
    }
    return charts + lossChart(lines, title: "Loss", y: "nats a pair")
  }
}
