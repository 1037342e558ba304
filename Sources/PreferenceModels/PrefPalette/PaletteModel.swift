import PenchantData
import PenchantKernels
import PenchantTrain

/// A utility that is linear in content and scores: where a training may start, and what its shared penalty pulls to.
public struct PaletteStart: Sendable, Equatable {
  /// `[d]`, a weight for every column of the content.
  public var content: [Float]
  /// `[K]`, log-odds for one unit of every attribute's score; without effect in the paper form.
  public var attributes: [Float]

  public init(content: [Float], attributes: [Float]) {
    self.content = content
    self.attributes = attributes
  }
}

/// PrefPalette's preference model (Li et al. 2025, stage 2), ready to be fitted.
public struct PrefPalette: Sendable {
  public let configuration: PrefPaletteConfiguration
  public let seed: UInt64

  /// - Throws: `ConfigurationError`.
  public init(_ configuration: PrefPaletteConfiguration = .init(), seed: UInt64 = 0) throws {
    try configuration.validate()
    self.configuration = configuration
    self.seed = seed
  }

  /// Trains on pairs; with `validating`, keeps the parameters of the best validation (posts that were not trained on).
  ///
  /// - Parameter start: a linear utility to start from, instead of none.
  public func fit(
    to data: PaletteData, validating: PaletteData? = nil, start linear: PaletteStart? = nil,
    run: RunDirectory? = nil,
    resume: Bool = false, progress: ProgressLine = ProgressLine(style: .silent)
  ) throws -> FittedPrefPalette {
    try fitWithLabels(
      to: data, validating: validating, start: linear, run: run, resume: resume, progress: progress
    ).model
  }

  /// The same, with what `robust.method` lcpo found of the labels.
  ///
  /// - Parameter annotators: names, by the places in `data.annotator`.
  public func fitWithLabels(
    to data: PaletteData, validating: PaletteData? = nil, start linear: PaletteStart? = nil,
    annotators: [String] = [], run: RunDirectory? = nil, resume: Bool = false,
    progress: ProgressLine = ProgressLine(style: .silent)
  ) throws -> (model: FittedPrefPalette, labels: LabelReport?) {
    let base = try PaletteTask(data, validation: validating, configuration, start: linear, seed: seed)
    let settings = configuration.run
    var task = try RobustTraining(
      base, configuration.robust, annotators: data.annotator, weights: data.weight.map(Double.init),
      steps: settings.total(stepsPerEpoch: base.stepsPerEpoch))
    let start = TrainingState(
      seed: seed, configuration: XXHash64.hex(try configuration.canonicalBytes()), data: data.checksum())
    let trainer = Trainer(configuration.run, run: run, progress: progress)
    let result = try trainer.train(&task, from: start, resume: resume)
    var fitted = try task.base.fitted
    fitted.state = result.state
    return (fitted, try task.labels(pairs: Array(0..<data.count), names: annotators))
  }

  /// The parameters before the first step of a fit to `data`; `PaletteShape` says where everything lies.
  public func firstParameters(for data: PaletteData) throws -> [Float] {
    try Self.initial(configuration.shape(data), configuration.model, seed: seed)
  }

  /// Whether each step of a training of `steps` uses the attributes. With `firstParameters` and the order of `Batcher`
  /// this is all that another program needs to take the same steps.
  public func usesAttributes(steps: Int) -> [Bool] {
    let objective = PaletteObjective(configuration: configuration.objective, seed: seed, steps: steps)
    return (0..<steps).map(objective.usesAttributes(at:))
  }

  /// First parameters. Paper form: attention N(0, 1/inputs) and reward with deviation 1/(d + 1), which at the release's
  /// d = 2048 are its 0.02 and its reward. Signed form (recipe B of section 9.1): zeros for reward and directions, and an
  /// attention so small that it starts all but uniform, where a direction is the attribute's weight. Drawn larger, its
  /// query passes content into the weights from the first step and overfits: 0.015 of accuracy at 2,000 pairs.
  static func initial(
    _ shape: PaletteShape, _ configuration: PrefPaletteConfiguration.Model, start: PaletteStart? = nil,
    seed: UInt64
  ) throws -> [Float] {
    var parameters = [Float](repeating: 0, count: shape.count)
    var stream = RandomStream(seed: seed, stream: 0)
    func draw(_ range: Range<Int>, _ deviation: Float) throws {
      for (place, value) in zip(range, try stream.normals(range.count)) {
        parameters[place] = value * deviation
      }
    }
    let small: Float = 0.02
    let attention = { (inputs: Int) in shape.form == .paper ? 1 / Float(inputs).squareRoot() : small }
    try draw(shape.contentQuery, attention(shape.content))
    try draw(shape.key, attention(shape.width))
    try draw(shape.score, attention(shape.rank))
    parameters[shape.mix] = configuration.mix
    if shape.form == .paper {
      try draw(shape.reward(at: shape.shared.lowerBound), 1 / Float(shape.content + 1))
    }
    if let start {
      let row = shape.shared.lowerBound
      for (place, value) in zip(shape.reward(at: row), start.content) { parameters[place] = value }
      // With even attention, κ = β ω s.
      for (place, value) in zip(shape.direction(at: row), start.attributes) {
        parameters[place] = configuration.mix == 0 ? 0 : value / configuration.mix
      }
    }
    for index in 0..<shape.communities {
      try draw(shape.query(at: shape.own(index).lowerBound), small)
    }
    return parameters
  }
}
