import PenchantData
import PenchantTape
import PenchantTrain

/// Trains a diffusion model on samples.
///
/// ```swift
/// let fitted = try Diffusion(configuration, seed: 7).fit(samples).model
/// let drawn = try fitted.samples(fitted.classes(64), seed: 1)
/// ```
public struct Diffusion {
  public let configuration: DiffusionConfiguration
  public let seed: UInt64

  /// - Throws: `ConfigurationError`.
  public init(_ configuration: DiffusionConfiguration = DiffusionConfiguration(), seed: UInt64 = 0) throws {
    try configuration.validate()
    self.configuration = configuration
    self.seed = seed
  }

  public struct Fit {
    public var model: FittedDiffusion
    public var result: TrainingResult
    /// Held-out mean squared error of ε; nil when nothing was held out.
    public var heldLoss: Double?
  }

  /// What would be trained on `samples`, to find out whether it fits.
  ///
  /// - Throws: `ConfigurationError` for samples that the network cannot take.
  public func check(_ samples: SampleSet) throws {
    guard samples.count > 0 else { throw ConfigurationError("there are no samples to learn from") }
    guard samples.values.allSatisfy(\.isFinite) else {
      throw ConfigurationError("a sample has a value that is not finite")
    }
    _ = try DiffusionModel(configuration.model, shape: samples.shape, classNames: samples.classNames)
  }

  /// - Throws: `ConfigurationError`, `NonFiniteError`, `FileError`, `TapeError`.
  public func fit(
    _ samples: SampleSet, run: RunDirectory? = nil, resume: Bool = false,
    progress: ProgressLine = ProgressLine(style: .silent)
  ) throws -> Fit {
    try check(samples)
    let split =
      configuration.held > 0 && samples.count >= 10
      ? try Split.random(count: samples.count, testFraction: configuration.held, seed: seed)
      : Split(name: "all", train: Array(0..<samples.count), test: [])
    let model = try DiffusionModel(
      configuration.model, shape: samples.shape, classNames: samples.classNames, seed: seed)
    var task = try DiffusionTask(
      model, on: samples, train: split.train, held: split.test, configuration: configuration, seed: seed)
    let state = TrainingState(
      seed: seed, configuration: XXHash64.hex([UInt8](try JSON.encode(configuration))),
      data: samples.checksum)
    let result = try Trainer(configuration.run, run: run, progress: progress).train(
      &task, from: state, resume: resume)
    task.finish()
    let heldLoss =
      split.test.isEmpty
      ? nil : try DiffusionTask.loss(Denoiser(model), samples, Array(split.test.prefix(1024)), seed: seed)
    return Fit(
      model: FittedDiffusion(model, seed: seed, sampling: configuration.sampling), result: result,
      heldLoss: heldLoss)
  }
}

extension SampleSet {
  /// Of values and classes.
  public var checksum: String {
    XXHash64.hex(values.map(Double.init) + classes.map(Double.init))
  }
}
