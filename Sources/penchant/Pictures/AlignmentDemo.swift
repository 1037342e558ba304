import DiffusionAlignment
import Foundation
import PenchantData
import PenchantReport
import PenchantTrain

/// `penchant demo inpo`: points on a ring of eight clusters, a taste for those above, and two ways to follow it.
struct AlignmentDemo {
  let out: String
  let pairs: Int
  let seed: UInt64
  let progress: ProgressLine
  let json: Bool

  struct Row: Encodable {
    var method: String
    /// Mean height in radii, share of points above 0.3, share further than four deviations from every cluster.
    var reward: Double
    var above: Double
    var off: Double
    var seconds: Double
  }

  func run() throws {
    for name in ["config.yaml", "metrics.jsonl", "checkpoints", "base"] {
      try SystemFiles().remove("\(out)/\(name)")
    }
    let ring = try RingOfGaussians()
    let run = try RunDirectory.create(out)
    let data = try ring.samples(8192, seed: seed)
    let started = ProgressLine.clock()
    var settings = DiffusionConfiguration()
    settings.run.steps = 4000
    settings.optimizer.rows = 512
    progress.note("a model of the ring")
    let fit = try Diffusion(settings, seed: seed).fit(data, progress: progress)
    guard fit.result.ending != .interrupted else { throw ExitStatus.interrupted }
    try run.write("reference.safetensors", bytes: fit.model.bytes())
    var rows = [try row("start", fit.model, ring, ProgressLine.clock() - started)]

    let compared = try PreferenceDraw.pairs(
      data, reward: heights(data, ring), temperature: 0.3, count: pairs, seed: seed)
    try PairFile.write(compared, to: run.file("pairs.jsonl"))
    var configuration = AlignmentConfiguration()
    configuration.watching.reward = "coordinate:1"
    configuration.run.patience = 0
    var last: (fit: Alignment.Fit, alignment: Alignment)?
    for method in [AlignmentMethod.dpo, .inpo] {
      progress.note(method.rawValue)
      configuration.objective.method = method
      let alignment = try Alignment(configuration, seed: seed)
      let began = ProgressLine.clock()
      let isLast = method == .inpo
      let aligned = try alignment.fit(
        compared, from: fit.model, data: data, run: isLast ? run : nil, progress: progress
      ) { step, samples in
        if isLast { try KeptSamples(run: run).keep(KeptSamples.shown(samples), step: step) }
      }
      guard aligned.result.ending != .interrupted else { throw ExitStatus.interrupted }
      rows.append(
        try row(
          "\(method.rawValue), step \(aligned.result.state.bestStep ?? aligned.result.state.step)",
          aligned.model, ring, ProgressLine.clock() - began))
      last = (aligned, alignment)
    }
    guard let last else { return }
    try run.write("config.yaml", ConfigurationLayers<AlignmentConfiguration>.text(configuration))
    try run.write("environment.json", json: RunEnvironment.current())
    try run.write(
      "run.json",
      json: RunRecord(
        system: AlignmentResult.system, data: run.file("pairs.jsonl"), dataChecksum: compared.checksum,
        seed: seed))
    let result = try AlignmentResult(
      last.fit, last.alignment, pairs: compared, file: run.file("pairs.jsonl"),
      seconds: ProgressLine.clock() - started)
    try AlignmentRunWriter(run: run, result: result).write(
      last.fit.model, reference: fit.model, held: last.fit.held)
    if json { return try showJSON(rows) }
    try show(
      aligned(
        [["", "mean height", "above 0.3", "off the ring", "seconds"]]
          + rows.map {
            [$0.method, decimal($0.reward), decimal($0.above), decimal($0.off), decimal($0.seconds, 1)]
          }))
    try show(
      """

      \(out)/report.html     the points before, on the way and after
      next: penchant diffusion sample \(out) --count 1000 --out samples.safetensors
            penchant predict \(out) --data \(out)/pairs.jsonl | head -3
      """)
  }

  private func heights(_ points: SampleSet, _ ring: RingOfGaussians) -> [Double] {
    (0..<points.count).map { Double(points.values[2 * $0 + 1]) / ring.radius }
  }

  private func row(
    _ name: String, _ model: FittedDiffusion, _ ring: RingOfGaussians, _ seconds: Double
  ) throws -> Row {
    let drawn = try model.samples(model.classes(4000), seed: seed)
    let heights = heights(drawn, ring)
    return Row(
      method: name, reward: heights.reduce(0, +) / Double(heights.count),
      above: Double(heights.filter { $0 > 0.3 }.count) / Double(heights.count), off: try ring.offShare(drawn),
      seconds: seconds)
  }
}
