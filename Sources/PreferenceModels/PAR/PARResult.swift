import PenchantData
import PenchantKernels
import PenchantTrain
import PolicyOptimisation

/// What the over-optimisation bench found: `result.json` of a run, and what `--json` prints.
public struct PARResult: Codable, Sendable {
  /// A trained policy.
  public struct Policy: Codable, Sendable {
    public var shaping: String
    public var penalty: Double
    public var curve: [PolicyPoint]
    /// Signs of hacking, and when the true reward was best.
    public var onset: OnsetReport
    /// Of the true reward above that of the reference policy.
    public var law: OveroptimisationLaw?
    public var seconds: Double

    public init(shaping: String, penalty: Double, curve: [PolicyPoint], seconds: Double) {
      self.shaping = shaping
      self.penalty = penalty
      self.curve = curve
      self.seconds = seconds
      onset = OnsetReport(curve)
      let start = curve.first?.gold ?? 0
      law = OveroptimisationLaw(
        .reinforcement, fitting: curve.map { (divergence: $0.divergence, gold: $0.gold - start) })
    }
  }

  public var system = PAR.system
  public var data: String
  public var seed: UInt64
  public var threads: Int
  public var seconds: Double
  public var algorithm: String
  /// Of the first policy at the end, and of what it started from.
  public var metrics: [String: Double]
  /// The first is the one that was asked for.
  public var policies: [Policy]
  public var bestOf: [BestOfN]
  public var bestOfLaw: OveroptimisationLaw?
  public var warnings: [String]
  public var peakMemoryBytes: Int
  /// XXH64 of all curves: equal for equal bits.
  public var fingerprint: String

  init(
    _ par: PAR, _ prepared: PreparedWorld, policies: [Policy], bestOf: [BestOfN], seconds: Double
  ) {
    data = "token world, seed \(par.seed)"
    seed = par.seed
    threads = Team.size
    self.seconds = seconds
    algorithm = par.configuration.policy.algorithm.rawValue
    self.policies = policies
    self.bestOf = bestOf
    let start = bestOf.first?.gold ?? 0
    bestOfLaw = OveroptimisationLaw(
      .bestOfN, fitting: bestOf.map { (divergence: $0.divergence, gold: $0.gold - start) })
    warnings = par.configuration.policy.warnings
    peakMemoryBytes = peakMemory()
    metrics = [
      "nll_demonstrations": prepared.demonstrationLoss, "proxy_accuracy": prepared.proxyAccuracy,
    ]
    if let own = policies.first, let last = own.curve.last, let first = own.curve.first {
      for (name, value) in [
        ("win", last.win), ("gold", last.gold), ("gold_reference", first.gold), ("proxy", last.proxy),
        ("kl", last.divergence), ("preference", last.preference), ("length", last.length),
        ("entropy", last.entropy), ("critic_loss", last.criticLoss),
      ] { metrics[name] = value }
      if let peak = own.onset.peakWin { metrics["win_peak"] = peak }
    }
    fingerprint = XXHash64.hex(
      policies.flatMap { $0.curve.flatMap { [$0.divergence, $0.proxy, $0.gold, $0.win, $0.entropy] } })
  }
}
