import PenchantData
import PenchantKernels
import PenchantTape
import PenchantTrain

/// Moves a model towards the preferred of pairs, by whichever method; one loop and one log for all of them.
struct AlignmentTask: TrainingTask {
  /// What the kept model is chosen by: the reward, −∞ for a model off the data or past its rise.
  static let watched = "reward_kept"

  private let configuration: AlignmentConfiguration
  private let policy: Denoiser
  private let reference: Denoiser
  private let pairs: SamplePairs
  private let source: AlignmentSource
  private let watch: AlignmentWatch
  private let optimizer: Optimizer
  private let graph: AlignmentGraph
  private let training: TrainingStep
  private var batcher: Batcher
  private let seed: UInt64
  private let beta: Float
  /// Of the last pair step, for the log.
  private(set) var signs = PairSigns()
  /// Steps made since the start of the run.
  private var made = 0
  /// Rows that a network was asked about, without gradients, since the start of this process.
  private(set) var calls = 0

  /// - Parameter pairs: to train on.
  init(
    _ policy: Denoiser, reference: Denoiser, pairs: SamplePairs, watch: AlignmentWatch,
    configuration: AlignmentConfiguration, seed: UInt64
  ) throws {
    self.configuration = configuration
    self.policy = policy
    self.reference = reference
    self.pairs = pairs
    self.watch = watch
    self.seed = seed
    let method = configuration.objective.method
    beta = configuration.beta(for: policy.shape)
    source = AlignmentSource(
      configuration, samples: pairs.samples, policy: policy, reference: reference, seed: seed)
    batcher = try Batcher(count: pairs.count, batchSize: configuration.optimizer.rows, seed: seed)
    let updates =
      configuration.run.total(stepsPerEpoch: batcher.batchesPerEpoch)
      * (method.isOnPolicy ? configuration.rollout.updates : 1)
    optimizer = try Optimizer(configuration.optimizer.tape(steps: updates), for: policy.store, seed: seed)
    let tape = Tape()
    graph = AlignmentGraph(
      policy.model, method: method, rows: Self.rows(configuration), beta: beta,
      gamma: Float(configuration.objective.gamma), ratio: configuration.ratio, on: tape)
    training = try TrainingStep(graph.loss, reading: [graph.noised.eps], optimizer: optimizer)
  }

  /// Rows of a step.
  private static func rows(_ configuration: AlignmentConfiguration) -> Int {
    let pairs = configuration.optimizer.rows
    switch configuration.objective.method {
    case .sft: return pairs
    case .ddpo, .d3po: return 2 * pairs * (configuration.rollout.steps - 1)
    default: return 2 * pairs
    }
  }

  var stepsPerEpoch: Int { batcher.batchesPerEpoch }

  mutating func step(_ number: Int) throws -> StepOutcome {
    made = number + 1
    let draw = try PairDraw(
      pairs, &batcher, step: number, steps: policy.schedule.steps,
      dropout: configuration.objective.method.isOnPolicy ? 0 : configuration.objective.classDropout,
      seed: seed)
    return configuration.objective.method.isOnPolicy
      ? try chainStep(draw, number) : try pairStep(draw, number)
  }

  // MARK: Pairs

  private mutating func pairStep(_ draw: PairDraw, _ number: Int) throws -> StepOutcome {
    let method = configuration.objective.method
    let count = method == .sft ? draw.pairs.count : draw.rows.count
    let (times, classes) = (Array(draw.times.prefix(count)), Array(draw.classes.prefix(count)))
    let latents = try source.latents(
      rows: Array(draw.rows.prefix(count)), times: times, classes: classes, step: number)
    calls += latents.calls
    try graph.noised.set(x: latents.x, times: times, classes: classes, of: policy.model, on: training)
    try training.set(graph.target, to: latents.noise)
    var known: [Float]?
    if let input = graph.reference {
      let eps = try reference.noise(in: latents.x, times: times, classes: classes)
      calls += count
      try training.set(input, to: eps)
      known = eps
    }
    try training.set(graph.weights, to: method == .kto ? draw.weights + draw.weights : draw.weights)
    let outcome = try StepOutcome(running: training, rate: optimizer.rate)
    if let known, outcome.nonFinite == nil {
      signs = try PairSigns(
        eps: training.values(of: graph.noised.eps), reference: known, noise: latents.noise, beta: beta,
        weights: draw.weights)
    }
    return outcome
  }

  // MARK: Chains

  private mutating func chainStep(_ draw: PairDraw, _ number: Int) throws -> StepOutcome {
    let rollout = try Rollout(
      policy, classes: draw.classes, steps: configuration.rollout.steps, seed: seed, step: number)
    calls += draw.classes.count * configuration.rollout.steps
    let rewards = try watch.reward.rewards(of: policy.model.samples(rollout.samples, draw.classes))
    let order = configuration.objective.method == .d3po ? Self.winnersFirst(rewards) : Array(rewards.indices)
    let values = policy.shape.count
    func rows(_ all: [Float]) -> [Float] { order.flatMap { all[$0 * values..<($0 + 1) * values] } }
    let classes = order.map { draw.classes[$0] }
    // Half of the chains won: the moves of all of them come first.
    let halves = configuration.objective.method == .d3po ? 2 : 1
    let half = order.count / halves
    var x: [Float] = []
    var (target, factor, precision, before, times, labels) = (
      [Float](), [Float](), [Float](), [Float](), [Int](), [Int]()
    )
    for part in 0..<halves {
      for move in rollout.moves {
        let range = part * half..<(part + 1) * half
        let eps =
          configuration.objective.method == .d3po
          ? try reference.noise(
            in: move.x, times: [Int](repeating: move.time, count: order.count), classes: draw.classes)
          : move.eps
        let log = move.logProbabilities(eps)
        x += rows(move.x)[range.lowerBound * values..<range.upperBound * values]
        target += rows(move.target)[range.lowerBound * values..<range.upperBound * values]
        factor += [Float](repeating: move.factor, count: half)
        precision += [Float](repeating: move.precision, count: half)
        before += order[range].map { log[$0] }
        times += [Int](repeating: move.time, count: half)
        labels += classes[range]
      }
    }
    try graph.noised.set(x: x, times: times, classes: labels, of: policy.model, on: training)
    try training.set(graph.target, to: target)
    if let chain = graph.chain {
      try training.set(chain.factor, to: factor)
      try training.set(chain.precision, to: precision)
      try training.set(chain.before, to: before)
    }
    let advantages = Self.advantages(rewards, classes: draw.classes)
    try training.set(
      graph.weights,
      to: configuration.objective.method == .d3po
        ? [Float](repeating: 1, count: half * rollout.moves.count)
        : rollout.moves.flatMap { _ in advantages })
    var outcome = try StepOutcome(running: training, rate: optimizer.rate)
    for _ in 1..<configuration.rollout.updates where outcome.nonFinite == nil {
      outcome = try StepOutcome(running: training, rate: optimizer.rate)
    }
    return outcome
  }

  /// Chains `i` and `i + half` have one class: the better of the two goes to the first half.
  private static func winnersFirst(_ rewards: [Double]) -> [Int] {
    let half = rewards.count / 2
    let winners = (0..<half).map { rewards[$0] >= rewards[$0 + half] ? $0 : $0 + half }
    return winners + winners.map { $0 < half ? $0 + half : $0 - half }
  }

  /// Rewards as deviations from the mean of their class, in its deviations, kept in ±5 (DDPO section 4).
  private static func advantages(_ rewards: [Double], classes: [Int]) -> [Float] {
    let groups = Dictionary(grouping: rewards.indices) { classes[$0] }
    var result = [Float](repeating: 0, count: rewards.count)
    for places in groups.values {
      let mean = places.reduce(0) { $0 + rewards[$1] } / Double(places.count)
      let variance =
        places.reduce(0) { $0 + (rewards[$1] - mean) * (rewards[$1] - mean) } / Double(places.count)
      for place in places {
        result[place] = Float(min(5, max(-5, (rewards[place] - mean) / (variance.squareRoot() + 1e-8))))
      }
    }
    return result
  }

  // MARK: Looking and saving

  mutating func validate() throws -> [(name: String, value: Double)] {
    let look = try watch.look(at: policy)
    try watch.show(look, step: made)
    let isWithin = look.off <= watch.start.off + configuration.watching.budget
    let hasRisen = configuration.watching.rise > 0 && (look.held?.rise ?? 0) > configuration.watching.rise
    return look.metrics + signs.metrics + [
      (Self.watched, isWithin && !hasRisen && look.reward.isFinite ? look.reward : -.infinity),
      ("network_calls", Double(calls)),
    ]
  }

  func checkpointFiles() throws -> [String: [UInt8]] {
    try TapeFiles.files(policy.store, optimizer, metadata: ["system": FittedDiffusion.system])
  }

  mutating func restore(_ files: [String: [UInt8]]) throws {
    try TapeFiles.restore(files, into: policy.store, optimizer)
  }
}
