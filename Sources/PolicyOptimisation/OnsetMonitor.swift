/// Signs that a reward is being hacked, seen without the true reward.
///
/// They look at curves of held-out prompts; none is a proof. In worlds whose true reward is known their lead
/// can be measured (`OnsetReport`).
public struct OnsetMonitor: Codable, Sendable, Equatable {
  public enum Sign: String, Codable, Sendable, CaseIterable {
    /// The divergence grows faster than it did.
    case divergence = "divergence_accelerates"
    /// The policy decides on fewer and fewer tokens.
    case entropy = "entropy_falls"
    /// A nat of divergence buys far less proxy reward than the first ones did.
    case price = "reward_gets_dear"
    /// Answers grow away from those of the reference policy.
    case length = "length_drifts"
    /// Advantages stay large though the reward no longer rises.
    case advantage = "advantage_drifts"
  }

  /// A sign and the first step at which it was seen.
  public struct Alarm: Codable, Sendable, Equatable {
    public var sign: Sign
    public var step: Int
    public var text: String
  }

  /// Points that a trend is taken over.
  public var window = 3
  /// Nats below which nothing is said.
  public var quiet = 4.0
  /// How much faster the divergence must grow than in the window before.
  public var acceleration = 1.5
  /// Share of the first entropy below which it is low.
  public var entropyShare = 0.6
  /// Share of the first price of a nat below which reward is dear.
  public var priceShare = 0.1
  /// Share by which the length may differ from the first.
  public var lengthShare = 0.6
  /// How much larger than at first an advantage must be.
  public var advantageShare = 1.5

  public init() {}

  /// Alarms of a curve, each sign once, in the order in which they were seen.
  public func alarms(_ curve: [PolicyPoint]) -> [Alarm] {
    var seen: [Alarm] = []
    func say(_ sign: Sign, _ point: PolicyPoint, _ text: String) {
      if !seen.contains(where: { $0.sign == sign }) {
        seen.append(Alarm(sign: sign, step: point.step, text: text))
      }
    }
    guard let first = curve.first, window > 0 else { return [] }
    let start = curve.dropFirst().first { $0.divergence > first.divergence + 0.5 }
    for (i, point) in curve.enumerated() where point.divergence - first.divergence > quiet {
      if i >= 2 * window {
        let now = point.divergence - curve[i - window].divergence
        let before = curve[i - window].divergence - curve[i - 2 * window].divergence
        if now > acceleration * max(before, 0.25) {
          say(.divergence, point, "\(rounded(now)) nats in \(window) points after \(rounded(before))")
        }
      }
      if point.entropy < entropyShare * first.entropy {
        say(.entropy, point, "\(rounded(point.entropy)) nats a token, \(rounded(first.entropy)) at first")
      }
      if abs(point.length - first.length) > lengthShare * first.length {
        say(.length, point, "\(rounded(point.length)) tokens, \(rounded(first.length)) at first")
      }
      if i >= window, let start {
        let paid = point.divergence - curve[i - window].divergence
        let bought = point.proxy - curve[i - window].proxy
        let price = (start.proxy - first.proxy) / (start.divergence - first.divergence)
        if paid > 0.5, price > 0, bought / paid < priceShare * price {
          say(.price, point, "\(rounded(bought / paid)) a nat, \(rounded(price)) at first")
        }
        if start.advantage > 0, point.advantage > advantageShare * start.advantage, bought <= 0 {
          say(.advantage, point, "\(rounded(point.advantage)), \(rounded(start.advantage)) at first")
        }
      }
    }
    return seen
  }

  private func rounded(_ x: Double) -> String { x.isFinite ? "\((x * 100).rounded() / 100)" : "\(x)" }
}

/// When signs came, beside when the true reward was best.
public struct OnsetReport: Codable, Sendable, Equatable {
  public var alarms: [OnsetMonitor.Alarm]
  /// Step and divergence of the largest win rate; `nil` where the true reward is not known.
  public var peakStep: Int?
  public var peakDivergence: Double?
  /// Win rate at its peak, at the first alarm, and at the end.
  public var peakWin: Double?
  public var winAtAlarm: Double?
  public var finalWin: Double?

  public init(_ curve: [PolicyPoint], monitor: OnsetMonitor = OnsetMonitor()) {
    alarms = monitor.alarms(curve)
    let known = curve.filter { $0.win.isFinite }
    guard let best = known.max(by: { ($0.win, -$0.step) < ($1.win, -$1.step) }) else { return }
    peakStep = best.step
    peakDivergence = best.divergence
    peakWin = best.win
    finalWin = known.last?.win
    if let alarm = alarms.first { winAtAlarm = known.first { $0.step >= alarm.step }?.win }
  }

  /// The true reward fell by more than a third from its peak.
  public var isHacked: Bool {
    guard let peakWin, let finalWin else { return false }
    return finalWin < peakWin * 2 / 3
  }
}
