import PenchantTrain
import PolicyOptimisation
import PreferenceModels

extension Evaluate {
  private struct Measured: Encodable {
    var system: String
    var seed: UInt64
    var reference: PolicyPoint
    var policy: PolicyPoint
  }

  /// The policy of a run and what it started from, on the held-out prompts of its world.
  func evaluate(_ model: FittedPAR) throws {
    guard data.isEmpty else {
      throw ConfigurationError("--data means nothing for a run of \(PAR.system): its world is built in")
    }
    let curve = try model.evaluate()
    guard let reference = curve.first, let policy = curve.last else { return }
    if common.json {
      return try showJSON(
        Measured(system: PAR.system, seed: model.seed, reference: reference, policy: policy))
    }
    var rows = [["", "win", "gold", "proxy", "KL", "preference", "length", "entropy"]]
    for (name, p) in [("reference policy", reference), ("policy", policy)] {
      rows.append([
        name, decimal(p.win), decimal(p.gold), decimal(p.proxy), decimal(p.divergence), decimal(p.preference),
        decimal(p.length, 1), decimal(p.entropy),
      ])
    }
    try show(aligned(rows))
  }
}
