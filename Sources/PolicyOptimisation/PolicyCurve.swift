/// Where a policy stands: what is measured of it on held-out prompts.
public struct PolicyPoint: Codable, Sendable, Equatable {
  public var step: Int
  /// KL(π ‖ π_ref) of an answer, nats.
  public var divergence: Double
  /// Mean reward of the learnt reward model, before any shaping.
  public var proxy: Double
  /// Mean true reward and how often it beats that of an answer of the reference policy; NaN where nobody
  /// knows it.
  public var gold: Double
  public var win: Double
  /// Mean chance, under the reward model, that an answer beats one of the reference policy.
  public var preference: Double
  /// Mean length of an answer, tokens, and mean entropy of a token, nats.
  public var length: Double
  public var entropy: Double
  /// Mean squared error of the critic in the steps before; NaN without one.
  public var criticLoss: Double
  /// Mean size of an advantage in the steps before.
  public var advantage: Double

  public init(
    step: Int, divergence: Double, proxy: Double, gold: Double, win: Double, preference: Double,
    length: Double, entropy: Double, criticLoss: Double, advantage: Double
  ) {
    self.step = step
    self.divergence = divergence
    self.proxy = proxy
    self.gold = gold
    self.win = win
    self.preference = preference
    self.length = length
    self.entropy = entropy
    self.criticLoss = criticLoss
    self.advantage = advantage
  }
}
