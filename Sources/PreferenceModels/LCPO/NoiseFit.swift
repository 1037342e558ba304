import Foundation
import PenchantKernels
import PenchantTrain

/// The marginal likelihood of labels of which some are wrong, with the penalties of parameters and reliabilities.
///
///     objective(θ, η) = −Σ v log(η σ(κu) + (1−η) σ(−κu)) + ridge/2 |θ|² − Σ_k (right log η_k + wrong log(1 − η_k))
public struct NoisyLikelihood: Sendable {
  public let model: any MarginModel
  /// Places in the reliabilities; nil: one annotator.
  public let annotators: [UInt32]?
  public let annotatorCount: Int
  public let weights: [Double]?
  public var ridge: Double
  /// Pseudo-counts of right and wrong labels, of every annotator.
  public var pseudo: (right: Double, wrong: Double)

  /// - Throws: `KernelError` when lengths do not fit or a number is outside its range.
  public init(
    _ model: any MarginModel, annotators: [UInt32]? = nil, annotatorCount: Int = 1, weights: [Double]? = nil,
    ridge: Double = 0, pseudo: (right: Double, wrong: Double) = (0, 0)
  ) throws(KernelError) {
    let n = model.pairCount
    guard annotators.map({ $0.count == n }) ?? true, weights.map({ $0.count == n }) ?? true else {
      throw .shape(
        "NoisyLikelihood",
        "\(annotators?.count ?? n) annotators and \(weights?.count ?? n) weights for \(n) pairs")
    }
    guard annotatorCount > 0, ridge >= 0, ridge.isFinite, pseudo.right >= 0, pseudo.wrong >= 0 else {
      throw .value(
        "NoisyLikelihood", "\(annotatorCount) annotators, ridge \(ridge), pseudo-counts \(pseudo)")
    }
    self.model = model
    self.annotators = annotators
    self.annotatorCount = annotatorCount
    self.weights = weights
    self.ridge = ridge
    self.pseudo = pseudo
  }

  /// The penalties: of parameters, and of reliabilities.
  func penalty(_ parameters: [Double], _ eta: [Double]) -> Double {
    var sum = ridge / 2 * dot(parameters, parameters)
    if pseudo.right > 0 || pseudo.wrong > 0 {
      for eta in eta { sum -= pseudo.right * log(eta) + pseudo.wrong * log1p(-eta) }
    }
    return sum
  }

  var rule: ReliabilityRule {
    pseudo.right > 0 || pseudo.wrong > 0 ? .beta(right: pseudo.right, wrong: pseudo.wrong) : .mean
  }
}

/// Parameters and reliabilities on their way to the optimum.
public struct NoiseFit: Sendable, Equatable {
  public var parameters: [Double]
  public var reliabilities: Reliabilities
  /// Likelihood and penalties at these values; infinite before the first step.
  public var objective = Double.infinity
  public var iterations = 0
  public var converged = false

  public init(parameters: [Double], reliabilities: Reliabilities) {
    self.parameters = parameters
    self.reliabilities = reliabilities
  }
}

extension NoisyLikelihood {
  /// What full EM may do in a step.
  public struct Moves: Sendable, Equatable {
    public var reliabilities = true
    public var slope = false
    /// Ends when nothing moves by more than `tolerance`, or when the objective has no digits left to fall.
    public var tolerance = 1e-10
    public init() {}
  }

  /// Where a fit starts: parameters 0, or small noise-free ones, and η₀.
  public func start(_ reliabilities: Reliabilities) -> NoiseFit {
    NoiseFit(
      parameters: [Double](repeating: 0, count: model.parameterCount), reliabilities: reliabilities)
  }

  /// One iteration of full EM: the E-step over all labels; then parameters on soft labels, κ, η. The objective never rises.
  ///
  /// η does not move while every margin is 0 (θ = 0 is a saddle for it): the parameters go first.
  public func step(_ fit: inout NoiseFit, _ moves: Moves = Moves()) throws {
    let found = try fit.reliabilities.expect(
      model.margins(fit.parameters), annotators: annotators, weights: weights)
    let before = found.loss + penalty(fit.parameters, fit.reliabilities.eta)
    let old = fit.reliabilities
    var moved = 0.0
    if model.parameterCount > 0 {
      let start = fit.parameters
      fit.parameters = try maximise(fit.parameters, posterior: found.posterior, slope: old.slope)
      moved = zip(start, fit.parameters).map { abs($0 - $1) }.max() ?? 0
    }
    if moves.slope {
      let margins = try model.margins(fit.parameters)
      fit.reliabilities.fitSlope(margins, posterior: found.posterior, weights: weights)
    }
    if moves.reliabilities { try fit.reliabilities.update(rule, from: found) }
    moved = max(
      moved, zip(old.eta, fit.reliabilities.eta).map { abs($0 - $1) }.max() ?? 0,
      abs(old.slope - fit.reliabilities.slope))
    fit.iterations += 1
    fit.converged =
      moved < moves.tolerance
      || ((moves.slope || model.parameterCount > 0) && fit.objective.isFinite && moved < 1e-5
        && abs(fit.objective - before) <= 1e-13 * (1 + abs(before)))
    fit.objective = before
  }

  /// Full EM from `fit` until it stands still or `iterations` are done. Returns the objective before every iteration.
  @discardableResult
  public func maximise(_ fit: inout NoiseFit, iterations: Int = 2000, _ moves: Moves = Moves()) throws
    -> [Double]
  {
    var path: [Double] = []
    while path.count < iterations, !fit.converged {
      try step(&fit, moves)
      path.append(fit.objective)
    }
    return path
  }

  /// M-step of the parameters: soft labels w on the observed order, 1 − w on the other, from where they are.
  private func maximise(_ start: [Double], posterior: [Double], slope: Double) throws -> [Double] {
    let solver = LBFGS(tolerance: 1e-7, stepLimit: 20)
    return try solver.minimise(from: start) { parameters, gradient in
      let margins = try model.margins(parameters)
      var perPair = margins
      var sum = 0.0
      for i in perPair.indices {
        let u = slope * margins[i]
        let weight = weights?[i] ?? 1
        let e = exp(-abs(u))
        let p = (u >= 0 ? 1 : e) / (1 + e)
        perPair[i] = weight * slope * (p - posterior[i])
        sum += weight * (log1p(e) + (u >= 0 ? (1 - posterior[i]) * u : -posterior[i] * u))
      }
      gradient = try model.gather(perPair)
      for i in gradient.indices { gradient[i] += ridge * parameters[i] }
      return sum + ridge / 2 * dot(parameters, parameters)
    }.point
  }

  /// The same optimum by one quasi-Newton search over (θ, logit η): fastest when parameters are few.
  ///
  /// κ stays where it is.
  ///
  /// - Parameter moves: whether η moves.
  public func maximiseDirectly(
    from fit: NoiseFit, stepLimit: Int = 1000, _ moves: Moves = Moves()
  ) throws -> NoiseFit {
    let p = model.parameterCount
    let slope = fit.reliabilities.slope
    let limit = log((1 - Reliabilities.floor) / Reliabilities.floor)
    func reliabilities(_ point: [Double]) -> Reliabilities {
      var result = fit.reliabilities
      result.eta = point[p...].map { sigmoid(min(limit, max(-limit, $0))) }
      return result
    }
    let start = fit.parameters + fit.reliabilities.logits
    let solution = try LBFGS(stepLimit: stepLimit).minimise(from: start) { point, gradient in
      let parameters = Array(point[..<p])
      let current = reliabilities(point)
      let found = try current.expect(model.margins(parameters), annotators: annotators, weights: weights)
      var slopes = try model.gather(slope == 1 ? found.gradient : found.gradient.map { $0 * slope })
      for i in slopes.indices { slopes[i] += ridge * parameters[i] }
      let total = pseudo.right + pseudo.wrong
      // By logit η: Σ (η − w), and the same of the pseudo-counts; 0 beyond the clamp.
      slopes += current.eta.indices.map { k in
        !moves.reliabilities || abs(point[p + k]) > limit
          ? 0 : (found.count[k] + total) * current.eta[k] - found.sum[k] - pseudo.right
      }
      gradient = slopes
      return found.loss + penalty(parameters, current.eta)
    }
    var result = fit
    result.parameters = Array(solution.point[..<p])
    result.reliabilities = reliabilities(solution.point)
    result.objective = solution.value
    result.iterations += solution.steps
    result.converged = solution.converged
    return result
  }
}
