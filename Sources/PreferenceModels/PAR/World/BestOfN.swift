import PenchantKernels
import PenchantTrain
import PolicyOptimisation

/// The best of n answers of the reference policy by the reward model: optimisation without training.
///
/// Every shaping here keeps the order of two answers to one prompt, so the choice is the same under all of
/// them.
public struct BestOfN: Codable, Sendable, Equatable {
  public var answers: Int
  /// log n − (n − 1)/n nats.
  public var divergence: Double
  public var proxy: Double
  public var gold: Double
  public var win: Double

  /// For n = 1, 2, 4, … up to `most` answers to every held-out prompt.
  public static func curve(_ prepared: PreparedWorld, most: Int) throws -> [BestOfN] {
    guard most > 0 else { return [] }
    let world = prepared.world
    var levels = 1
    while 1 << levels <= most { levels += 1 }
    let each = 1 << (levels - 1)
    let held = UInt32(world.trainPrompts)..<UInt32(world.promptCount)
    let answers = try prepared.reference.draw(
      held.flatMap { [UInt32](repeating: $0, count: each) }, in: world, seed: world.seed,
      stream: TokenWorld.Purpose.bestOf.stream()
    ).answers
    let rewards = try prepared.rewards(answers)
    let gold = world.gold(answers)
    let best = try bestOfFirst(rewards.span, perPrompt: each, levels: levels)
    return (0..<levels).map { level in
      var (proxy, truth, wins) = (0.0, 0.0, 0.0)
      for x in 0..<held.count {
        let place = x * each + Int(best[x * levels + level])
        proxy += Double(rewards[place])
        truth += gold[place]
        for s in 0..<PreparedWorld.samples {
          let other = prepared.heldOutGold[x * PreparedWorld.samples + s]
          wins += (gold[place] > other ? 1 : gold[place] == other ? 0.5 : 0) / Double(PreparedWorld.samples)
        }
      }
      let n = Double(max(1, held.count))
      return BestOfN(
        answers: 1 << level, divergence: OveroptimisationLaw.bestOfNDivergence(1 << level), proxy: proxy / n,
        gold: truth / n, win: wins / n)
    }
  }
}
