import PenchantData
import PenchantKernels
import PenchantTrain

/// What a training of a diffusion model found: `result.json` of a run, and what `--json` prints.
public struct DiffusionResult: Codable, Sendable {
  public var system = FittedDiffusion.system
  public var data: String
  public var seed: UInt64
  public var threads: Int
  public var seconds: Double
  public var samples: Int
  public var shape: SampleShape
  public var classNames: [String]
  public var parameters: Int
  public var steps: Int
  /// `loss` (held-out mean squared error of ε), `frechet` (of drawn samples to the data, raw values), `off_data` (share of
  /// drawn samples off the data), `class_accuracy` (of a linear classifier on drawn samples).
  public var metrics: [String: Double]
  public var peakMemoryBytes: Int
  /// Checksum of the drawn samples.
  public var fingerprint: String

  /// Draws 1000 samples and measures them beside the data.
  ///
  /// - Returns: the result, and the samples that were drawn.
  public static func measured(
    _ fit: Diffusion.Fit, on data: SampleSet, file: String, seconds: Double
  ) throws -> (result: DiffusionResult, drawn: SampleSet) {
    let model = fit.model
    var (metrics, drawn) = try measures(model, beside: data)
    metrics["loss"] = fit.heldLoss
    let result = DiffusionResult(
      data: file, seed: model.seed, threads: Team.size, seconds: seconds, samples: data.count,
      shape: data.shape,
      classNames: data.classNames, parameters: model.model.parameterCount, steps: fit.result.state.step,
      metrics: metrics, peakMemoryBytes: peakMemory(),
      fingerprint: XXHash64.hex(drawn.values.map(Double.init)))
    return (result, drawn)
  }

  /// 1000 drawn samples: Fréchet distance, share off the data, accuracy of the classes.
  public static func measures(
    _ model: FittedDiffusion, beside data: SampleSet
  ) throws -> (metrics: [String: Double], drawn: SampleSet) {
    let drawn = try model.samples(model.classes(1000), seed: model.seed)
    var metrics = ["off_data": try DataSupport(data).shareOff(drawn.values)]
    if data.count > 1 { metrics["frechet"] = try FrechetDistance(from: data).distance(to: drawn) }
    if data.classNames.count > 1, !drawn.classes.isEmpty {
      metrics["class_accuracy"] = try LinearClassifier(fitting: data).accuracy(drawn)
    }
    return (metrics, drawn)
  }
}
