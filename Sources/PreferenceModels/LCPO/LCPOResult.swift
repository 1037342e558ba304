import Foundation
import PenchantData
import PenchantKernels
import PenchantTrain

/// What LCPO found: `result.json` of a run, and what `--json` prints.
public struct LCPOResult: Codable, Sendable {
  /// A label that is trusted little.
  public struct Doubt: Codable, Sendable {
    public var line: Int
    public var annotator: String
    public var confidence: Double
    public var logit: Double
    public var excerpt: String

    public init(line: Int, annotator: String, confidence: Double, logit: Double, excerpt: String) {
      self.line = line
      self.annotator = annotator
      self.confidence = confidence
      self.logit = logit
      self.excerpt = excerpt
    }
  }
  public var system = LCPO.system
  public var data: String
  public var seed: UInt64
  public var threads: Int
  public var seconds: Double
  public var pairs: Int
  /// What was read: logps, margins or items.
  public var kind: String
  public var loss: String
  public var metrics: [String: Double]
  /// 95 %, given the model: what the model does not know of itself is not in it.
  public var noiseRateInterval: Interval
  public var annotators: [FittedLCPO.Annotator]
  public var diagnostics: LCPODiagnostics?
  /// Numbers of pairs whose confidence is in each twentieth of 0 to 1.
  public var histogram: [Int]
  public var doubts: [Doubt]
  public var iterations: Int
  public var converged: Bool
  public var peakMemoryBytes: Int
  /// XXH64 of all confidences: equal for equal bits.
  public var fingerprint: String

  /// - Parameter confidence: of every pair, as the model gives it.
  public init(
    _ model: FittedLCPO, on data: LCPOData, confidence: [Double], file: String, seconds: Double,
    doubts: [Doubt] = [], diagnoses: Bool = true
  ) throws {
    let margins = try model.margins(data)
    let reliability = model.reliability(data)
    let weights = data.weight
    let total = max(weights.sum(), .leastNormalMagnitude)
    func mean(_ values: [Double]) -> Double { zip(values, weights).map { $0 * $1 }.sum() / total }
    var metrics = [
      "noise_rate": model.noiseRate, "reliability": 1 - model.noiseRate, "slope": model.slope,
      // −log(η σ(κu) + (1 − η) σ(−κu)), and what it would be if every label were trusted.
      "nll": mean(
        zip(margins, reliability).map { u, eta in
          let p = sigmoid(model.slope * u)
          return -log(eta * p + (1 - eta) * (1 - p))
        }),
      "nll_trusting": mean(margins.map { softplus(-model.slope * $0) }),
      "agreement": mean(margins.map(PairMetrics.hit)), "mean_weight": mean(confidence),
      "flagged": mean(confidence.map { $0 < 0.5 ? 1 : 0 }),
    ]
    let known = data.gold.indices.filter { data.gold[$0] != nil }
    if !known.isEmpty {
      let right = known.map { data.gold[$0] == true }
      metrics["gold_pairs"] = Double(known.count)
      metrics["gold_label_accuracy"] = Double(right.count { $0 }) / Double(known.count)
      // The model's own order against the order that is right.
      metrics["gold_accuracy"] =
        zip(known, right).map { pair, isRight in PairMetrics.hit(isRight ? margins[pair] : -margins[pair]) }
        .sum() / Double(known.count)
      metrics["gold_auc"] = LabelAUC.area(known.map { confidence[$0] }, right)
    }
    self.metrics = metrics
    self.data = file
    seed = model.seed
    threads = Team.size
    self.seconds = seconds
    pairs = data.count
    kind =
      switch data.evidence {
      case .logProbabilities: "logps"
      case .margins: "margins"
      case .items: "items"
      }
    loss = model.configuration.objective.loss.rawValue
    noiseRateInterval = model.noiseRateInterval
    annotators = model.annotators
    diagnostics = diagnoses ? model.diagnostics : nil
    var histogram = [Int](repeating: 0, count: 20)
    for w in confidence { histogram[min(19, max(0, Int(w * 20)))] += 1 }
    self.histogram = histogram
    self.doubts = doubts
    iterations = model.iterations
    converged = model.converged
    peakMemoryBytes = peakMemory()
    fingerprint = XXHash64.hex(confidence)
  }
}
