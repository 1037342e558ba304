import PenchantTape
import PenchantTrain

/// Settings of `penchant train diffusion`.
public struct DiffusionConfiguration: Sendable, Equatable, Codable {
  public var model = ModelConfiguration()
  /// Share of rows whose class is left out.
  public var classDropout = 0.2
  /// Share of samples that are held out to watch the loss.
  public var held = 0.1
  public var optimizer = DiffusionOptimizer()
  public var sampling = SamplingConfiguration()
  public var run = TrainerConfiguration()

  public init() {
    run.epochs = 1
    run.steps = 6000
    run.validateEvery = 500
    run.checkpointEvery = 500
    run.patience = 0
    run.logEvery = 50
    run.watch = "loss"
  }

  /// - Throws: `ConfigurationError` naming the setting.
  public func validate() throws(ConfigurationError) {
    try model.validate()
    try optimizer.validate()
    try sampling.validate()
    try run.validate()
    try checkSetting(classDropout >= 0 && classDropout <= 1, "class_dropout", "between 0 and 1", classDropout)
    try checkSetting(held >= 0 && held < 1, "held", "0 or more and below 1", held)
  }
}

/// How numbers follow their gradients: AdamW, after a linear rise a cosine or a constant.
public struct DiffusionOptimizer: Sendable, Equatable, Codable {
  public var learningRate = 1e-3
  /// Steps of the rise.
  public var warmup = 0
  /// Whether the rate falls to 0 along a cosine.
  public var decays = true
  public var weightDecay = 0.0
  /// Largest norm of the gradient; 0 for any.
  public var clip = 1.0
  /// Decay of the moving average that is kept of the numbers; 0 for none.
  public var average = 0.995
  /// Samples, or pairs, a step.
  public var rows = 256

  public init() {}

  public func validate() throws(ConfigurationError) {
    try checkSetting(
      learningRate > 0 && learningRate.isFinite, "optimizer.learning_rate", "above 0", learningRate)
    try checkSetting(warmup >= 0, "optimizer.warmup", "0 or more", warmup)
    try checkSetting(weightDecay >= 0, "optimizer.weight_decay", "0 or more", weightDecay)
    try checkSetting(clip >= 0, "optimizer.clip", "0 or more", clip)
    try checkSetting(average >= 0 && average < 1, "optimizer.average", "0 or more and below 1", average)
    try checkSetting(rows >= 1 && rows <= 65536, "optimizer.rows", "1 to 65536", rows)
  }

  /// For a training of `steps` steps.
  func tape(steps: Int) -> OptimizerConfiguration {
    let schedule: Schedule =
      decays
      ? .cosine(peak: learningRate, warmup: warmup, steps: steps)
      : .linear(peak: learningRate, warmup: warmup, steps: steps, floor: learningRate)
    var configuration = OptimizerConfiguration(.adamW, schedule)
    configuration.decay = weightDecay
    configuration.clip = clip > 0 ? clip : nil
    configuration.average = average > 0 ? average : nil
    return configuration
  }
}
