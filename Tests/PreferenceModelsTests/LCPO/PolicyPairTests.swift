import Foundation
import PenchantKernels
import PenchantTape
import PenchantTrain
import PolicyOptimisation
import TestSupport
import Testing

@testable import PreferenceModels

/// Section 7.6: a policy over tokens that learns from pairs with wrong labels.
@Suite(.serialized) struct PolicyPairTests {
  private static let isLong = ProcessInfo.processInfo.environment["PENCHANT_LONG"] != nil

  typealias Task = PolicyPairTask<TokenWorldPolicy>

  /// Pairs of answers of the reference policy, in the order of the true reward but for a share of them.
  private struct Pairs {
    let answers: TokenAnswers
    var chosen: [Int]
    var rejected: [Int]

    init(
      _ policy: TokenRunner<TokenWorldPolicy>, in world: TokenWorld, count: Int, noise: Double, seed: UInt64
    )
      throws
    {
      var generator = TestGenerator(stream: "policy pairs \(seed)")
      let prompts = (0..<count).flatMap { _ in
        [UInt32](repeating: UInt32.random(in: 0..<UInt32(world.trainPrompts), using: &generator), count: 2)
      }
      answers = try policy.draw(prompts, in: world, seed: seed, stream: 0x9a02).answers
      let gold = world.gold(answers)
      let better = (0..<count).map { gold[2 * $0] >= gold[2 * $0 + 1] ? 2 * $0 : 2 * $0 + 1 }
      chosen = better.map { Double.random(in: 0..<1, using: &generator) < noise ? $0 ^ 1 : $0 }
      rejected = chosen.map { $0 ^ 1 }
    }

    func task(
      _ policy: TokenRunner<TokenWorldPolicy>, in world: TokenWorld, _ optimizer: OptimizerConfiguration,
      batchSize: Int = 128
    ) throws -> Task {
      let answers = answers
      return try Task(
        policy,
        answers: { places in
          var some = TokenAnswers()
          for s in places {
            let tokens = answers.ids[Int(answers.offsets[s])..<Int(answers.offsets[s + 1])]
            some.append(tokens, to: answers.prompts[s])
          }
          return Task.Answers(rows: world.rows(some), offsets: some.offsets, ids: some.ids)
        }, chosen: chosen, rejected: rejected, beta: 0.3, optimizer: optimizer, batchSize: batchSize)
    }
  }

  private static func policy(_ seed: UInt64 = 5) throws -> TokenRunner<TokenWorldPolicy> {
    let (network, store) = try TokenWorldPolicy.make(seed: seed)
    return TokenRunner(network, on: store)
  }

  private static func values(_ task: Task) throws -> [[Float]] {
    try task.policy.store.parameters.map { try task.policy.store.copy(of: $0) }
  }

  /// A step of plain descent at rate 1 moves parameters by the gradient of the mean loss: against differences of it.
  @Test func gradientIsThatOfTheLoss() throws {
    let world = try TokenWorld(seed: 3)
    let policy = try Self.policy()
    let pairs = try Pairs(policy, in: world, count: 24, noise: 0, seed: 1)
    var task = try pairs.task(policy, in: world, .sgd(1), batchSize: 24)
    let trust = PairTrust(
      weight: (0..<24).map { Float($0 % 4) / 2 }, isSwapped: (0..<24).map { $0 % 3 == 0 }, meanLoss: 0)
    // Away from the reference, where every margin is 0.
    for number in 0..<3 { _ = try task.step(number) }
    let order = try task.pairs(at: 3)
    let before = try Self.values(task)
    func loss() throws -> Double {
      try zip(task.margins(of: order), zip(trust.weight, trust.isSwapped)).reduce(0) {
        $0 + Double($1.1.0) * softplus($1.1.1 ? Double($1.0) : -Double($1.0)) / 24
      }
    }
    let start = try loss()
    let outcome = try task.step(3, trust: trust)
    #expect(abs(outcome.loss - start) < 1e-5)
    let after = try Self.values(task)
    // Along the gradient g itself: the loss changes by |g|² per unit.
    let square = zip(before, after).reduce(0.0) { sum, pair in
      sum + zip(pair.0, pair.1).reduce(0.0) { $0 + pow(Double($1.0) - Double($1.1), 2) }
    }
    var ends: [Double] = []
    for h: Float in [-0.05, 0.05] {
      for (parameter, (old, new)) in zip(policy.store.parameters, zip(before, after)) {
        try policy.store.set(parameter, to: zip(old, new).map { $0 + h * ($1 - $0) })
      }
      ends.append(try loss())
    }
    #expect(abs((ends[0] - ends[1]) / 0.1 - square) < 0.01 * square, "\(ends) \(square)")
  }

  /// No trust: nothing moves. The other order: as if the pair had been given so.
  @Test func trustIsAWeightAndAnOrder() throws {
    let world = try TokenWorld(seed: 3)
    func trained(_ swap: Bool, _ trust: PairTrust?) throws -> [[Float]] {
      let policy = try Self.policy()
      var pairs = try Pairs(policy, in: world, count: 16, noise: 0, seed: 2)
      if swap { (pairs.chosen, pairs.rejected) = (pairs.rejected, pairs.chosen) }
      var task = try pairs.task(policy, in: world, .adam(1e-2), batchSize: 16)
      for number in 0..<3 { _ = try task.step(number, trust: trust) }
      return try Self.values(task)
    }
    func trust(_ weight: Float, swapped: Bool) -> PairTrust {
      PairTrust(
        weight: [Float](repeating: weight, count: 16), isSwapped: [Bool](repeating: swapped, count: 16),
        meanLoss: 0)
    }
    let start = try Self.policy()
    let untouched = try start.store.parameters.map { try start.store.copy(of: $0) }
    #expect(try trained(false, trust(0, swapped: false)) == untouched)
    let (turned, given) = (try trained(false, trust(1, swapped: true)), try trained(true, nil))
    // The two halves of a batch lie in the other order, so sums round differently.
    for (a, b) in zip(turned, given) {
      for (x, y) in zip(a, b) { #expect(abs(x - y) < 1e-4) }
    }
    #expect(turned != untouched)
  }

  @Test func sameBitsForAnyNumberOfThreadsAndAfterAStop() throws {
    let world = try TokenWorld(seed: 3)
    var robust = RobustConfiguration()
    robust.method = .lcpo
    robust.warmup = 0
    func made() throws -> RobustTraining<Task> {
      let policy = try Self.policy()
      let pairs = try Pairs(policy, in: world, count: 60, noise: 0.2, seed: 4)
      return try RobustTraining(
        pairs.task(policy, in: world, .adam(1e-2), batchSize: 25), robust, steps: 8)
    }
    func finished(_ training: RobustTraining<Task>, from first: Int) throws -> [[Float]] {
      var training = training
      for number in first..<8 { _ = try training.step(number) }
      return try Self.values(training.base) + [training.reliabilities.eta.map(Float.init)]
    }
    let want = try Team.with(threads: 1) { () throws in try finished(made(), from: 0) }
    for threads in [2, 3] {
      #expect(try Team.with(threads: threads) { () throws in try finished(made(), from: 0) } == want)
    }
    var stopped = try made()
    for number in 0..<4 { _ = try stopped.step(number) }
    let files = try stopped.checkpointFiles()
    var resumed = try made()
    try resumed.restore(files)
    #expect(try finished(resumed, from: 4) == want)
  }

  /// The table of section 7.6 over three seeds, with the divergence that it says to look at too; `PENCHANT_METHOD` names one
  /// method beside DPO.
  @Test(.enabled(if: isLong, "PENCHANT_LONG"), arguments: [0, 0.2, 0.35])
  func robustLossesKeepAPolicyFromItsWrongLabels(_ noise: Double) throws {
    typealias Change = (inout RobustConfiguration) -> Void
    var methods: [(name: String, change: Change)] = [
      ("dpo", { $0.method = .none }),
      ("cdpo", { $0.method = .cdpo }),
      ("ropo", { $0.method = .ropo }),
      ("holder", { $0.method = .holder }),
      ("drdpo", { $0.method = .drdpo }),
      (
        "lcpo, α 0.1",
        {
          $0.method = .lcpo
          $0.step = 0.1
          $0.warmup = 0
        }
      ),
      ("lcpo", { $0.method = .lcpo }),
    ]
    if noise > 0 {
      methods += [
        (
          "rdpo, true rate",
          {
            $0.method = .rdpo
            $0.smoothing = noise
          }
        ),
        (
          "lcpo, true η",
          {
            $0.method = .lcpo
            $0.update = .fixed
            $0.reliability = 1 - noise
          }
        ),
        (
          "lcpo, slow",
          {
            $0.method = .lcpo
            $0.reliability = 0.75
            $0.step = 0.001
          }
        ),
        (
          "lcpo, EM an epoch",
          {
            $0.method = .lcpo
            $0.update = .epoch
          }
        ),
      ]
    }
    if let only = ProcessInfo.processInfo.environment["PENCHANT_METHOD"] {
      methods.removeAll { $0.name != "dpo" && $0.name != only }
    }
    var wins: [String: [Double]] = [:]
    for seed in 0..<3 as Range<UInt64> {
      let prepared = try PreparedWorld(seed: seed)
      let pairs = try Pairs(prepared.reference, in: prepared.world, count: 8000, noise: noise, seed: seed)
      for (name, change) in methods {
        let policy = try Self.policy(seed)
        for parameter in policy.store.parameters {
          try policy.store.set(parameter, to: prepared.reference.store.copy(of: parameter))
        }
        var robust = RobustConfiguration()
        change(&robust)
        let task = try pairs.task(policy, in: prepared.world, .adam(3e-3))
        let steps = 15 * task.stepsPerEpoch
        var training = try RobustTraining(task, robust, steps: steps)
        for number in 0..<steps { _ = try training.step(number) }
        let shown = try prepared.showing(policy)
        wins[name, default: []].append(shown.win)
        let eta = robust.method == .lcpo ? ", η \(training.reliabilities.eta[0])" : ""
        print("policy, noise \(noise), seed \(seed), \(name): win \(shown.win), KL \(shown.divergence)\(eta)")
      }
    }
    func win(_ name: String) -> Double { wins[name, default: []].sorted()[1] }
    for name in ["rdpo, true rate", "holder", "drdpo", "lcpo, true η", "lcpo, slow"]
    where noise > 0 && wins[name] != nil {
      #expect(win(name) > win("dpo"), "\(name)")
    }
    // Small margins do not say how many labels are wrong, so this one is behind; it may not turn preferences round.
    if noise == 0.2, wins["lcpo, EM an epoch"] != nil { #expect(win("lcpo, EM an epoch") > 0.5) }
  }
}
