import Foundation
import PenchantData
import PenchantKernels
import PenchantTrain

/// Training of any preference model on labels of which some are wrong: an E-step before every step of the model.
///
/// ```swift
/// var training = try RobustTraining(task, robust, annotators: users, steps: total)
/// try trainer.train(&training, from: state)
/// ```
/// η is part of the checkpoint, so a resumed training has the bits of one that was not stopped.
public struct RobustTraining<Base: TrustedTask>: TrainingTask {
  public private(set) var base: Base
  public let configuration: RobustConfiguration
  public private(set) var reliabilities: Reliabilities
  private let annotators: [UInt32]
  private let weights: [Double]?
  /// Steps before η moves.
  private let frozen: Int

  /// - Parameters:
  ///   - annotators: place of the annotator of each training pair; empty for one of all.
  ///   - weights: what each pair counts in the E-step over all pairs; nil for 1.
  ///   - steps: of the whole training.
  /// - Throws: `ConfigurationError`; `KernelError.shape` when the lengths do not fit.
  public init(
    _ base: Base, _ configuration: RobustConfiguration, annotators: [UInt32] = [], weights: [Double]? = nil,
    steps: Int
  ) throws {
    try configuration.validate()
    guard annotators.isEmpty || annotators.count == base.pairCount,
      weights.map({ $0.count == base.pairCount }) ?? true
    else {
      throw KernelError.shape(
        "RobustTraining", "\(annotators.count) annotators for \(base.pairCount) pairs")
    }
    self.base = base
    self.configuration = configuration
    self.annotators = configuration.perAnnotator ? annotators : []
    self.weights = weights
    frozen = Int(Double(steps) * configuration.warmup)
    let count = (self.annotators.max().map { Int($0) + 1 }) ?? 1
    reliabilities = Reliabilities(
      annotators: count, start: configuration.reliability, slope: configuration.slope)
  }

  public var stepsPerEpoch: Int { base.stepsPerEpoch }

  public mutating func step(_ number: Int) throws -> StepOutcome {
    guard configuration.method != .none else { return try base.step(number, trust: nil) }
    if configuration.method == .lcpo, configuration.update == .epoch, number >= max(1, frozen),
      number % max(1, stepsPerEpoch) == 0
    {
      try fitToAll()
    }
    let pairs = try base.pairs(at: number)
    let margins = try base.margins(of: pairs)
    // A margin that is not finite has no posterior; the step itself will say which tensor is to blame.
    guard margins.allSatisfy(\.isFinite) else { return try base.step(number, trust: nil) }
    let trust: PairTrust
    var next = reliabilities
    if let loss = configuration.loss {
      trust = try Self.trust(loss, margins, configuration)
    } else {
      let who = annotators.isEmpty ? nil : pairs.map { annotators[$0] }
      let found = try reliabilities.expect(margins.map(Double.init), annotators: who)
      trust = PairTrust(
        margins: margins,
        reliabilities: (who ?? []).isEmpty
          ? [Double](repeating: reliabilities.eta[0], count: margins.count)
          : (who ?? []).map { reliabilities.eta[Int($0)] },
        slope: reliabilities.slope, meanLoss: found.loss / Double(max(1, margins.count)))
      if let rule = configuration.rule, number >= frozen { try next.update(rule, from: found) }
    }
    var outcome = try base.step(number, trust: trust)
    guard outcome.nonFinite == nil else { return outcome }
    outcome.loss = trust.meanLoss
    // Both moves start from the same η: the posterior of before the step (Algorithm 1).
    reliabilities = next
    return outcome
  }

  private static func trust(
    _ loss: PreferenceLoss, _ margins: [Float], _ configuration: RobustConfiguration
  ) throws(KernelError) -> PairTrust {
    var losses = [Float](repeating: 0, count: margins.count)
    var slopes = losses
    var l = losses.mutableSpan
    var g = slopes.mutableSpan
    var mean = try preferenceLoss(loss, margins: margins.span, losses: &l, gradient: &g)
    if configuration.method == .drdpo {
      var weights = [Float](repeating: 0, count: margins.count)
      var w = weights.mutableSpan
      let beta = configuration.shape > 0 ? Float(configuration.shape) : 1
      mean = try robustWeights(losses: losses.span, beta: beta, into: &w)
      for i in slopes.indices { slopes[i] *= weights[i] }
    }
    return PairTrust(margins: margins, slopes: slopes, meanLoss: mean)
  }

  /// EM over η and κ with the model held still.
  private mutating func fitToAll() throws {
    let margins = try base.margins(of: Array(0..<base.pairCount)).map(Double.init)
    guard margins.allSatisfy(\.isFinite) else { return }
    let likelihood = try NoisyLikelihood(
      GivenMargins(margins), annotators: annotators.isEmpty ? nil : annotators,
      annotatorCount: reliabilities.eta.count, weights: weights,
      pseudo: (configuration.pseudoRight, configuration.pseudoWrong))
    var fit = likelihood.start(reliabilities)
    var moves = NoisyLikelihood.Moves()
    moves.slope = true
    moves.tolerance = 1e-6
    try likelihood.maximise(&fit, iterations: 200, moves)
    // While margins say little, their skew alone can look like labels that are mostly wrong; believed, that would turn every
    // preference round and then be true.
    let labels = try fit.reliabilities.expect(
      margins, annotators: annotators.isEmpty ? nil : annotators, weights: weights
    ).count
    guard (fit.reliabilities.mean(over: labels) >= 0.5) == (configuration.reliability >= 0.5) else { return }
    reliabilities = fit.reliabilities
  }

  /// The E-step over all training pairs with the present parameters: the confidence in each label.
  public func confidence() throws -> NoiseExpectation {
    try reliabilities.expect(
      base.margins(of: Array(0..<base.pairCount)).map(Double.init),
      annotators: annotators.isEmpty ? nil : annotators, weights: weights)
  }

  /// What lcpo found of the training labels; nil for other methods.
  ///
  /// - Parameters:
  ///   - pairs: places of the training pairs in the table they come from.
  ///   - names: of annotators.
  public func labels(pairs: [Int], names: [String]) throws -> LabelReport? {
    guard configuration.method == .lcpo else { return nil }
    return try LabelReport(
      pairs: pairs, margins: base.margins(of: Array(0..<base.pairCount)).map(Double.init), reliabilities,
      annotators: annotators.isEmpty ? nil : annotators, weights: weights, names: names)
  }

  public mutating func validate() throws -> [(name: String, value: Double)] {
    var metrics = try base.validate()
    if configuration.method == .lcpo, !metrics.isEmpty {
      metrics.append(("reliability", reliabilities.mean))
    }
    return metrics
  }

  private static var file: String { "noise.safetensors" }

  public func checkpointFiles() throws -> [String: [UInt8]] {
    var files = try base.checkpointFiles()
    guard configuration.method == .lcpo else { return files }
    var noise = SafeTensorsWriter(metadata: ["system": LCPO.system])
    try noise.add("eta", shape: [reliabilities.eta.count], reliabilities.eta)
    try noise.add("slope", shape: [1], [reliabilities.slope])
    files[Self.file] = noise.bytes()
    return files
  }

  public mutating func restore(_ files: [String: [UInt8]]) throws {
    try base.restore(files)
    guard configuration.method == .lcpo else { return }
    guard let bytes = files[Self.file] else {
      throw CheckpointError("the checkpoint has no \(Self.file)")
    }
    let noise = try SafeTensors(bytes: bytes, name: Self.file)
    reliabilities.eta = try noise.doubles("eta", shape: [reliabilities.eta.count])
    reliabilities.slope = try noise.doubles("slope", shape: [1])[0]
  }
}
