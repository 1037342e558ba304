import Foundation
import PenchantData
import PenchantKernels
import PenchantTrain
import PolicyOptimisation

/// Preference As Reward (Fu et al., arXiv 2502.18770), and the bench that shows what a shaping is good for:
/// policies of a small world with a known true reward are trained on shaped rewards of a reward model, and
/// followed until they hack it.
public struct PAR: Sendable {
  public static let system = "par"

  public let configuration: PARConfiguration
  public let seed: UInt64

  /// - Throws: `ConfigurationError`.
  public init(_ configuration: PARConfiguration = PARConfiguration(), seed: UInt64 = 0) throws {
    try configuration.validate()
    self.configuration = configuration
    self.seed = seed
  }

  /// What is trained: the shaping that was asked for first, then what it is compared with, each with every
  /// penalty.
  struct Plan: Sendable, Equatable {
    var shaping: RewardShaping
    var penalty: Double
    /// The same in every folder and table.
    var name: String { "\(shaping.kind.rawValue) \(penalty)" }
    var folder: String { "\(shaping.kind.rawValue)-\(penalty)" }
  }

  var plans: [Plan] {
    var kinds = [configuration.shaping]
    for name in configuration.bench.compare {
      guard let kind = RewardShaping.Kind(rawValue: name), !kinds.contains(where: { $0.kind == kind }) else {
        continue
      }
      var other = configuration.shaping
      other.kind = kind
      kinds.append(other)
    }
    let own = configuration.policy.penalty
    let penalties = [own] + configuration.bench.penalties.filter { $0 != own }
    var seen: Set<Double> = []
    let distinct = penalties.filter { seen.insert($0).inserted }
    return distinct.flatMap { penalty in kinds.map { Plan(shaping: $0, penalty: penalty) } }
  }

  /// Prepares the world and trains all policies of the plan.
  ///
  /// - Parameter run: where metrics and checkpoints go; nil keeps everything in memory.
  /// - Returns: `nil` when somebody asked to stop; checkpoints are saved then.
  /// - Throws: what training throws.
  public func study(
    run: RunDirectory? = nil, resume: Bool = false, progress: ProgressLine = ProgressLine(style: .silent),
    shouldStop: @escaping @Sendable () -> Bool = { Interrupt.isRequested }
  ) throws -> (result: PARResult, model: FittedPAR)? {
    let started = ProgressLine.clock()
    progress.note("token world: demonstrations, a reward model, reference answers")
    let prepared = try PreparedWorld(
      seed: seed, references: configuration.world.references, offset: configuration.world.offset)
    var policies: [PARResult.Policy] = []
    var model: FittedPAR?
    for plan in plans {
      guard !shouldStop() else { return nil }
      let began = ProgressLine.clock()
      progress.note("\(plan.shaping.kind.rawValue), penalty \(plan.penalty)")
      var policy = configuration.policy
      policy.penalty = plan.penalty
      var task = try OveroptimisationTask(
        prepared, shaping: plan.shaping, policy: policy, prompts: configuration.world.prompts)
      var state = TrainingState(seed: seed)
      state.configuration = XXHash64.hex(
        Array(try ConfigurationLayers<PARConfiguration>.text(configuration).utf8))
      state.data = plan.name
      let folder = try plan == plans.first ? run : run?.peer(plan.folder)
      let trained = try Trainer(
        configuration.run, run: folder, progress: progress, shouldStop: shouldStop
      ).train(&task, from: state, resume: resume)
      guard trained.ending != .interrupted else { return nil }
      policies.append(
        PARResult.Policy(
          shaping: plan.shaping.kind.rawValue, penalty: plan.penalty, curve: task.curve,
          seconds: ProgressLine.clock() - began))
      if model == nil { model = try FittedPAR(task, configuration: configuration, seed: seed) }
    }
    guard let model else { return nil }
    progress.note("best of \(configuration.bench.bestOf)")
    let best = try BestOfN.curve(prepared, most: configuration.bench.bestOf)
    return (
      PARResult(
        self, prepared, policies: policies, bestOf: best, seconds: ProgressLine.clock() - started), model
    )
  }
}
