import PenchantData
import PenchantReport
import PenchantTrain
import PolicyOptimisation
import PreferenceModels

/// The files of a run of PAR, and what is printed of it.
struct PARRunWriter {
  let run: RunDirectory
  let result: PARResult

  /// Model, curves, result, card and report.
  func write(_ model: FittedPAR) throws {
    try run.write("model.safetensors", bytes: model.bytes())
    try run.write("curves.tsv", curves)
    try run.write("result.json", json: result)
    try run.write("README.md", card.markdown)
    try writeReport()
  }

  func writeReport() throws {
    try run.write("report.html", PARReport(result: result).page().html())
    try run.write("report.json", json: result)
  }

  /// Every point of every curve.
  private var curves: String {
    let columns = [
      "shaping", "penalty", "step", "kl", "proxy", "gold", "win", "preference", "length", "entropy",
      "critic_loss", "advantage",
    ]
    let rows = result.policies.flatMap { policy in
      policy.curve.map { p in
        ([policy.shaping, "\(policy.penalty)", "\(p.step)"]
          + [
            p.divergence, p.proxy, p.gold, p.win, p.preference, p.length, p.entropy, p.criticLoss,
            p.advantage,
          ].map { "\($0)" }).joined(separator: "\t")
      }
    }
    return ([columns.joined(separator: "\t")] + rows).joined(separator: "\n") + "\n"
  }

  private var card: ModelCard {
    ModelCard(
      system: result.system,
      summary:
        "A policy of a small world with a known true reward, trained by \(result.algorithm) on the rewards of a learnt reward "
        + "model under the shaping \(result.policies.first?.shaping ?? ""), beside others (arXiv 2502.18770).",
      data: result.data, seed: result.seed,
      metrics: ["win", "win_peak", "gold", "gold_reference", "proxy", "kl", "preference", "critic_loss"]
        .compactMap { name in result.metrics[name].map { (name, $0) } },
      notes: [
        "`penchant predict \(run.path) --data rewards.jsonl` shapes rewards as this run did, from its statistics on.",
        "`curves.tsv`: proxy, true reward and divergence of every policy at every measurement.",
        "Win: how often the true reward of an answer beats that of the reference policy, on held-out prompts.",
      ] + result.warnings)
  }

  /// Tables for the terminal.
  var text: String {
    var rows = [
      ["shaping", "penalty", "win", "peak", "at step", "gold", "proxy", "KL", "preference", "first sign"]
    ]
    for policy in result.policies {
      guard let last = policy.curve.last else { continue }
      rows.append([
        policy.shaping, "\(policy.penalty)", decimal(last.win), decimal(policy.onset.peakWin),
        policy.onset.peakStep.map { "\($0)" } ?? "-", decimal(last.gold, 2), decimal(last.proxy, 2),
        decimal(last.divergence, 1), decimal(last.preference),
        policy.onset.alarms.first.map { "\($0.sign.rawValue) at \($0.step)" } ?? "-",
      ])
    }
    var parts = [aligned(rows)]
    if let last = result.bestOf.last {
      parts.append(
        "best of \(last.answers): win \(decimal(last.win)), gold \(decimal(last.gold, 2)), proxy "
          + "\(decimal(last.proxy, 2)), KL \(decimal(last.divergence, 2))")
    }
    parts.append(
      "Win is the share of held-out answers whose true reward beats that of the reference policy. One penalty says "
        + "little:\na plain reward with a well-chosen penalty comes close to a shaped one.")
    parts.append(
      "\(run.path)/report.html     curves of proxy and true reward against divergence, signs of hacking\n"
        + "\(run.path): curves.tsv, model.safetensors, config.yaml    \(decimal(result.seconds, 1)) s on "
        + "\(result.threads) threads, fingerprint \(result.fingerprint)")
    return parts.joined(separator: "\n\n")
  }
}
