import PenchantTrain

extension ReaRecConfiguration {
  /// The gain over the base, what each step is worth, what choosing a step with knowledge of the answer would be worth beside
  /// the same choice among bases, and how much the steps differ (ReaRec, section 4).
  public func exhibits(
    of model: FittedReaRec, _ split: SequenceSplit, ranked: SeenItems, seed: UInt64,
    own: MeasuredModel, peers: [MeasuredModel]
  ) throws -> [RecommenderExhibit] {
    guard reasoning.steps > 0 else { return [] }
    let metrics = [
      RankingMetric.ndcg10, try RankingMetric(.ndcg, at: 20), try RankingMetric(.recall, at: 10),
      try RankingMetric(.recall, at: 20),
    ]
    let places = peers.map { $0.ranking[ranked].places }
    let report = try model.stepReport(
      on: split.test, metrics: metrics, replicas: places.count == reasoning.steps + 1 ? places : [],
      seen: ranked)
    let gains = try peers.flatMap { peer in
      try metrics.map { metric in
        let difference = try PairedComparison(
          peer.ranking[ranked].places.values(metric), own.ranking[ranked].places.values(metric),
          users: split.test.users, bootstrap: Bootstrap(seed: seed))
        return [
          peer.name, metric.name, fixed(difference.first), fixed(difference.second),
          signed(difference.difference),
          "\(signed(difference.interval.low)) to \(signed(difference.interval.high))",
          fixed(difference.pValue),
        ]
      }
    }
    var exhibits = [steps(report), differences(report)]
    if !gains.isEmpty {
      exhibits.insert(
        RecommenderExhibit(
          title: "Gain over the base",
          note:
            "The same layers, settings and training without thoughts; targets ranked \(ranked.rawValue). Paired bootstrap "
            + "over users.",
          header: ["base", "metric", "base", "\(reasoning.method.rawValue)", "difference", "95%", "p"],
          rows: gains),
        at: 0)
    }
    return exhibits
  }

  private func steps(_ report: StepReport) -> RecommenderExhibit {
    var rows = report.values.enumerated().map { step, values in ["step \(step)"] + values.map(fixed) }
    rows.append(["the model"] + report.model.map(fixed))
    let oracle = report.oracle
    func best(_ name: String, _ value: Double, _ gain: Double) -> [String] {
      [name, "\(fixed(value)) (\(gain < 0 ? "" : "+")\((gain * 1000).rounded() / 10) %)"]
        + [String](repeating: "", count: report.metrics.count - 1)
    }
    rows.append(best("best step a case", oracle.oracle, oracle.gain))
    if let null = oracle.replicaOracle, let gain = oracle.nullGain {
      rows.append(best("best base a case", null, gain))
    }
    return RecommenderExhibit(
      title: "What each step is worth",
      note:
        "Targets ranked by the state of each step alone. The best step a case knows the answer: any choice among several "
        + "rankings gains by that, so it says something only beside as many bases"
        + (oracle.replicaOracle == nil ? " (reasoning.bases: \(reasoning.steps + 1))" : "")
        + "; in brackets the gain over the best single one.",
      header: ["state"] + report.metrics, rows: rows,
      plot: .init(
        x: "step", y: "",
        lines: report.metrics.enumerated().map { place, name in
          .init(name: name, values: report.values.map { $0[place] })
        }))
  }

  private func differences(_ report: StepReport) -> RecommenderExhibit {
    let steps = report.similarity.indices
    return RecommenderExhibit(
      title: "How much the steps differ",
      note:
        "The mean cosine of the states of two steps, and in brackets KL(row, column) in nats between their distributions "
        + "over the catalogue. Cosines near 1 say that a step repeats the one before.",
      header: ["step"] + steps.map(String.init),
      rows: steps.map { row in
        ["\(row)"]
          + steps.map { column in
            row == column
              ? "1" : "\(fixed(report.similarity[row][column])) (\(fixed(report.divergence[row][column])))"
          }
      })
  }

  private func signed(_ value: Double) -> String { (value < 0 ? "" : "+") + fixed(value) }
}
