import PenchantData
import PenchantKernels
import PenchantTape
import PenchantTrain

/// How much a single pair says: ‖E g‖² / tr Var g of the gradient of one pair at the starting model (InPO section 14 B).
public struct GradientProbe {
  public struct Row: Codable, Sendable {
    public var method: String
    /// ‖E g‖², without the share of the variance that a mean over few draws has.
    public var signal: Double
    /// tr Var g.
    public var variance: Double
    public var ratio: Double { signal / variance }
  }

  private let start: FittedDiffusion
  private let pairs: SamplePairs
  private let seed: UInt64

  public init(_ start: FittedDiffusion, pairs: SamplePairs, seed: UInt64 = 0) {
    self.start = start
    self.pairs = pairs.naming(start.model.classNames)
    self.seed = seed
  }

  /// The estimates of InPO, exact and on the grid, inverted by the model itself, and of Diffusion-DPO.
  public func rows(draws: Int) throws -> [Row] {
    func row(_ name: String, _ change: (inout AlignmentConfiguration) -> Void) throws -> Row {
      var configuration = AlignmentConfiguration()
      configuration.objective.preset = .faithful
      change(&configuration)
      return try self.row(name, configuration, draws: draws)
    }
    return [
      try row("inpo, exact landing") { $0.objective.method = .inpo },
      try row("inpo, grid landing") { $0.inversion.landing = .grid },
      try row("dpo, shared noise") { $0.objective.method = .dpo },
      try row("dpo, independent noise") { $0.objective.method = .dpoIndependent },
    ]
  }

  /// The estimate of a method over `draws` draws of a pair and a time.
  public func row(_ name: String, _ configuration: AlignmentConfiguration, draws: Int) throws -> Row {
    var configuration = configuration
    configuration.optimizer.rows = 1
    let policy = Denoiser(try start.model.copy())
    let reference = Denoiser(start.model)
    let source = AlignmentSource(
      configuration, samples: pairs.samples, policy: policy, reference: reference, seed: seed)
    let tape = Tape()
    let graph = AlignmentGraph(
      policy.model, method: configuration.objective.method, rows: 2,
      beta: configuration.beta(for: policy.shape),
      gamma: Float(configuration.objective.gamma), ratio: configuration.ratio, on: tape)
    // A rate of 0: the gradient is made, the numbers stay.
    let step = try TrainingStep(
      graph.loss, optimizer: Optimizer(.sgd(0), for: policy.store, seed: seed))
    var batcher = try Batcher(count: pairs.count, batchSize: 1, seed: seed)
    var sum = [Double](repeating: 0, count: policy.store.layout.count)
    var squares = 0.0
    for number in 0..<draws {
      let draw = try PairDraw(
        pairs, &batcher, step: number, steps: policy.schedule.steps, dropout: 0, seed: seed)
      let latents = try source.latents(
        rows: draw.rows, times: draw.times, classes: draw.classes, step: number)
      try graph.noised.set(x: latents.x, times: draw.times, classes: draw.classes, of: policy.model, on: step)
      try step.set(graph.target, to: latents.noise)
      if let input = graph.reference {
        try step.set(input, to: reference.noise(in: latents.x, times: draw.times, classes: draw.classes))
      }
      try step.set(graph.weights, to: [1])
      try step.run()
      for parameter in policy.store.parameters {
        for (i, value) in try step.gradient(of: parameter).enumerated() {
          sum[parameter.offset + i] += Double(value)
          squares += Double(value) * Double(value)
        }
      }
    }
    let n = Double(draws)
    let mean = sum.reduce(0) { $0 + $1 * $1 } / (n * n)
    let variance = (squares - n * mean) / max(1, n - 1)
    return Row(method: name, signal: max(0, mean - variance / n), variance: variance)
  }
}
