import PenchantData
import PenchantKernels
import PenchantTrain

/// Latent Collective Preference Optimization (Cao et al. 2025; also RPO and RE-PO): how far each label is to be trusted, and
/// how often each annotator is right, from labels and what a model says of them.
///
/// ```swift
/// let data = try LCPOData(.margins(margins), annotators: names, annotator: who)
/// let fitted = try LCPO().fit(data)
/// let trust = try fitted.confidence(data)      // P(label is right), one a pair
/// ```
public struct LCPO: Sendable {
  public static let system = "lcpo"

  public let configuration: LCPOConfiguration
  public let seed: UInt64

  /// - Throws: `ConfigurationError`.
  public init(_ configuration: LCPOConfiguration = LCPOConfiguration(), seed: UInt64 = 0) throws {
    try configuration.validate()
    self.configuration = configuration
    self.seed = seed
  }

  /// Refuses data that `fit` would refuse.
  public func check(_ data: LCPOData) throws { _ = try LCPOProblem(data, configuration) }

  /// Estimates reliabilities, and the worths of items where those are compared.
  ///
  /// - Parameter run: where checkpoints go; nil keeps everything in memory.
  /// - Throws: `ConfigurationError` when there is no pair, or when `guards.saturation` refuses the margins.
  public func fit(
    _ data: LCPOData, run: RunDirectory? = nil, resume: Bool = false,
    progress: ProgressLine = ProgressLine(style: .silent)
  ) throws -> FittedLCPO {
    let problem = try LCPOProblem(data, configuration)
    var state = TrainingState(seed: seed)
    state.configuration = XXHash64.hex(
      Array(try ConfigurationLayers<LCPOConfiguration>.text(configuration).utf8))
    state.data = problem.checksum
    var settings = configuration.run
    let result: TrainingResult
    var fit: NoiseFit
    switch configuration.fit.method {
    case .em, .direct:
      if configuration.fit.method == .direct { (settings.steps, settings.validateEvery) = (1, 1) }
      var task = NoiseTask(problem, configuration)
      result = try Trainer(settings, run: run, progress: progress).train(&task, from: state, resume: resume)
      fit = task.fit
    case .batch:
      var robust = RobustConfiguration()
      robust.method = .lcpo
      robust.reliability = configuration.noise.reliability
      robust.update = configuration.noise.learns ? .average : .fixed
      robust.step = configuration.fit.step
      robust.slope = configuration.noise.slopeStart
      settings.steps = 0
      let base = try MarginTask(
        problem.likelihood.model, weights: data.weight, batchSize: configuration.fit.batchSize,
        rate: configuration.fit.learningRate, epochs: settings.epochs, seed: seed)
      var task = try RobustTraining(
        base, robust, annotators: problem.likelihood.annotators ?? [], weights: data.weight,
        steps: settings.epochs * base.stepsPerEpoch)
      result = try Trainer(settings, run: run, progress: progress).train(&task, from: state, resume: resume)
      fit = NoiseFit(
        parameters: task.base.parameters.map(Double.init), reliabilities: task.reliabilities)
      fit.iterations = result.state.step
      fit.converged = result.ending == .finished
    }
    return try FittedLCPO(
      configuration: configuration, seed: seed, problem: problem, fit: fit, ending: result.ending)
  }
}

/// The likelihood of some data under a configuration, and what is wrong with it before anything is fitted.
struct LCPOProblem: Sendable {
  let data: LCPOData
  let likelihood: NoisyLikelihood
  /// Whether κ moves.
  let fitsSlope: Bool
  let start: Reliabilities
  let warnings: [String]

  init(_ data: LCPOData, _ configuration: LCPOConfiguration) throws {
    guard data.count > 0 else { throw ConfigurationError("there is no pair to learn from") }
    guard data.weight.contains(where: { $0 > 0 }) else {
      throw ConfigurationError("every pair has weight 0: there is nothing to learn from")
    }
    let noise = configuration.noise
    let model: any MarginModel
    var warnings: [String] = []
    var ridge = 0.0
    if let logits = try data.logits(configuration.objective) {
      model = GivenMargins(logits)
      let mean = logits.reduce(0) { $0 + abs($1) } / Double(logits.count)
      if data.isReferenceFree(configuration.objective), mean > Self.saturated {
        let text =
          "the margins have a mean size of \(LCPODiagnostics.number(mean)) and are measured from no reference: such margins "
          + "mostly follow length, and the posterior is decided before anything is learnt\n"
          + "  give ref_chosen_logps and ref_rejected_logps, or set objective.per_token and objective.centre to true; "
          + "guards.saturation=warn goes on as it is"
        switch configuration.guards.saturation {
        case .refuse: throw ConfigurationError(text)
        case .warn: warnings.append(text)
        case .off: break
        }
      }
      // A search over reliabilities and batches leave κ where it starts.
      fitsSlope = noise.slope != .fixed && configuration.fit.method == .em
      guard noise.slope != .fit || fitsSlope else {
        throw ConfigurationError(
          "noise.slope fit needs fit.method em; direct and batch keep κ at noise.slope_start")
      }
    } else if case .items(let names, let chosen, let rejected) = data.evidence {
      model = try ItemWorths(items: names.count, chosen: chosen, rejected: rejected)
      ridge = configuration.objective.ridge
      // A slope and the size of worths are one thing.
      guard noise.slope != .fit else {
        throw ConfigurationError("noise.slope fit means nothing where worths are fitted; use auto or fixed")
      }
      fitsSlope = false
    } else {
      throw ConfigurationError("the data have neither margins nor items")
    }
    let several = noise.perAnnotator && data.annotators.count > 1
    likelihood = try NoisyLikelihood(
      model, annotators: several ? data.annotator : nil,
      annotatorCount: several ? data.annotators.count : 1, weights: data.weight, ridge: ridge,
      pseudo: (noise.pseudoRight, noise.pseudoWrong))
    start = Reliabilities(
      annotators: likelihood.annotatorCount, start: noise.reliability, slope: noise.slopeStart)
    self.data = data
    self.warnings = warnings
  }

  /// The mean size of margins above which a posterior is decided by them alone.
  static let saturated = 4.0

  var checksum: String {
    var values = data.weight + data.annotator.map(Double.init)
    switch data.evidence {
    case .margins(let margins): values += margins
    case .items(_, let chosen, let rejected): values += (chosen + rejected).map(Double.init)
    case .logProbabilities(let p):
      for part in [p.chosen, p.rejected, p.chosenReference ?? [], p.rejectedReference ?? []] {
        values += part.map(Double.init)
      }
      values += ((p.chosenLength ?? []) + (p.rejectedLength ?? [])).map(Double.init)
    }
    return XXHash64.hex(values)
  }
}
