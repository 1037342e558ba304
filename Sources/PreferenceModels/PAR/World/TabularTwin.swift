import Foundation
import PenchantKernels
import PenchantTrain
import PolicyOptimisation

/// Over-optimisation without training: candidate answers with a true reward and a noisy one of heavy tails,
/// and the policy that is best for a shaped reward at a given divergence, π ∝ e^(u/η), in closed form.
public struct TabularTwin: Sendable {
  /// True rewards, standard normal, and what the reward model says: 0.7 of a t of three degrees of freedom
  /// more.
  public let gold: [Double]
  public let proxy: [Float]
  /// Rewards of reference answers, of the same law.
  public let references: [Float]

  /// What a policy gets.
  public struct Outcome: Codable, Sendable, Equatable {
    /// η at which the divergence is what was asked.
    public var penalty: Double
    public var divergence: Double
    public var gold: Double
    public var proxy: Double
  }

  public init(seed: UInt64, candidates: Int = 100_000, references: Int = 10) throws(KernelError) {
    let n = candidates + references
    var draws = RandomStream(seed: seed, stream: 0x7ab1)
    let truth = try draws.normals(n).map(Double.init)
    let parts = try draws.normals(4 * n).map(Double.init)
    let rewards = truth.indices.map { i in
      let squares = (1...3).reduce(0.0) { $0 + parts[4 * i + $1] * parts[4 * i + $1] }
      return Float(truth[i] + 0.7 * parts[4 * i] / max(squares / 3, 1e-12).squareRoot())
    }
    gold = Array(truth[..<candidates])
    proxy = Array(rewards[..<candidates])
    self.references = Array(rewards[candidates...])
  }

  /// The best policy for a shaping at `divergence` nats from the uniform policy; `nil` when no penalty gives
  /// that: a bounded reward that many candidates reach alike has a largest divergence.
  public func outcome(_ shaping: RewardShaping, divergence: Double) throws -> Outcome? {
    var shaper = try RewardShaper(
      shaping, references: ReferenceRewards(references, perPrompt: references.count))
    return outcome(try shaper.shape(proxy, prompts: [UInt32](repeating: 0, count: proxy.count)), divergence)
  }

  /// The same for rewards held within a deviation of their mean under the reference policy: a bound that does
  /// not move.
  public func outcomeClipped(divergence: Double) throws -> Outcome? {
    var moments = RewardMoments()
    try moments.add(proxy.span)
    let (low, high) = (moments.mean - moments.deviation, moments.mean + moments.deviation)
    return outcome(proxy.map { Float(min(max(Double($0), low), high)) }, divergence)
  }

  private func outcome(_ shaped: [Float], _ divergence: Double) -> Outcome? {
    let top = Double(shaped.max() ?? 0)
    func weigh(_ penalty: Double) -> (divergence: Double, gold: Double, proxy: Double) {
      var (total, log, gold, proxy) = (0.0, 0.0, 0.0, 0.0)
      for i in shaped.indices {
        let x = (Double(shaped[i]) - top) / penalty
        let weight = exp(x)
        total += weight
        log += weight * x
        gold += weight * self.gold[i]
        proxy += weight * Double(self.proxy[i])
      }
      let n = Double(shaped.count)
      return (log / total - Foundation.log(total / n), gold / total, proxy / total)
    }
    // The divergence falls as the penalty rises.
    var (low, high) = (1e-6, 1e6)
    guard weigh(low).divergence >= divergence, weigh(high).divergence <= divergence else { return nil }
    for _ in 0..<100 {
      let middle = (low * high).squareRoot()
      if weigh(middle).divergence > divergence { low = middle } else { high = middle }
    }
    let found = weigh(high)
    return Outcome(penalty: high, divergence: found.divergence, gold: found.gold, proxy: found.proxy)
  }
}
