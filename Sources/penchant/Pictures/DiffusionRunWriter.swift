import DiffusionAlignment
import Foundation
import PenchantData
import PenchantReport
import PenchantTrain

/// The files of a run of a diffusion model, and what is printed of it.
struct DiffusionRunWriter {
  let run: RunDirectory
  let result: DiffusionResult

  /// Model, pictures, result, card and report.
  func write(_ model: FittedDiffusion, drawn: SampleSet, data: SampleSet) throws {
    try run.write("model.safetensors", bytes: model.bytes())
    try KeptSamples(run: run).keep(KeptSamples.shown(drawn), as: "drawn")
    try KeptSamples(run: run).keep(KeptSamples.shown(data), as: "data")
    try run.write("result.json", json: result)
    try run.write("README.md", card.markdown)
    try writeReport()
  }

  func writeReport() throws {
    try run.write("report.html", page().html())
    try run.write("report.json", json: Numbers(result: result, metrics: run.metrics.read()))
  }

  private struct Numbers: Encodable {
    var result: DiffusionResult
    var metrics: [MetricsLine]
  }

  private var card: ModelCard {
    ModelCard(
      system: result.system,
      summary:
        "Draws samples of \(result.shape): a diffusion model of \(result.parameters) parameters, trained on \(result.samples).",
      data: result.data, seed: result.seed,
      metrics: ["loss", "frechet", "off_data", "class_accuracy"].compactMap { name in
        result.metrics[name].map { (name, $0) }
      },
      notes: [
        "`penchant diffusion sample \(run.path) --grid 8x8 --out grid.png` draws.",
        "`penchant train inpo --data pairs.jsonl --model \(run.path) --out aligned` moves it towards what is preferred.",
      ])
  }

  var text: String {
    aligned(
      [
        ["samples", "\(result.samples) of \(result.shape)"], ["parameters", "\(result.parameters)"],
        ["held-out error of the noise", decimal(result.metrics["loss"], 4)],
        ["Fréchet distance of 1000 drawn samples", decimal(result.metrics["frechet"], 4)],
        ["drawn samples off the data", decimal(result.metrics["off_data"], 4)],
      ]
        + (result.metrics["class_accuracy"].map { [["class accuracy of drawn samples", decimal($0, 4)]] }
          ?? []))
      + "\n\n\(run.path)/report.html     samples, curves\n"
      + "\(run.path): model.safetensors, config.yaml, result.json    \(decimal(result.seconds, 1)) s on \(result.threads) threads, "
      + "\(result.peakMemoryBytes / 1_048_576) MiB, fingerprint \(result.fingerprint)"
  }

  private func page() throws -> Report {
    let kept = KeptSamples(run: run)
    let pictures = try [("Data", kept.samples("data")), ("Drawn", kept.samples("drawn"))].compactMap {
      name, samples in
      samples.map { (name: name, samples: $0) }
    }
    let charts =
      try samplePictures(pictures)
      + lossChart(run.metrics.read(), title: "Error of the noise", y: "mean squared error")
    return Report(
      title: "diffusion: \(URL(fileURLWithPath: result.data).lastPathComponent)",
      lead:
        "A model that says which noise is in a sample, and so can draw samples from noise: \(result.shape).",
      figures: [
        Report.Figure(
          "held-out error", decimal(result.metrics["loss"], 4), note: "mean squared error of ε at ten times"),
        Report.Figure(
          "Fréchet distance", decimal(result.metrics["frechet"], 3),
          note: "of 1000 drawn samples, on raw values"),
        Report.Figure(
          "off the data", decimal(result.metrics["off_data"]),
          note: "share of drawn samples; 0.01 of the data are"),
      ], charts: charts,
      facts: [
        ("system", result.system), ("data", result.data), ("samples", "\(result.samples)"),
        ("parameters", "\(result.parameters)"), ("steps", "\(result.steps)"), ("seed", "\(result.seed)"),
        ("threads", "\(result.threads)"), ("seconds", decimal(result.seconds, 1)),
        ("fingerprint of the drawn samples", result.fingerprint),
        ("made with", "penchant \(RunEnvironment.version)"),
      ])
  }
}

/// Samples beside each other: points in one plane, pictures in grids; nothing of latents.
func samplePictures(_ named: [(name: String, samples: SampleSet)]) throws -> [any Chart] {
  guard let shape = named.first?.samples.shape else { return [] }
  if shape.isPoint {
    guard shape.channels >= 2 else { return [] }
    return named.map { name, samples in
      ScatterChart(
        title: name,
        caption:
          "\(samples.count) samples\(shape.channels > 2 ? ", the first two of \(shape.channels) coordinates" : "").",
        x: "first coordinate", y: "second coordinate",
        series: [
          PointSeries(
            name,
            (0..<samples.count).map {
              (x: Double(samples.values[$0 * shape.count]), y: Double(samples.values[$0 * shape.count + 1]))
            })
        ], window: (x: -2.2...2.2, y: -2.2...2.2))
    }
  }
  guard shape.isPicture else { return [] }
  return try named.map { name, samples in
    let grid = try PictureGrid(columns: 8).bitmap(samples)
    return Picture(
      title: name, caption: "\(samples.count) samples.",
      alternative: "\(samples.count) pictures in a grid: \(name)",
      png: try grid.png(), width: grid.width, height: grid.height)
  }
}

/// Loss over steps, of training and of validation.
func lossChart(_ lines: [MetricsLine], title: String, y: String) -> [any Chart] {
  let series = [("training", "train"), ("held out", "validation")].compactMap {
    name, split -> PointSeries? in
    let points = lines.filter { $0.split == split }.compactMap { line in
      line.metrics["loss"].map { (x: Double(line.step), y: $0) }
    }
    return points.count > 1 ? PointSeries(name, points) : nil
  }
  guard !series.isEmpty else { return [] }
  return [LineChart(title: title, caption: "Over the steps of training.", x: "step", y: y, series: series)]
}
