import PenchantData
import PenchantKernels
import PenchantTape
import PenchantTrain
import PolicyOptimisation

/// Training of a policy over tokens on pairs of answers: direct preference optimisation (Rafailov et al. 2023, equation 7), the
/// log-odds of a pair being β ((log π − log π_ref)(chosen) − (log π − log π_ref)(rejected)).
///
/// ```swift
/// let task = try PolicyPairTask(policy, answers: tokens, chosen: better, rejected: worse, beta: 0.1, optimizer: .adam(1e-3))
/// var training = try RobustTraining(task, robust, steps: steps)
/// ```
/// The reference is the policy as it is when the task is made.
public struct PolicyPairTask<Policy: TokenNetwork>: TrustedTask {
  /// Some answers, their tokens packed one behind the other.
  public struct Answers {
    /// What the policy reads, one row a token.
    public var rows: Policy.Rows
    /// Answer *s* owns the tokens `offsets[s]..<offsets[s + 1]`.
    public var offsets: [UInt32]
    public var ids: [UInt32]

    public init(rows: Policy.Rows, offsets: [UInt32], ids: [UInt32]) {
      self.rows = rows
      self.offsets = offsets
      self.ids = ids
    }
  }
  private struct Program {
    var step: TrainingStep
    var inputs: Policy.Inputs
    var ids: Ids
    var advantages: Tensor
  }

  public let policy: TokenRunner<Policy>
  private let answers: ([Int]) throws -> Answers
  private let chosen: [Int]
  private let rejected: [Int]
  /// log π_ref of both answers of every pair.
  private let reference: (chosen: [Double], rejected: [Double])
  private let beta: Double
  private let optimizer: Optimizer
  private var batcher: Batcher
  private var programs: [Int: Program] = [:]

  /// - Parameters:
  ///   - answers: the tokens of answers, named by their places.
  ///   - chosen: place of the chosen answer of each pair; `rejected` of the other.
  ///   - batchSize: pairs a step; the last batch of an epoch is smaller.
  /// - Throws: `KernelError.shape` for lists of different lengths; what `answers` throws; `TapeError`.
  public init(
    _ policy: TokenRunner<Policy>, answers: @escaping ([Int]) throws -> Answers, chosen: [Int],
    rejected: [Int], beta: Double, optimizer: OptimizerConfiguration, batchSize: Int = 128, seed: UInt64 = 0
  ) throws {
    guard chosen.count == rejected.count else {
      throw KernelError.shape(
        "PolicyPairTask", "\(chosen.count) chosen and \(rejected.count) rejected answers")
    }
    self.policy = policy
    self.answers = answers
    self.chosen = chosen
    self.rejected = rejected
    self.beta = beta
    self.optimizer = try Optimizer(optimizer, for: policy.store)
    batcher = try Batcher(count: chosen.count, batchSize: min(batchSize, max(1, chosen.count)), seed: seed)
    var known: (chosen: [Double], rejected: [Double]) = ([], [])
    for first in stride(from: 0, to: chosen.count, by: Self.block) {
      let some = first..<min(first + Self.block, chosen.count)
      known.chosen += try Self.logProbabilities(policy, answers(Array(chosen[some])))
      known.rejected += try Self.logProbabilities(policy, answers(Array(rejected[some])))
    }
    reference = known
  }

  /// Answers that are read at once where nothing is learnt.
  private static var block: Int { 1024 }

  public var pairCount: Int { chosen.count }
  public var stepsPerEpoch: Int { batcher.batchesPerEpoch }

  public mutating func pairs(at number: Int) throws -> [Int] {
    let batch = try batcher.batch(number)
    return Array(batch.indices[..<batch.filled])
  }

  /// Sums of the log-probabilities of the tokens of every answer.
  private static func logProbabilities(_ policy: TokenRunner<Policy>, _ answers: Answers) throws -> [Double] {
    let tokens = try policy.logProbabilities(of: answers.rows, ids: answers.ids).logProbabilities
    return zip(answers.offsets, answers.offsets.dropFirst()).map { from, to in
      tokens[Int(from)..<Int(to)].reduce(0) { $0 + Double($1) }
    }
  }

  private func margins(of pairs: ArraySlice<Int>) throws -> [Float] {
    let better = try Self.logProbabilities(policy, answers(pairs.map { chosen[$0] }))
    let worse = try Self.logProbabilities(policy, answers(pairs.map { rejected[$0] }))
    return zip(pairs, zip(better, worse)).map { pair, found in
      Float(beta * (found.0 - reference.chosen[pair] - (found.1 - reference.rejected[pair])))
    }
  }

  public func margins(of pairs: [Int]) throws -> [Float] {
    try stride(from: 0, to: pairs.count, by: Self.block).flatMap {
      try margins(of: pairs[$0..<min($0 + Self.block, pairs.count)])
    }
  }

  public mutating func step(_ number: Int, trust: PairTrust?) throws -> StepOutcome {
    let pairs = try pairs(at: number)
    let margins = try margins(of: pairs)
    // The gradient of w softplus(∓u) by the log-probability of a token is ∓w β σ(∓u): that of −A log π.
    var slopes = [Double](repeating: 0, count: pairs.count)
    var loss = 0.0
    for i in pairs.indices {
      let isSwapped = trust?.isSwapped[i] ?? false
      let weight = trust.map { Double($0.weight[i]) } ?? 1
      let u = isSwapped ? -Double(margins[i]) : Double(margins[i])
      loss += weight * softplus(-u) / Double(pairs.count)
      slopes[i] = (isSwapped ? -weight : weight) * beta * sigmoid(-u) / Double(pairs.count)
    }
    let tokens = try answers(pairs.map { chosen[$0] } + pairs.map { rejected[$0] })
    let size = paddedRows(tokens.ids.count)
    var advantages = [Float](repeating: 0, count: size)
    for s in 0..<2 * pairs.count {
      let slope = s < pairs.count ? slopes[s] : -slopes[s - pairs.count]
      for t in Int(tokens.offsets[s])..<Int(tokens.offsets[s + 1]) { advantages[t] = Float(slope) }
    }
    let program = try program(size)
    try policy.network.feed(tokens.rows, to: program.inputs, count: size, of: program.step)
    try program.step.set(
      program.ids,
      to: tokens.ids + [UInt32](repeating: ignoredToken, count: size - tokens.ids.count))
    try program.step.set(program.advantages, to: advantages)
    var outcome = try StepOutcome(running: program.step, rate: optimizer.rate)
    if outcome.nonFinite == nil { outcome.loss = loss }
    return outcome
  }

  private mutating func program(_ size: Int) throws(TapeError) -> Program {
    if let known = programs[size] { return known }
    let tape = Tape()
    let (logits, inputs) = policy.network.record(size, on: tape)
    let ids = tape.ids("tokens", [size])
    let advantages = tape.input("advantages", [size])
    let loss = Loss.policy(logits: logits, ids: ids, advantages: advantages)
    let program = Program(
      step: try TrainingStep(loss, optimizer: optimizer), inputs: inputs, ids: ids, advantages: advantages)
    programs[size] = program
    return program
  }

  /// A policy is judged by what it writes, which is its owner's business.
  public mutating func validate() throws -> [(name: String, value: Double)] { [] }

  public func checkpointFiles() throws -> [String: [UInt8]] {
    try TapeFiles.files(policy.store, optimizer, metadata: ["system": LCPO.system])
  }

  public mutating func restore(_ files: [String: [UInt8]]) throws {
    try TapeFiles.restore(files, into: policy.store, optimizer)
  }
}
