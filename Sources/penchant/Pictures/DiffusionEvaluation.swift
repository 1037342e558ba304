import DiffusionAlignment
import PenchantData
import PenchantKernels
import PenchantTrain

/// `penchant evaluate` for runs of diffusion models.
struct DiffusionEvaluation {
  let model: FittedDiffusion
  let run: RunDirectory
  let data: String
  let form: SampleForm

  struct Findings: Encodable {
    var system: String
    var data: String
    var seed: UInt64
    var threads: Int
    var seconds: Double
    /// Pairs, or samples.
    var count: Int
    var metrics: [String: Double]
    /// Of `metrics["accuracy"]`, 95 %.
    var interval: Interval?
    /// Checksum of the margins, or of the samples that were drawn.
    var fingerprint: String
  }

  func answer(json: Bool) throws {
    let found = try AlignedModel(model, run).map(pairs) ?? samples()
    if json { return try showJSON(found) }
    try show(
      aligned(
        [["\(found.system), \(found.count) of \(data)", ""]]
          + found.metrics.keys.sorted().map { key in
            let around = key == "accuracy" ? found.interval.map { "  (95 % \(range($0)))" } ?? "" : ""
            return [key, decimal(found.metrics[key], 4) + around]
          }))
  }

  /// An aligned model: pairs in the right order of its own reward.
  private func pairs(_ aligned: AlignedModel) throws -> Findings {
    let started = ProgressLine.clock()
    let pairs = try form.pairs(data)
    let logits = try aligned.logits(pairs, file: data)
    let hits = logits.map(PairMetrics.hit)
    return Findings(
      system: AlignmentResult.system, data: data, seed: model.seed, threads: Team.size,
      seconds: ProgressLine.clock() - started, count: pairs.count,
      metrics: [
        "accuracy": hits.reduce(0, +) / Double(max(1, hits.count)),
        "log_loss": logits.reduce(0) { $0 + softplus(-$1) } / Double(max(1, logits.count)),
      ],
      interval: Bootstrap(seed: model.seed).mean(hits), fingerprint: XXHash64.hex(logits))
  }

  /// A model that draws: its samples beside those of the data.
  private func samples() throws -> Findings {
    let started = ProgressLine.clock()
    let samples = try form.samples(data)
    guard samples.shape == model.model.shape else {
      throw DataError(
        file: data, "the samples are not of the shape the model makes",
        expected: "expected \(model.model.shape)",
        found: "found \(samples.shape)")
    }
    let (metrics, drawn) = try DiffusionResult.measures(model, beside: samples)
    return Findings(
      system: FittedDiffusion.system, data: data, seed: model.seed, threads: Team.size,
      seconds: ProgressLine.clock() - started, count: samples.count, metrics: metrics, interval: nil,
      fingerprint: XXHash64.hex(drawn.values.map(Double.init)))
  }
}

/// A model beside the one it started from, as a run of inpo holds them.
struct AlignedModel {
  private let reward: ImplicitReward
  private let model: FittedDiffusion
  private let beta: Double

  /// Nil for a run of a model that was not aligned.
  init?(_ model: FittedDiffusion, _ run: RunDirectory) throws {
    guard run.contains(AlignmentRunWriter.reference) else { return nil }
    let reference = try FittedDiffusion(reading: run.file(AlignmentRunWriter.reference))
    beta = try JSON.decode(AlignmentResult.self, from: run.read("result.json")).beta
    reward = ImplicitReward(policy: Denoiser(model.model), reference: Denoiser(reference.model))
    self.model = model
  }

  /// Log-odds that the model gives to the winners, one a pair.
  func logits(_ pairs: SamplePairs, file: String) throws -> [Double] {
    try Alignment().check(pairs, from: model, file: file)
    return try reward.margins(pairs.naming(model.model.classNames)).map { $0 * beta / 2 }
  }
}
