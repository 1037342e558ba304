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
  /// log π_ref(chosen) − log π_ref(rejected) of every pair.
  private let reference: [Double]
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
    reference = try Self.blocks(chosen.count).flatMap {
      try Self.logRatios(policy, answers(Array(chosen[$0]) + Array(rejected[$0])))
    }
  }

  /// Pairs that are read at once where nothing is learnt.
  private static func blocks(_ count: Int) -> [Range<Int>] {
    stride(from: 0, to: count, by: 1024).map { $0..<min($0 + 1024, count) }
  }

  public var pairCount: Int { chosen.count }
  public var stepsPerEpoch: Int { batcher.batchesPerEpoch }

  public mutating func pairs(at number: Int) throws -> [Int] {
    let batch = try batcher.batch(number)
    return Array(batch.indices[..<batch.filled])
  }

  /// log π(chosen) − log π(rejected), of answers whose first half is the chosen ones.
  private static func logRatios(_ policy: TokenRunner<Policy>, _ answers: Answers) throws -> [Double] {
    let tokens = try policy.logProbabilities(of: answers.rows, ids: answers.ids).logProbabilities
    let sums = zip(answers.offsets, answers.offsets.dropFirst()).map { from, to in
      tokens[Int(from)..<Int(to)].reduce(0) { $0 + Double($1) }
    }
    return zip(sums.prefix(sums.count / 2), sums.suffix(sums.count / 2)).map { $0 - $1 }
  }

  /// Tokens of the chosen and then of the rejected answers of some pairs, and the margins of these.
  private func read(_ pairs: some Collection<Int>) throws -> (answers: Answers, margins: [Float]) {
    let tokens = try answers(pairs.map { chosen[$0] } + pairs.map { rejected[$0] })
    let ratios = try Self.logRatios(policy, tokens)
    return (tokens, zip(pairs, ratios).map { Float(beta * ($1 - reference[$0])) })
  }

  public func margins(of pairs: [Int]) throws -> [Float] {
    try Self.blocks(pairs.count).flatMap { try read(pairs[$0]).margins }
  }

  public mutating func step(_ number: Int, trust: PairTrust?) throws -> StepOutcome {
    let pairs = try pairs(at: number)
    let (tokens, margins) = try read(pairs)
    let (loss, slopes) = PairTrust.loss(margins.map(Double.init), trust: trust, total: Double(pairs.count))
    let size = paddedRows(tokens.ids.count)
    // −A log π has the gradient of the loss where A is minus its slope by the log-probability of a token.
    var advantages = [Float](repeating: 0, count: size)
    for s in 0..<2 * pairs.count {
      let advantage = Float(beta * (s < pairs.count ? -slopes[s] : slopes[s - pairs.count]))
      for t in Int(tokens.offsets[s])..<Int(tokens.offsets[s + 1]) { advantages[t] = advantage }
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
