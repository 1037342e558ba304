import Foundation
import PenchantKernels
import PenchantTape
import PenchantTrain
import PolicyOptimisation
import TestSupport
import Testing

/// Policies of one token over five arms: what they learn is known.
private struct Bandit {
  static let worth: [Float] = [0.1, 0.9, 0.4, -0.5, 0.2]
  let store: ParameterStore
  let criticStore: ParameterStore
  let learner: PolicyLearner<FeatureNetwork, FeatureNetwork>
  var draws = RandomStream(seed: 5, stream: 1)

  init(_ change: (inout PolicyConfiguration) -> Void) throws {
    var configuration = PolicyConfiguration()
    configuration.learningRate = 0.05
    configuration.penalty = 0
    configuration.warmup = 0
    change(&configuration)
    var layout = ParameterLayout()
    let policy = FeatureNetwork([1, 5], activation: .tanh, lastScale: 0.01, named: "policy", in: &layout)
    store = try ParameterStore(layout, seed: 1)
    var other = ParameterLayout()
    let critic = FeatureNetwork([1, 1], activation: .tanh, lastScale: 0.01, named: "critic", in: &other)
    criticStore = try ParameterStore(other, seed: 1)
    learner = try PolicyLearner(policy, on: store, critic: (critic, criticStore), configuration)
  }

  var chances: [Double] {
    get throws {
      let logits = try learner.policy.outputs(of: FeatureRows(width: 1, values: [1]), count: 1)
      let top = Double(logits.max() ?? 0)
      let e = logits.map { exp(Double($0) - top) }
      return e.map { $0 / e.reduce(0, +) }
    }
  }

  mutating func batch(_ n: Int, reward: (Int) -> Float = { worth[$0] }) throws -> PolicyBatch<FeatureRows> {
    let rows = FeatureRows(width: 1, values: [Float](repeating: 1, count: n))
    let logits = try learner.policy.outputs(of: rows, count: n)
    var (ids, logs) = ([UInt32](repeating: 0, count: n), [Float](repeating: 0, count: n))
    do {
      var i = ids.mutableSpan
      var l = logs.mutableSpan
      try draws.tokens(logits: logits.span, classes: 5, into: &i, logProbabilities: &l)
    }
    return PolicyBatch(
      rows: rows, offsets: (0...UInt32(n)).map { $0 }, ids: ids, logProbabilities: logs,
      reference: [Float](repeating: -log(5), count: n), rewards: ids.map { reward(Int($0)) })
  }

  mutating func train(_ steps: Int) throws {
    for _ in 0..<steps { _ = try learner.learn(batch(64)) }
  }
}

@Suite struct PolicyLearnerTests {
  @Test(arguments: PolicyConfiguration.Algorithm.allCases)
  func everyAlgorithmFindsTheBestArm(_ algorithm: PolicyConfiguration.Algorithm) throws {
    var bandit = try Bandit { $0.algorithm = algorithm }
    try bandit.train(150)
    #expect(try bandit.chances[1] > 0.9)
  }

  /// The optimum under a penalty is known: π ∝ π_ref e^(r/η).
  @Test(arguments: [PolicyConfiguration.Algorithm.grpo, .reinforce])
  func penaltyHoldsThePolicyAtItsOptimum(_ algorithm: PolicyConfiguration.Algorithm) throws {
    var bandit = try Bandit {
      $0.algorithm = algorithm
      $0.baseline = .centre
      $0.penalty = 0.5
      $0.learningRate = 0.01
    }
    try bandit.train(900)
    let e = Bandit.worth.map { exp(Double($0) / 0.5) }
    for (p, want) in zip(try bandit.chances, e.map { $0 / e.reduce(0, +) }) { #expect(abs(p - want) < 0.06) }
  }

  @Test(arguments: PolicyConfiguration.Algorithm.allCases, [2, 3])
  func sameBits(_ algorithm: PolicyConfiguration.Algorithm, _ threads: Int) throws {
    func run(_ threads: Int) throws -> [Float] {
      try Team.with(threads: threads) { () throws in
        var bandit = try Bandit {
          $0.algorithm = algorithm
          $0.passes = 2
          $0.penalty = 0.01
        }
        try bandit.train(4)
        return try bandit.store.parameters.flatMap { try bandit.store.copy(of: $0) }
      }
    }
    #expect(bits(try run(1)) == bits(try run(threads)))
  }

  @Test func warmupMovesTheCriticAlone() throws {
    var bandit = try Bandit { $0.algorithm = .ppo }
    let (before, critic) = (try values(bandit.store), try values(bandit.criticStore))
    _ = try bandit.learner.learn(bandit.batch(64), warmingUp: true)
    #expect(try values(bandit.store) == before)
    #expect(try values(bandit.criticStore) != critic)
  }

  private func values(_ store: ParameterStore) throws -> [[Float]] {
    try store.parameters.map { try store.copy(of: $0) }
  }

  /// Equal rewards teach nothing: whitened and grouped advantages are 0, and nothing is divided by 0.
  @Test(arguments: PolicyConfiguration.Algorithm.allCases)
  func equalRewardsLeaveThePolicy(_ algorithm: PolicyConfiguration.Algorithm) throws {
    var bandit = try Bandit { $0.algorithm = algorithm }
    let before = try bandit.chances
    _ = try bandit.learner.learn(bandit.batch(64) { _ in 0.7 })
    for (a, b) in zip(before, try bandit.chances) { #expect(abs(a - b) < 1e-5) }
  }

  @Test func batchesThatDoNotFitAreRefused() throws {
    var bandit = try Bandit { $0.algorithm = .grpo }
    let good = try bandit.batch(8)
    let changes: [(String, (inout PolicyBatch<FeatureRows>) -> Void)] = [
      ("the reward of answer 2 is nan", { $0.rewards[2] = .nan }),
      ("log-probabilities: token 1 has -inf", { $0.logProbabilities[1] = -.infinity }),
      ("answer 3 has no token; an empty answer still carries its end", { $0.offsets[4] = 3 }),
      ("9 offsets for 7 answers of 8 tokens in all", { $0.rewards.removeLast() }),
      ("7 reference for 8 tokens", { $0.reference.removeLast() }),
    ]
    for (text, change) in changes {
      var batch = good
      change(&batch)
      #expect(throws: PolicyError.batch(text)) { try bandit.learner.learn(batch) }
    }
    var odd = try Bandit {
      $0.algorithm = .grpo
      $0.groupSize = 3
    }
    #expect(throws: PolicyError.batch("8 answers are not groups of 3")) {
      try odd.learner.learn(odd.batch(8))
    }
  }

  @Test func settingsOutsideTheirRangeAreNamed() {
    let changes: [(String, (inout PolicyConfiguration) -> Void)] = [
      ("policy.penalty must be 0 or more, found -1.0", { $0.penalty = -1 }),
      ("policy.clip must be in 0...1, found 2.0", { $0.clip = 2 }),
      ("policy.learning_rate must be above 0, found 0.0", { $0.learningRate = 0 }),
      (
        "policy.group_size must be 2 to 1024 for grpo, found 1",
        {
          $0.algorithm = .grpo
          $0.groupSize = 1
        }
      ),
    ]
    for (text, change) in changes {
      var configuration = PolicyConfiguration()
      change(&configuration)
      #expect(throws: ConfigurationError(text)) { try configuration.validate("policy") }
    }
    var risky = PolicyConfiguration()
    risky.algorithm = .grpo
    risky.penalty = 0
    #expect(risky.warnings.count == 2 && PolicyConfiguration().warnings.isEmpty)
  }

  /// Credit by its definition: penalty on every token, reward on the last, whitened.
  @Test func creditIsItsDefinition() throws {
    let batch = PolicyBatch(
      rows: 0, offsets: [0, 2, 3], ids: [0, 1, 2], logProbabilities: [-1, -2, -0.5],
      reference: [-1.5, -1, -0.5], rewards: [2, -1])
    var configuration = PolicyConfiguration()
    configuration.penalty = 0.1
    configuration.algorithm = .reinforcePlusPlus
    let rewards = [-0.1 * 0.5, -0.1 * -1 + 2, -1.0]
    let totals = [rewards[0] + rewards[1], rewards[1], rewards[2]]
    let mean = totals.reduce(0, +) / 3
    let deviation = (totals.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 3).squareRoot()
    let credit = try TokenCredit(batch, values: [0, 0, 0], configuration)
    for (a, t) in zip(credit.advantages, totals) { #expect(abs(Double(a) - (t - mean) / deviation) < 1e-5) }
    configuration.algorithm = .grpo
    configuration.groupSize = 2
    configuration.baseline = .centre
    #expect(try TokenCredit(batch, values: [], configuration).advantages == [1.5, 1.5, -1.5])
  }
}

@Suite struct PolicyTheoryTests {
  private func distribution(_ draws: inout Philox, _ n: Int) -> [Double] {
    let e = (0..<n).map { _ in exp(2 * draws.uniform() - 1) * draws.uniform() }
    return e.map { $0 / e.reduce(0, +) }
  }

  /// Σ p k3 = KL(p ‖ q), exactly; the reversed form is χ² − KL.
  @Test func k3IsUnbiasedAndItsReverseIsNot() {
    var draws = Philox(seed: 11)
    for _ in 0..<50 {
      let (p, q) = (distribution(&draws, 10), distribution(&draws, 10))
      let ratio = zip(p, q).map { log($0 / $1) }
      let kl = zip(p, ratio).reduce(0) { $0 + $1.0 * $1.1 }
      let k3 = zip(p, ratio).reduce(0) { $0 + $1.0 * (exp(-$1.1) + $1.1 - 1) }
      let reversed = zip(p, ratio).reduce(0) { $0 + $1.0 * (exp($1.1) - $1.1 - 1) }
      let chi = zip(p, q).reduce(0) { $0 + $1.0 * $1.0 / $1.1 } - 1
      #expect(abs(k3 - kl) < 1e-9 && abs(reversed - (chi - kl)) < 1e-9 * max(1, chi))
    }
  }

  /// T2: rewarding the chance of winning instead of a drawn win has the same gradient and less variance, by
  /// E[|S|² σ(1 − σ)] exactly.
  @Test func chanceOfWinningHasTheLeastVariance() {
    var draws = Philox(seed: 12)
    let p = distribution(&draws, 5)
    let chance = (0..<5).map { _ in draws.uniform() }
    func score(_ arm: Int) -> [Double] { (0..<5).map { ($0 == arm ? 1 : 0) - p[$0] } }
    var (mean, bernoulli, sigma, gap) = ([Double](repeating: 0, count: 5), 0.0, 0.0, 0.0)
    for arm in 0..<5 {
      let s = score(arm)
      let size = s.reduce(0) { $0 + $1 * $1 }
      for d in 0..<5 { mean[d] += p[arm] * chance[arm] * s[d] }
      bernoulli += p[arm] * chance[arm] * size
      sigma += p[arm] * chance[arm] * chance[arm] * size
      gap += p[arm] * size * chance[arm] * (1 - chance[arm])
    }
    let centre = mean.reduce(0) { $0 + $1 * $1 }
    #expect(abs((bernoulli - centre) - (sigma - centre) - gap) < 1e-12 && gap > 0)
  }

  @Test(arguments: OveroptimisationLaw.Form.allCases) func lawIsFound(_ form: OveroptimisationLaw.Form) throws
  {
    let (alpha, beta) = (1.3, 0.35)
    let points = (1...20).map { i -> (divergence: Double, gold: Double) in
      let kl = 0.4 * Double(i)
      let d = kl.squareRoot()
      return (kl, form == .reinforcement ? d * (alpha - beta * log(d)) : d * (alpha - beta * d))
    }
    let law = try #require(OveroptimisationLaw(form, fitting: points + [(0, 0), (.nan, 1)]))
    #expect(abs(law.alpha - alpha) < 1e-9 && abs(law.beta - beta) < 1e-9 && law.explained > 0.999999)
    let peak = try #require(law.peak)
    #expect(
      law.value(at: peak) > law.value(at: 0.9 * peak) && law.value(at: peak) > law.value(at: 1.1 * peak))
    #expect(OveroptimisationLaw(form, fitting: [(1, 1), (1, 2), (1, 3)]) == nil)
    #expect(OveroptimisationLaw(form, fitting: Array(points.prefix(2))) == nil)
  }

  /// Against the definition: the best of n has density n F^(n−1).
  @Test(arguments: [1, 2, 5, 64]) func bestOfNDivergenceIsItsIntegral(_ n: Int) {
    let steps = 200_000
    var sum = 0.0
    for i in 0..<steps {
      let u = (Double(i) + 0.5) / Double(steps)
      let density = Double(n) * pow(u, Double(n - 1))
      if density > 0 { sum += density * log(density) / Double(steps) }
    }
    #expect(abs(OveroptimisationLaw.bestOfNDivergence(n) - sum) < 1e-3)
  }
}

@Suite struct OnsetMonitorTests {
  private func point(
    _ step: Int, kl: Double, proxy: Double, win: Double, entropy: Double = 2, length: Double = 9
  )
    -> PolicyPoint
  {
    PolicyPoint(
      step: step, divergence: kl, proxy: proxy, gold: win, win: win, preference: 0.5, length: length,
      entropy: entropy, criticLoss: 0, advantage: 0.8)
  }

  @Test func collapseIsSeenBeforeItsEnd() throws {
    let kl = [0.0, 1, 2, 4, 8, 16, 26, 40, 60]
    let win = [0.48, 0.55, 0.6, 0.58, 0.5, 0.35, 0.2, 0.1, 0.03]
    let curve = kl.indices.map {
      point(
        $0 * 50, kl: kl[$0], proxy: min(kl[$0], 4) + 0.05 * kl[$0], win: win[$0],
        entropy: 2 - 0.2 * Double($0), length: 9 + 2 * Double($0))
    }
    let report = OnsetReport(curve)
    #expect(report.peakStep == 100 && report.isHacked)
    #expect(Set(report.alarms.map(\.sign)).isSuperset(of: [.entropy, .length, .price]))
    #expect(try #require(report.winAtAlarm) > 0.3)
    #expect(report.alarms.map(\.step) == report.alarms.map(\.step).sorted())
  }

  @Test func steadyPolicyIsLeftInPeace() {
    let curve = (0..<12).map {
      point(
        $0 * 50, kl: min(8, 1.5 * Double($0)), proxy: min(4, 0.75 * Double($0)), win: 0.5 + 0.03 * Double($0),
        entropy: 1.8, length: 11)
    }
    let report = OnsetReport(Array(curve.prefix(6)))
    #expect(report.alarms.isEmpty && !report.isHacked)
    #expect(OnsetReport([]).alarms.isEmpty && OnsetReport([]).peakStep == nil)
  }
}
