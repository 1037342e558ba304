import Foundation
import PenchantData
import PenchantKernels
import PenchantTape
import PenchantTrain
import PolicyOptimisation

/// A token world with what training with preferences starts from: a policy fitted to demonstrations, a reward
/// model fitted to comparisons of its answers, and the rewards of reference answers to every prompt.
public final class PreparedWorld {
  public let world: TokenWorld
  /// π_ref, and where training starts.
  let reference: TokenRunner<TokenWorldPolicy>
  let proxy: TokenRunner<FeatureNetwork>
  /// `references` answers to every prompt and their rewards.
  public let answers: TokenAnswers
  public let references: ReferenceRewards
  /// What is taken off the reward model's output: the mean of the references, less `offset`.
  let shift: Float
  /// Nats a token of the demonstrations under the reference policy.
  public let demonstrationLoss: Double
  /// Share of held-out comparisons that the reward model puts in the order of their label.
  public let proxyAccuracy: Double
  /// True rewards of the answers of the reference policy to held-out prompts, `samples` a prompt.
  let heldOutGold: [Double]

  static let samples = 4

  /// - Parameters:
  ///   - offset: added to every reward; what a centred shaping does not notice.
  ///   - references: answers of the reference policy to every prompt.
  public init(seed: UInt64, references: Int = 10, offset: Double = 0) throws {
    let world = try TokenWorld(seed: seed)
    self.world = world
    let (policy, store) = try TokenWorldPolicy.make(seed: seed)
    demonstrationLoss = try Self.imitate(world, policy, store)
    reference = TokenRunner(policy, on: store)
    let fitted = try Self.fitProxy(world, reference)
    proxy = fitted.proxy
    proxyAccuracy = fitted.accuracy

    let everyone = (0..<UInt32(world.promptCount)).flatMap { [UInt32](repeating: $0, count: references) }
    answers = try reference.draw(
      everyone, in: world, seed: seed, stream: TokenWorld.Purpose.references.stream()
    ).answers
    let raw = try proxy.outputs(of: world.summaries(answers), count: answers.count)
    let shift = Float(raw.reduce(0.0) { $0 + Double($1) } / Double(max(1, raw.count)) - offset)
    self.shift = shift
    self.references = try ReferenceRewards(raw.map { $0 - shift }, perPrompt: references)
    heldOutGold = world.gold(
      try reference.draw(
        Self.heldOut(world), in: world, seed: seed, stream: TokenWorld.Purpose.references.stream(1)
      ).answers)
  }

  /// Held-out prompts, `samples` times each.
  static func heldOut(_ world: TokenWorld) -> [UInt32] {
    (UInt32(world.trainPrompts)..<UInt32(world.promptCount)).flatMap {
      [UInt32](repeating: $0, count: samples)
    }
  }

  /// What a policy does on held-out prompts.
  struct Showing {
    var answers: TokenAnswers
    var rows: FeatureRows
    /// KL from the reference policy, nats an answer, estimated by its own answers.
    var divergence: Double
    /// Mean true reward, and the share of answers with more of it than the reference policy's.
    var gold: Double
    var win: Double
  }

  func showing(_ policy: TokenRunner<TokenWorldPolicy>) throws -> Showing {
    let (answers, logs) = try policy.draw(
      Self.heldOut(world), in: world, seed: world.seed, stream: TokenWorld.Purpose.evaluation.stream())
    let rows = world.rows(answers)
    let reference = try reference.logProbabilities(of: rows, ids: answers.ids).logProbabilities
    let gold = world.gold(answers)
    let n = Double(answers.count)
    let wins = zip(gold, heldOutGold).reduce(0.0) { $0 + ($1.0 > $1.1 ? 1 : $1.0 == $1.1 ? 0.5 : 0) }
    let apart = zip(logs, reference).reduce(0.0) { $0 + Double($1.0) - Double($1.1) }
    return Showing(
      answers: answers, rows: rows, divergence: apart / n, gold: gold.reduce(0, +) / n, win: wins / n)
  }

  /// Rewards of the reward model.
  func rewards(_ answers: TokenAnswers) throws -> [Float] {
    try proxy.outputs(of: world.summaries(answers), count: answers.count).map { $0 - shift }
  }

  // MARK: The reference policy

  /// 1,500 steps of 128 demonstrations; nats a token at the end.
  private static func imitate(_ world: TokenWorld, _ policy: TokenWorldPolicy, _ store: ParameterStore) throws
    -> Double
  {
    var draws = Philox(seed: world.seed, stream: TokenWorld.Purpose.order.stream())
    var recent = 0.0
    var optimizer: Optimizer?
    for (rate, steps) in [(5e-3, 1000), (1e-3, 500)] {
      var settings = OptimizerConfiguration.adam(rate)
      settings.clip = 1
      let next = try Optimizer(settings, for: store)
      if let optimizer { try next.restore(optimizer.state) }
      optimizer = next
      var programs: [Int: (step: TrainingStep, inputs: Tensor, ids: Ids)] = [:]
      for step in 0..<steps {
        let prompts = (0..<128).map { _ in UInt32(draws.index(below: world.trainPrompts)) }
        let shown = world.demonstrations(prompts, step: step + (rate < 5e-3 ? 1000 : 0))
        let size = (shown.tokens + 255) / 256 * 256
        if programs[size] == nil {
          let tape = Tape()
          let (logits, inputs) = policy.record(size, on: tape)
          let ids = tape.ids("tokens", [size])
          programs[size] = (
            try TrainingStep(Loss.crossEntropy(logits: logits, ids: ids), optimizer: next), inputs, ids
          )
        }
        guard let program = programs[size] else { continue }
        try policy.feed(world.rows(shown), to: program.inputs, count: size, of: program.step)
        try program.step.set(
          program.ids, to: shown.ids + [UInt32](repeating: ignoredToken, count: size - shown.tokens))
        let loss = Double(try program.step.run().loss)
        recent = recent == 0 ? loss : 0.98 * recent + 0.02 * loss
      }
    }
    return recent
  }

  // MARK: The reward model

  private static let (pairs, heldOutPairs, batch) = (4000, 2000, 64)

  /// Fits the reward model to 4,000 comparisons of two answers by noisy people, and keeps the epoch that
  /// explains 2,000 further ones best.
  private static func fitProxy(_ world: TokenWorld, _ reference: TokenRunner<TokenWorldPolicy>) throws -> (
    proxy: TokenRunner<FeatureNetwork>, accuracy: Double
  ) {
    let all = pairs + heldOutPairs
    var draws = Philox(seed: world.seed, stream: TokenWorld.Purpose.labels.stream())
    let prompts = (0..<all).flatMap { _ in
      [UInt32](repeating: UInt32(draws.index(below: world.trainPrompts)), count: 2)
    }
    let answers = try reference.draw(
      prompts, in: world, seed: world.seed, stream: TokenWorld.Purpose.pairs.stream()
    ).answers
    let gold = world.gold(answers)
    let rows = world.summaries(answers)
    // Place of the answer that was chosen, of each pair.
    let chosen = (0..<all).map { i in
      draws.uniform() < sigmoid(gold[2 * i] - gold[2 * i + 1]) ? 2 * i : 2 * i + 1
    }

    var layout = ParameterLayout()
    let network = FeatureNetwork(
      [TokenWorld.summary, 32, 32, 1], activation: .relu, lastScale: 0.1, named: "proxy", in: &layout)
    let store = try ParameterStore(layout, seed: world.seed)
    try network.zeroBiases(in: store)
    var settings = OptimizerConfiguration.adam(1e-3)
    settings.decay = 1e-4
    settings.clip = 1
    let optimizer = try Optimizer(settings, for: store)
    let tape = Tape()
    let sides = ["chosen", "rejected"].map { tape.input($0, [batch, TokenWorld.summary]) }
    let weights = tape.input("weights", [batch])
    let step = try TrainingStep(
      Loss.bradleyTerry(chosen: network(sides[0]), rejected: network(sides[1]), weights: weights),
      optimizer: optimizer)
    let runner = TokenRunner(network, on: store)

    func gathered(_ places: [Int]) -> [Float] {
      var values: [Float] = []
      values.reserveCapacity(places.count * TokenWorld.summary)
      for place in places {
        values += rows.values[place * TokenWorld.summary..<(place + 1) * TokenWorld.summary]
      }
      return values
    }
    func margins() throws -> [Double] {
      let scores = try runner.outputs(of: rows, count: 2 * all)
      return (pairs..<all).map { Double(scores[chosen[$0]]) - Double(scores[chosen[$0] ^ 1]) }
    }
    var best = (loss: Double.infinity, values: [[Float]](), accuracy: 0.0)
    var batcher = try Batcher(count: pairs, batchSize: batch, seed: world.seed)
    for _ in 0..<12 {
      for _ in 0..<batcher.batchesPerEpoch {
        let drawn = try batcher.next()
        try step.set(sides[0], to: gathered(drawn.indices.map { chosen[$0] }))
        try step.set(sides[1], to: gathered(drawn.indices.map { chosen[$0] ^ 1 }))
        try step.set(weights, to: drawn.weights)
        try step.run()
      }
      let found = try margins()
      let loss = found.reduce(0) { $0 + softplus(-$1) } / Double(heldOutPairs)
      if loss < best.loss {
        best = (
          loss, try store.parameters.map { try store.copy(of: $0) },
          Double(found.count { $0 > 0 }) / Double(heldOutPairs)
        )
      }
    }
    for (parameter, values) in zip(store.parameters, best.values) { try store.set(parameter, to: values) }
    return (runner, best.accuracy)
  }
}
