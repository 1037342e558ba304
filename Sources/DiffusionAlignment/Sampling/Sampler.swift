import PenchantKernels
import PenchantTrain

/// How samples are drawn: DDIM (Song et al. 2021), with noise up to DDPM's posterior.
public struct SamplingConfiguration: Sendable, Equatable, Codable {
  /// Moves from noise to sample.
  public var steps = 50
  /// 0 is DDIM, 1 the posterior of DDPM.
  public var eta = 0.0
  /// Classifier-free guidance: 1 is none; more draws samples towards their class.
  public var guidance = 1.0

  public init() {}

  public func validate() throws(ConfigurationError) {
    try checkSetting(steps >= 1, "sampling.steps", "at least 1", steps)
    try checkSetting(eta >= 0 && eta <= 1, "sampling.eta", "between 0 and 1", eta)
    try checkSetting(guidance.isFinite, "sampling.guidance", "a finite number", guidance)
  }
}

/// Draws samples from a predictor.
public struct Sampler {
  public let configuration: SamplingConfiguration
  public let predictor: any NoisePredictor

  public init(
    _ configuration: SamplingConfiguration = SamplingConfiguration(), of predictor: any NoisePredictor
  ) {
    self.configuration = configuration
    self.predictor = predictor
  }

  /// Times from noise to sample: evenly spaced, the first is the last of the schedule ("trailing", Lin et al. 2024).
  public var times: [Int] {
    let (all, steps) = (predictor.schedule.steps, min(configuration.steps, predictor.schedule.steps))
    return (0..<steps).map { all - 1 - $0 * all / steps }
  }

  /// Samples of the classes. Sample *i* is a function of the numbers of the model, the seed and *i*: those of two models are
  /// comparable one by one.
  ///
  /// - Parameter classes: one a sample, `DiffusionModel.noClass` for none.
  /// - Throws: `KernelError`, `TapeError`.
  public func samples(_ classes: [Int], seed: UInt64) throws -> [Float] {
    try walk(classes, seed: seed, rows: classes.indices.map(UInt64.init)) { _ in }
  }

  /// One move of all samples.
  struct Move {
    var time: Int
    /// Before and after, `[rows, values]`.
    var x: [Float]
    var next: [Float]
    var eps: [Float]
    var coefficients: DDIMMove
  }

  /// From noise to samples, every move shown.
  ///
  /// - Parameter rows: address of each sample's noise.
  func walk(
    _ classes: [Int], seed: UInt64, rows: [UInt64], each: (Move) throws -> Void
  ) throws -> [Float] {
    let values = predictor.shape.count
    var x = try Draws(seed: seed, purpose: .start).normals(rows: rows, values)
    let times = times
    for (step, time) in times.enumerated() {
      let from = predictor.schedule.level(time)
      let to = step + 1 < times.count ? predictor.schedule.level(times[step + 1]) : 1
      let eps = try noise(x, time, classes)
      let move = try DDIMMove(from: from, to: to, eta: configuration.eta)
      let z =
        move.spread > 0
        ? try Draws(seed: seed, purpose: .transition(step)).normals(rows: rows, values) : nil
      let next = try moved(x, eps, move, z)
      try each(Move(time: time, x: x, next: next, eps: eps, coefficients: move))
      x = next
    }
    return x
  }

  /// ε with guidance.
  private func noise(_ x: [Float], _ time: Int, _ classes: [Int]) throws -> [Float] {
    let times = [Int](repeating: time, count: classes.count)
    let given = try predictor.noise(in: x, times: times, classes: classes)
    guard configuration.guidance != 1, classes.contains(where: { $0 >= 0 }) else { return given }
    let free = try predictor.noise(
      in: x, times: times, classes: [Int](repeating: DiffusionModel.noClass, count: classes.count))
    let guidance = Float(configuration.guidance)
    return zip(given, free).map { $1 + guidance * ($0 - $1) }
  }

  private func moved(_ x: [Float], _ eps: [Float], _ move: DDIMMove, _ z: [Float]?) throws -> [Float] {
    var out = [Float](repeating: 0, count: x.count)
    let rows = predictor.shape.count == 0 ? 0 : x.count / predictor.shape.count
    var span = out.mutableSpan
    try ddimMove([DDIMMove](repeating: move, count: rows), x.span, eps: eps.span, z: z?.span, into: &span)
    return out
  }
}
