import Foundation
import PenchantReport
import PenchantTrain
import PolicyOptimisation
import PreferenceModels

/// The page of a run of PAR: proxy and true reward against the divergence, by shaping and by penalty.
struct PARReport {
  let result: PARResult

  /// Policies with the penalty of the first one: those of the curves.
  private var beside: [PARResult.Policy] {
    result.policies.filter { $0.penalty == result.policies.first?.penalty }
  }

  func page() -> Report {
    let own = result.policies.first
    return Report(
      title: "par: \(own?.shaping ?? "")",
      lead:
        "Policies of a small world whose true reward is known, trained by \(result.algorithm) on a reward model that was "
        + "fitted to comparisons of the reference policy's answers. The reward model is right where it has seen answers and "
        + "wrong beyond; a shaping decides how far a policy follows it. With a well-chosen penalty a plain reward comes "
        + "close to a shaped one: read the penalties, not one of them.",
      figures: [
        Report.Figure(
          "win", decimal(result.metrics["win"]), note: "against the reference policy, true reward"),
        Report.Figure(
          "peak", decimal(own?.onset.peakWin), note: own?.onset.peakStep.map { "at step \($0)" } ?? ""),
        Report.Figure("KL", decimal(result.metrics["kl"], 1), note: "nats an answer"),
        Report.Figure(
          "preference", decimal(result.metrics["preference"]), note: "what the reward model believes of it"),
      ], tables: tables, charts: charts,
      facts: [
        ("system", result.system), ("world", result.data), ("algorithm", result.algorithm),
        ("seed", String(result.seed)), ("threads", String(result.threads)),
        ("nats a token of the demonstrations", decimal(result.metrics["nll_demonstrations"])),
        ("held-out accuracy of the reward model", decimal(result.metrics["proxy_accuracy"])),
        ("seconds", decimal(result.seconds, 1)), ("peak memory", "\(result.peakMemoryBytes / 1_048_576) MiB"),
        ("fingerprint of the curves", result.fingerprint),
        ("made with", "penchant \(RunEnvironment.version)"),
      ])
  }

  private var tables: [Report.Table] {
    var tables: [Report.Table] = []
    if !result.warnings.isEmpty {
      tables.append(
        Report.Table(
          title: "Read this first", note: "What is known to undo a bounded reward.", header: ["warning"],
          rows: result.warnings.map { [$0] }))
    }
    tables.append(
      Report.Table(
        title: "At the end",
        note: "On held-out prompts. Gold: the true reward. Proxy: the reward model, unshaped.",
        header: [
          "shaping", "penalty", "win", "gold", "proxy", "KL", "preference", "length", "entropy",
          "critic loss",
        ],
        rows: result.policies.compactMap { policy in
          guard let p = policy.curve.last else { return nil }
          return [
            policy.shaping, "\(policy.penalty)", decimal(p.win), decimal(p.gold, 2), decimal(p.proxy, 2),
            decimal(p.divergence, 1), decimal(p.preference), decimal(p.length, 1), decimal(p.entropy, 2),
            decimal(p.criticLoss, 4),
          ]
        }))
    tables.append(
      Report.Table(
        title: "When to stop",
        note:
          "Where the true reward was best, which only a world like this knows, and what could be seen without it. A sign is "
          + "no proof.",
        header: [
          "shaping", "penalty", "peak win", "step", "KL", "win at the end", "first sign", "step", "win there",
        ],
        rows: result.policies.map { policy in
          let onset = policy.onset
          return [
            policy.shaping, "\(policy.penalty)", decimal(onset.peakWin),
            onset.peakStep.map { "\($0)" } ?? "-",
            decimal(onset.peakDivergence, 1), decimal(onset.finalWin),
            onset.alarms.first.map { "\($0.sign.rawValue): \($0.text)" } ?? "none",
            onset.alarms.first.map { "\($0.step)" } ?? "-", decimal(onset.winAtAlarm),
          ]
        }))
    tables.append(
      Report.Table(
        title: "Laws",
        note:
          "True reward above the reference, with d the root of KL: d(α − β log d), for the best of n d(α − β d).",
        header: ["", "α", "β", "explained", "best KL"],
        rows: laws.map { name, law in
          [name, decimal(law.alpha), decimal(law.beta), decimal(law.explained), decimal(law.peak, 1)]
        }))
    return tables
  }

  private var laws: [(String, OveroptimisationLaw)] {
    result.policies.compactMap { policy in
      policy.law.map { ("\(policy.shaping), penalty \(policy.penalty)", $0) }
    }
      + (result.bestOfLaw.map { [("best of n", $0)] } ?? [])
  }

  private var charts: [any Chart] {
    func lines(
      _ title: String, _ caption: String, x: String, y: String, at place: (PolicyPoint) -> Double,
      _ value: (PolicyPoint) -> Double, best: ((BestOfN) -> Double)? = nil, marks: Bool = false
    ) -> LineChart {
      var series = beside.map { policy in
        PointSeries(policy.shaping, policy.curve.map { (x: place($0), y: value($0)) })
      }
      if let best, !result.bestOf.isEmpty {
        series.append(.init("best of n", result.bestOf.map { (x: $0.divergence, y: best($0)) }))
      }
      if marks {
        for policy in beside {
          if let p = policy.curve.first(where: { $0.step == policy.onset.peakStep }) {
            series.append(.init("\(policy.shaping): best", [(x: place(p), y: value(p))]))
          }
          if let sign = policy.onset.alarms.first, let p = policy.curve.first(where: { $0.step == sign.step })
          {
            series.append(.init("\(policy.shaping): first sign", [(x: place(p), y: value(p))]))
          }
        }
      }
      return LineChart(title: title, caption: caption, x: x, y: y, series: series)
    }
    let kl = { (p: PolicyPoint) in p.divergence }
    let step = { (p: PolicyPoint) in Double(p.step) }
    var charts: [any Chart] = [
      lines(
        "True reward", "Rises while the reward model is right, and falls where it is not.",
        x: "KL, nats an answer",
        y: "gold", at: kl, \.gold, best: \.gold),
      lines(
        "Proxy reward", "What the reward model says, unshaped: it rises on.", x: "KL, nats an answer",
        y: "proxy",
        at: kl, \.proxy, best: \.proxy),
      lines(
        "Win rate",
        "Share of held-out answers that beat the reference policy's; dots: the best step, the first sign.",
        x: "step", y: "win", at: step, \.win, marks: true),
      lines("Divergence", "From the reference policy.", x: "step", y: "KL, nats", at: step, \.divergence),
      lines(
        "Preference",
        "Mean chance, under the reward model, to beat a reference answer, whatever was trained on.",
        x: "step", y: "preference", at: step, \.preference),
      lines("Length", "Tokens of an answer.", x: "step", y: "tokens", at: step, \.length),
      lines("Entropy", "Of a token.", x: "step", y: "nats", at: step, \.entropy),
    ]
    if beside.contains(where: { $0.curve.contains { $0.criticLoss > 0 } }) {
      charts.append(
        lines(
          "Critic", "Mean squared error; the unbounded reward is the harder one to foresee.", x: "step",
          y: "log10 of the loss", at: step, { $0.criticLoss > 0 ? log10($0.criticLoss) : .nan }))
    }
    if result.policies.count > beside.count {
      var names: [String] = []
      for policy in result.policies where !names.contains(policy.shaping) { names.append(policy.shaping) }
      charts.append(
        BarChart(
          title: "Penalties",
          caption:
            "Win rate at the end by the weight of the divergence: 0 saves no shaping, and a large one saves all.",
          x: "win", from: 0,
          series: names.map { name in
            (
              name,
              result.policies.filter { $0.shaping == name }.sorted { $0.penalty < $1.penalty }.compactMap {
                policy in
                policy.curve.last.map { BarChart.Row("penalty \(policy.penalty)", $0.win) }
              }
            )
          }))
    }
    return charts
  }
}
