import Foundation
import PenchantKernels
import PenchantTrain

/// Reliabilities that were estimated, with what they rest on.
public struct FittedLCPO: Sendable {
  public static let system = LCPO.system

  /// One annotator as the table shows them.
  public struct Annotator: Codable, Sendable, Equatable {
    public var name: String
    /// N_k.
    public var pairs: Int
    public var reliability: Double
    /// When the model is given, but for κ; nil where the labels say nothing.
    public var standardError: Double?
  }

  public let configuration: LCPOConfiguration
  public let seed: UInt64
  /// One a reliability; the only one is all of them together when reliabilities are not one an annotator.
  public let annotators: [Annotator]
  /// κ of the E-step.
  public let slope: Double
  /// Names and worths of compared texts, in log-odds.
  public let items: [String]
  public let worths: [Double]
  /// Share of labels that are wrong, and its standard error when the model is given, but for κ; nil: not identified.
  public let noiseRate: Double
  public let noiseRateError: Double?
  public let diagnostics: LCPODiagnostics
  public let iterations: Int
  public let converged: Bool
  public let ending: TrainingEnding
  let reliabilities: Reliabilities

  /// 95 % of the noise rate, within 0 to 1; all of it when nothing is identified.
  public var noiseRateInterval: Interval {
    guard let error = noiseRateError else { return Interval(low: 0, high: 1) }
    return Interval(
      low: max(0, noiseRate - 1.959964 * error), high: min(1, noiseRate + 1.959964 * error))
  }

  init(
    configuration: LCPOConfiguration, seed: UInt64, problem: LCPOProblem, fit: NoiseFit,
    ending: TrainingEnding
  ) throws {
    self.configuration = configuration
    self.seed = seed
    let data = problem.data
    reliabilities = fit.reliabilities
    slope = fit.reliabilities.slope
    if case .items(let names, _, _) = data.evidence { items = names } else { items = [] }
    worths = fit.parameters
    iterations = fit.iterations
    converged = fit.converged
    self.ending = ending

    let margins = try problem.likelihood.model.margins(fit.parameters)
    let found = try fit.reliabilities.expect(
      margins, annotators: problem.likelihood.annotators, weights: data.weight)
    let learns = configuration.noise.learns
    let errors = ReliabilityErrors(
      fit.reliabilities, margins: margins, found, annotators: problem.likelihood.annotators,
      weights: data.weight, pseudo: problem.likelihood.pseudo, fitsSlope: problem.fitsSlope)
    var pairs = [Int](repeating: 0, count: fit.reliabilities.eta.count)
    for k in problem.likelihood.annotators ?? [] { pairs[Int(k)] += 1 }
    if problem.likelihood.annotators == nil { pairs[0] = data.count }
    let names = problem.likelihood.annotators == nil ? [""] : data.annotators
    let annotators = fit.reliabilities.eta.indices.map { k in
      Annotator(
        name: names[k], pairs: pairs[k], reliability: fit.reliabilities.eta[k],
        standardError: learns ? errors.each[k] : nil)
    }
    self.annotators = annotators
    noiseRate = 1 - fit.reliabilities.mean(over: found.count)
    noiseRateError = learns ? errors.mean : nil
    diagnostics = try LCPODiagnostics(problem, fit, margins: margins, found, annotators, configuration)
  }

  init(
    configuration: LCPOConfiguration, seed: UInt64, annotators: [Annotator], reliabilities: Reliabilities,
    items: [String], worths: [Double], noiseRate: Double, noiseRateError: Double?,
    diagnostics: LCPODiagnostics, iterations: Int, converged: Bool
  ) {
    self.configuration = configuration
    self.seed = seed
    self.annotators = annotators
    self.reliabilities = reliabilities
    slope = reliabilities.slope
    self.items = items
    self.worths = worths
    self.noiseRate = noiseRate
    self.noiseRateError = noiseRateError
    self.diagnostics = diagnostics
    self.iterations = iterations
    self.converged = converged
    ending = .finished
  }

  /// Log-odds of the observed order of pairs, before κ.
  ///
  /// A text that was not compared in training counts as the mean of the worths.
  public func margins(_ data: LCPOData) throws -> [Double] {
    if let logits = try data.logits(configuration.objective) {
      guard items.isEmpty else {
        throw ConfigurationError("the model was fitted to compared texts; the pairs have none")
      }
      return logits
    }
    guard case .items(let names, let chosen, let rejected) = data.evidence, !items.isEmpty else {
      throw ConfigurationError("the model was fitted to margins; the pairs have none")
    }
    let places = Dictionary(zip(items, items.indices), uniquingKeysWith: { first, _ in first })
    let mean = worths.sum() / Double(max(1, worths.count))
    let worth = names.map { places[$0].map { worths[$0] } ?? mean }
    return zip(chosen, rejected).map { worth[Int($0)] - worth[Int($1)] }
  }

  /// η of each pair's annotator; the mean of all for one that gave no label in training.
  public func reliability(_ data: LCPOData) -> [Double] {
    if annotators.count == 1 { return [Double](repeating: annotators[0].reliability, count: data.count) }
    let known = Dictionary(
      annotators.map { ($0.name, $0.reliability) }, uniquingKeysWith: { first, _ in first })
    let each = data.annotators.map { known[$0] ?? 1 - noiseRate }
    return data.annotator.map { each[Int($0)] }
  }

  /// P(label is right), one a pair: σ(κ u + logit η).
  public func confidence(_ data: LCPOData) throws -> [Double] {
    zip(try margins(data), reliability(data)).map { u, eta in
      let eta = min(1 - Reliabilities.floor, max(Reliabilities.floor, eta))
      return sigmoid(slope * u + log(eta) - log1p(-eta))
    }
  }
}
