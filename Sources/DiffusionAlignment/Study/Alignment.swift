import PenchantData
import PenchantKernels
import PenchantTape
import PenchantTrain

/// Aligns a diffusion model with what pairs say is preferred.
///
/// ```swift
/// let aligned = try Alignment(configuration, seed: 7).fit(pairs, from: fitted)
/// print(aligned.looks.last)
/// ```
public struct Alignment {
  public let configuration: AlignmentConfiguration
  public let seed: UInt64

  /// - Throws: `ConfigurationError`.
  public init(_ configuration: AlignmentConfiguration = AlignmentConfiguration(), seed: UInt64 = 0) throws {
    try configuration.validate()
    self.configuration = configuration
    self.seed = seed
  }

  public struct Fit {
    /// The kept model: the best look within the budget, or the last one where nothing was within.
    public var model: FittedDiffusion
    public var result: TrainingResult
    /// Pairs that nothing was trained on.
    public var held: SamplePairs
    /// Measures of the starting model, and of the kept one.
    public var start: [String: Double]
    public var end: [String: Double]
    /// Held-out accuracy of the reward, where it was learnt.
    public var rewardAccuracy: Double?
  }

  /// - Parameter file: where the pairs come from, for messages.
  /// - Throws: `DataError` for pairs that do not fit the model.
  public func check(_ pairs: SamplePairs, from start: FittedDiffusion, file: String = "pairs")
    throws(DataError)
  {
    guard pairs.count > 0 else { throw DataError(file: file, "there are no pairs") }
    guard pairs.samples.shape == start.model.shape else {
      throw DataError(
        file: file, "the pairs are not of the shape the model makes",
        expected: "expected \(start.model.shape)",
        found: "found \(pairs.samples.shape)")
    }
    guard pairs.samples.values.allSatisfy(\.isFinite) else {
      throw DataError(file: file, "a sample has a value that is not finite")
    }
    let known = start.model.classNames
    if !known.isEmpty, let name = pairs.samples.classNames.first(where: { !known.contains($0) }) {
      throw DataError(
        file: file, field: "cond", "the model does not know the class \"\(name)\"",
        expected: "expected one of \(known.prefix(20).joined(separator: ", "))")
    }
  }

  /// Trains a copy of `start`; `start` itself is the reference.
  ///
  /// - Parameters:
  ///   - reward: what a good sample is; by default what `watching.reward` names.
  ///   - data: samples of the data, by which a drawn sample is on or off it; by default those of the pairs.
  ///   - look: sees the number of a step, 0 for the start, and the samples that were drawn at it.
  /// - Throws: `ConfigurationError`, `NonFiniteError`, `FileError`, `TapeError`.
  public func fit(
    _ given: SamplePairs, from start: FittedDiffusion, reward: (any SampleReward)? = nil,
    data: SampleSet? = nil,
    run: RunDirectory? = nil, resume: Bool = false, progress: ProgressLine = ProgressLine(style: .silent),
    look: ((_ step: Int, _ samples: SampleSet) throws -> Void)? = nil
  ) throws -> Fit {
    try check(given, from: start)
    let pairs = given.naming(start.model.classNames)
    let split =
      configuration.held > 0 && pairs.count >= 10
      ? try Split.random(count: pairs.count, testFraction: configuration.held, seed: seed)
      : Split(name: "all", train: Array(0..<pairs.count), test: [])
    let train = pairs.pairs(split.train)
    let held = pairs.pairs(split.test)
    let named = try reward ?? Rewards.named(configuration.watching.reward)
    let learned = named == nil ? try LearnedReward(pairs: train, seed: seed) : nil
    guard let scored = named ?? learned else { throw ConfigurationError("there is no reward to watch") }
    let reference = Denoiser(start.model)
    let policy = Denoiser(try start.model.copy())
    let watch = try AlignmentWatch(
      reference, reward: scored, data: data ?? pairs.samples, held: held.count > 0 ? held : nil,
      samples: configuration.watching.samples, sampling: configuration.sampling, seed: seed, keep: look)
    if !resume { try watch.show(watch.start, step: 0) }
    var task = try AlignmentTask(
      policy, reference: reference, pairs: train, watch: watch, configuration: configuration, seed: seed)
    let state = TrainingState(
      seed: seed, configuration: XXHash64.hex([UInt8](try JSON.encode(configuration))),
      data: pairs.checksum)
    let result = try Trainer(configuration.run, run: run, progress: progress).train(
      &task, from: state, resume: resume)
    let end = try watch.look(at: policy)
    return Fit(
      model: FittedDiffusion(policy.model, seed: seed, sampling: configuration.sampling), result: result,
      held: held,
      start: dictionary(watch.start.metrics), end: dictionary(end.metrics),
      rewardAccuracy: learned?.heldAccuracy)
  }

  private func dictionary(_ values: [(name: String, value: Double)]) -> [String: Double] {
    Dictionary(values.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
  }
}

extension SamplePairs {
  /// Of samples, pairs and weights.
  public var checksum: String {
    let places = (samples.classes + winners + losers).map(Double.init)
    return XXHash64.hex((samples.values + weights).map(Double.init) + places)
  }

  /// The same pairs with the class numbers of a model; without classes where the model has none.
  package func naming(_ names: [String]) -> SamplePairs {
    var copy = self
    let numbers = samples.classNames.map { names.firstIndex(of: $0) ?? DiffusionModel.noClass }
    let classes = names.isEmpty ? [] : samples.classes.map { $0 < 0 ? $0 : numbers[$0] }
    copy.samples = SampleSet(
      shape: samples.shape, values: samples.values, classes: classes, classNames: names)
    return copy
  }
}
