import PenchantData
import PenchantKernels
import PenchantTape
import PenchantTrain
import PolicyOptimisation

/// Training of a policy of the token world on shaped rewards, one batch of answers a step; what is measured
/// on held-out prompts is its curve.
public struct OveroptimisationTask: TrainingTask {
  public let prepared: PreparedWorld
  public let policy: PolicyConfiguration
  public private(set) var shaper: RewardShaper
  /// What held-out prompts have shown so far.
  public private(set) var curve: [PolicyPoint] = []
  private let batch: Int
  private let learner: PolicyLearner<TokenWorldPolicy, FeatureNetwork>
  private let criticStore: ParameterStore
  /// Sums since the last point.
  private var since = Since()

  private struct Since: Codable, Equatable {
    var steps = 0
    var criticLoss = 0.0
    var advantage = 0.0
  }
  /// What a checkpoint holds besides networks.
  private struct Saved: Codable {
    var curve: [PolicyPoint]
    var moments: RewardMoments
    var since: Since
  }

  /// - Throws: `ConfigurationError`, `ShapingError`, `TapeError.memory`.
  public init(
    _ prepared: PreparedWorld, shaping: RewardShaping, policy: PolicyConfiguration, prompts batch: Int = 128
  ) throws {
    self.prepared = prepared
    self.policy = policy
    self.batch = batch
    shaper = try RewardShaper(shaping, references: prepared.references)
    let seed = prepared.world.seed
    let (network, store) = try TokenWorldPolicy.make(seed: seed)
    for parameter in store.parameters {
      try store.set(parameter, to: prepared.reference.store.copy(of: parameter))
    }
    var layout = ParameterLayout()
    let critic = FeatureNetwork(
      [TokenWorld.features, 32, 32, 1], activation: .tanh, lastScale: 0.01, named: "critic", in: &layout)
    criticStore = try ParameterStore(layout, seed: seed)
    try critic.zeroBiases(in: criticStore)
    learner = try PolicyLearner(network, on: store, critic: (critic, criticStore), policy)
  }

  public var stepsPerEpoch: Int { max(1, prepared.world.trainPrompts / batch) }

  /// The policy as it stands.
  var runner: TokenRunner<TokenWorldPolicy> { learner.policy }

  /// Prompts of a step: drawn anew, each as often as its group is large.
  private func prompts(_ number: Int) -> [UInt32] {
    let world = prepared.world
    var draws = Philox(seed: world.seed, stream: TokenWorld.Purpose.order.stream(1 + number))
    let group = policy.algorithm.isGrouped ? policy.groupSize : 1
    return (0..<max(1, batch / group)).flatMap { _ in
      [UInt32](repeating: UInt32(draws.index(below: world.trainPrompts)), count: group)
    }
  }

  public mutating func step(_ number: Int) throws -> StepOutcome {
    let world = prepared.world
    let (answers, logs) = try learner.policy.draw(
      prompts(number), in: world, seed: world.seed, stream: TokenWorld.Purpose.answers.stream(number))
    let rows = world.rows(answers)
    let shaped = try shaper.shape(
      prepared.rewards(answers), prompts: answers.prompts,
      lengths: (0..<answers.count).map { answers.offsets[$0 + 1] - answers.offsets[$0] })
    let reference = try prepared.reference.logProbabilities(of: rows, ids: answers.ids).logProbabilities
    let drawn = PolicyBatch(
      rows: rows, offsets: answers.offsets, ids: answers.ids, logProbabilities: logs, reference: reference,
      rewards: shaped)
    do {
      let isWarmup = number < policy.warmup && policy.algorithm == .ppo
      let made = try learner.learn(drawn, warmingUp: isWarmup)
      since.steps += 1
      since.criticLoss += made.criticLoss
      since.advantage += made.advantage
      return StepOutcome(
        loss: isWarmup ? made.criticLoss : made.policyLoss, learningRate: policy.learningRate,
        gradientNorm: made.gradientNorm)
    } catch let error as TapeError {
      guard case .nonFinite(let tensor, _) = error else { throw error }
      return StepOutcome(loss: .nan, learningRate: policy.learningRate, nonFinite: tensor)
    }
  }

  /// Measures held-out prompts. The point goes to the curve; nothing is watched, so that no step is chosen by
  /// the true reward, which nobody has outside of a world like this.
  public mutating func validate() throws -> [(name: String, value: Double)] {
    let step = Int(learner.policyOptimizer.step)
    if curve.isEmpty && step > 0 { curve.append(try point(0, of: prepared.reference)) }
    // While the critic warms up the policy stands still: that is one point.
    if curve.last?.step == step { curve.removeLast() }
    curve.append(try point(step, of: learner.policy))
    since = Since()
    return []
  }

  private func point(_ step: Int, of policy: TokenRunner<TokenWorldPolicy>) throws -> PolicyPoint {
    let shown = try prepared.showing(policy)
    let entropies = try policy.logProbabilities(of: shown.rows, ids: shown.answers.ids).entropies
    let proxy = try prepared.rewards(shown.answers)
    var par = try RewardShaper(RewardShaping(.par), references: prepared.references)
    let preference = try par.shape(proxy, prompts: shown.answers.prompts)
    func mean(_ x: [Float]) -> Double { x.reduce(0.0) { $0 + Double($1) } / Double(max(1, x.count)) }
    let steps = Double(max(1, since.steps))
    return PolicyPoint(
      step: step, divergence: shown.divergence, proxy: mean(proxy), gold: shown.gold, win: shown.win,
      preference: mean(preference), length: shown.answers.meanLength, entropy: mean(entropies),
      criticLoss: since.criticLoss / steps, advantage: since.advantage / steps)
  }

  // MARK: Files

  public func checkpointFiles() throws -> [String: [UInt8]] {
    var files = try TapeFiles.files(
      learner.policy.store, learner.policyOptimizer, metadata: ["system": PAR.system])
    if let optimizer = learner.criticOptimizer {
      for (name, bytes) in try TapeFiles.files(criticStore, optimizer, metadata: ["system": PAR.system]) {
        files["critic-\(name)"] = bytes
      }
    }
    files["curve.json"] = Array(
      try JSON.encode(Saved(curve: curve, moments: shaper.moments, since: since)))
    return files
  }

  public mutating func restore(_ files: [String: [UInt8]]) throws {
    guard let bytes = files["curve.json"] else { throw CheckpointError("the checkpoint has no curve.json") }
    let saved = try JSON.decode(Saved.self, from: bytes)
    try TapeFiles.restore(files, into: learner.policy.store, learner.policyOptimizer)
    if let optimizer = learner.criticOptimizer {
      let own = files.filter { $0.key.hasPrefix("critic-") }.map {
        (String($0.key.dropFirst("critic-".count)), $0.value)
      }
      try TapeFiles.restore(
        Dictionary(own, uniquingKeysWith: { first, _ in first }), into: criticStore, optimizer)
    }
    shaper = try RewardShaper(shaper.shaping, references: prepared.references, moments: saved.moments)
    (curve, since) = (saved.curve, saved.since)
  }
}
