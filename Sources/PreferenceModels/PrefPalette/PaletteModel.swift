import PenchantData
import PenchantKernels
import PenchantTrain

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
  public func fit(
    to data: PaletteData, validating: PaletteData? = nil, run: RunDirectory? = nil, resume: Bool = false,
    progress: ProgressLine = ProgressLine(style: .silent)
  ) throws -> FittedPrefPalette {
    var task = try PaletteTask(data, validation: validating, configuration, seed: seed)
    let start = TrainingState(
      seed: seed, configuration: XXHash64.hex(try configuration.canonicalBytes()), data: data.checksum())
    let trainer = Trainer(configuration.run, run: run, progress: progress)
    let result = try trainer.train(&task, from: start, resume: resume)
    var fitted = try task.fitted
    fitted.state = result.state
    return fitted
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

  /// First parameters: small normal for the attention, reward N(0, 1/(d + 1)) in the paper form, zeros for reward and
  /// directions in the signed form (recipe B of section 9.1).
  static func initial(
    _ shape: PaletteShape, _ configuration: PrefPaletteConfiguration.Model, seed: UInt64
  ) throws -> [Float] {
    var parameters = [Float](repeating: 0, count: shape.count)
    var stream = RandomStream(seed: seed, stream: 0)
    func draw(_ range: Range<Int>, _ deviation: Float) throws {
      for (place, value) in zip(range, try stream.normals(range.count)) {
        parameters[place] = value * deviation
      }
    }
    let wide = { (n: Int) in 1 / Float(n).squareRoot() }
    try draw(shape.contentQuery, wide(shape.content))
    try draw(shape.key, wide(shape.width))
    try draw(shape.score, wide(shape.rank))
    parameters[shape.mix] = configuration.mix
    if shape.form == .paper {
      try draw(shape.reward(at: shape.shared.lowerBound), 1 / Float(shape.content + 1))
    }
    for index in 0..<shape.communities {
      try draw(shape.query(at: shape.own(index).lowerBound), 0.02)
    }
    return parameters
  }
}
