import PenchantKernels
import PenchantTape

/// Trains a policy, and its critic where it has one, on batches of answers.
///
/// ```swift
/// let learner = try PolicyLearner(policy, on: store, critic: (critic, criticStore), configuration)
/// let outcome = try learner.learn(batch)
/// ```
///
/// The batch says how likely the answers were when they were drawn, so it may be a few steps old.
public final class PolicyLearner<Policy: TokenNetwork, Critic: TokenNetwork>
where Policy.Rows == Critic.Rows {
  public let configuration: PolicyConfiguration
  public let policy: TokenRunner<Policy>
  public let critic: TokenRunner<Critic>?
  public let policyOptimizer: Optimizer
  public let criticOptimizer: Optimizer?
  private var policySteps: [Int: PolicyStep] = [:]
  private var criticSteps: [Int: CriticStep] = [:]

  /// What a batch did.
  public struct Outcome: Sendable, Equatable {
    /// Loss of the policy at the last pass; 0 while only the critic learns.
    public var policyLoss: Double
    /// Mean squared error of the critic at the last pass; 0 without one.
    public var criticLoss: Double
    /// Norm of the policy's gradient before it was clipped.
    public var gradientNorm: Double
    /// Mean size of an advantage.
    public var advantage: Double
  }

  private struct PolicyStep {
    var step: TrainingStep
    var inputs: Policy.Inputs
    var ids: Ids
    var advantages, old, reference, weights: Tensor
  }
  private struct CriticStep {
    var step: TrainingStep
    var inputs: Critic.Inputs
    var targets, old, weights: Tensor
  }

  /// - Throws: `TapeError.memory`.
  public init(
    _ policy: Policy, on store: ParameterStore, critic: (network: Critic, store: ParameterStore)?,
    _ configuration: PolicyConfiguration
  ) throws(TapeError) {
    self.configuration = configuration
    self.policy = TokenRunner(policy, on: store)
    var settings = OptimizerConfiguration.adam(configuration.learningRate)
    settings.clip = configuration.gradientClip
    policyOptimizer = try Optimizer(settings, for: store)
    if let critic, configuration.algorithm == .ppo {
      self.critic = TokenRunner(critic.network, on: critic.store)
      settings = OptimizerConfiguration.adam(configuration.criticRate)
      settings.clip = configuration.gradientClip
      criticOptimizer = try Optimizer(settings, for: critic.store)
    } else {
      self.critic = nil
      criticOptimizer = nil
    }
  }

  /// Learns from a batch.
  ///
  /// - Parameter warmingUp: the critic learns, the policy stays; without a critic nothing happens.
  /// - Throws: `PolicyError.batch`, `KernelError`; `TapeError.nonFinite` names the tensor and leaves that
  ///   network as it was.
  public func learn(_ batch: PolicyBatch<Policy.Rows>, warmingUp: Bool = false) throws -> Outcome {
    try batch.check()
    var outcome = Outcome(policyLoss: 0, criticLoss: 0, gradientNorm: 0, advantage: 0)
    guard batch.tokens > 0 else { return outcome }
    let values =
      try critic?.outputs(of: batch.rows, count: batch.tokens) ?? [Float](repeating: 0, count: batch.tokens)
    let credit = try TokenCredit(batch, values: values, configuration)
    outcome.advantage =
      credit.advantages.reduce(0.0) { $0 + Double(abs($1)) } / Double(batch.tokens)
    let size = paddedRows(batch.tokens)
    var weights = [Float](repeating: 0, count: size)
    for t in 0..<batch.tokens { weights[t] = 1 / Float(batch.tokens) }
    func padded(_ x: [Float]) -> [Float] { x + [Float](repeating: 0, count: size - x.count) }

    for _ in 0..<configuration.passes {
      if let critic {
        let step = try criticStep(size, critic)
        try critic.network.feed(batch.rows, to: step.inputs, count: size, of: step.step)
        try step.step.set(step.targets, to: padded(credit.targets))
        try step.step.set(step.old, to: padded(values))
        try step.step.set(step.weights, to: weights)
        outcome.criticLoss = Double(try step.step.run().loss)
      }
      guard !warmingUp else { continue }
      let step = try policyStep(size)
      try policy.network.feed(batch.rows, to: step.inputs, count: size, of: step.step)
      try step.step.set(
        step.ids, to: batch.ids + [UInt32](repeating: ignoredToken, count: size - batch.tokens))
      try step.step.set(step.advantages, to: padded(credit.advantages))
      if configuration.algorithm != .reinforce {
        try step.step.set(step.old, to: padded(batch.logProbabilities))
      }
      if isPenalised { try step.step.set(step.reference, to: padded(batch.reference)) }
      try step.step.set(step.weights, to: weights)
      let made = try step.step.run()
      outcome.policyLoss = Double(made.loss)
      outcome.gradientNorm = made.gradientNorm
    }
    return outcome
  }

  /// The divergence stands in the loss.
  private var isPenalised: Bool {
    configuration.algorithm.isGrouped && configuration.penalty > 0 && configuration.estimator != .none
  }

  private func policyStep(_ size: Int) throws(TapeError) -> PolicyStep {
    if let known = policySteps[size] { return known }
    let tape = Tape()
    let (logits, inputs) = policy.network.record(size, on: tape)
    let ids = tape.ids("tokens", [size])
    let columns = ["advantages", "old", "reference", "weights"].map { tape.input($0, [size]) }
    let isClipped = configuration.algorithm != .reinforce
    let loss = Loss.policy(
      logits: logits, ids: ids, advantages: columns[0], old: isClipped ? columns[1] : nil,
      reference: isPenalised ? columns[2] : nil, weights: columns[3],
      options: PolicyLossOptions(
        estimator: isPenalised ? configuration.estimator : .none, penalty: Float(configuration.penalty),
        clipLow: Float(configuration.clip), clipHigh: Float(configuration.clip)))
    let step = PolicyStep(
      step: try TrainingStep(loss, optimizer: policyOptimizer), inputs: inputs, ids: ids,
      advantages: columns[0], old: columns[1], reference: columns[2], weights: columns[3])
    policySteps[size] = step
    return step
  }

  private func criticStep(_ size: Int, _ critic: TokenRunner<Critic>) throws(TapeError) -> CriticStep {
    if let known = criticSteps[size] { return known }
    guard let optimizer = criticOptimizer else {
      throw .recording(operation: "PolicyLearner", detail: "a critic without an optimiser")
    }
    let tape = Tape()
    let (values, inputs) = critic.network.record(size, on: tape)
    let columns = ["targets", "old", "weights"].map { tape.input($0, [size]) }
    let loss = Loss.value(
      values, target: columns[0], old: columns[1], weights: columns[2],
      clip: Float(configuration.valueClip))
    let step = CriticStep(
      step: try TrainingStep(loss, optimizer: optimizer), inputs: inputs, targets: columns[0],
      old: columns[1], weights: columns[2])
    criticSteps[size] = step
    return step
  }
}
