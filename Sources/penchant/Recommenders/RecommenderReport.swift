import Foundation
import PenchantReport
import PenchantTrain
import SequentialRecommenders

/// The page of a recommender's run; encoded, its numbers.
struct RecommenderReport: Encodable {
  var result: RecommenderResult
  var metrics: [MetricsLine]

  func page() -> Report {
    let deciding = result.ranked == .masked ? "masked/" : ""
    return Report(
      title: "\(result.system): \(URL(fileURLWithPath: result.data).lastPathComponent)",
      lead:
        "\(result.counts.events) events of \(result.counts.users) users with \(result.counts.items) items"
        + (result.counts == result.fileCounts
          ? ""
          : " (of \(result.fileCounts.events), \(result.fileCounts.users) and \(result.fileCounts.items) in the file)")
        + ". \(protocolText(result)) Settings were chosen on \(result.validationCases) validation cases.",
      figures: figures(deciding), tables: tables, charts: curves + plots + groups(deciding),
      facts: [
        ("system", result.system), ("data", result.data), ("seed", String(result.seed)),
        ("split", result.split), ("checksum of the test items", result.testChecksum),
        ("training events", String(result.trainingEvents)), ("threads", String(result.threads)),
        ("seconds", decimal(result.seconds, 1)), ("peak memory", "\(result.peakMemoryBytes / 1_048_576) MiB"),
        ("fingerprint of the ranks", result.fingerprint), ("made with", "penchant \(RunEnvironment.version)"),
      ])
  }

  private func figures(_ deciding: String) -> [Report.Figure] {
    guard let own = result.models.first else { return [] }
    func figure(_ name: String, _ key: String) -> Report.Figure {
      Report.Figure(name, decimal(own.metrics[key], 4), note: "95% \(range(own.intervals[key]))")
    }
    var figures = [
      figure("NDCG@10", "ndcg@10"), figure("NDCG@10 without items seen", "masked/ndcg@10"),
      figure("Recall@10", deciding + "recall@10"),
    ]
    if let comparison = result.comparison {
      let found = comparison.difference
      figures.append(
        Report.Figure(
          "over \(comparison.baseline)", (found.difference < 0 ? "" : "+") + decimal(found.difference, 4),
          note:
            "95% \(decimal(found.interval.low, 4)) to \(decimal(found.interval.high, 4)), p \(decimal(found.pValue))"
        ))
    }
    figures.append(
      Report.Figure(
        "milliseconds a request", decimal(result.latency.median, 2),
        note: "99th per cent \(decimal(result.latency.high, 2)), one thread"))
    return figures
  }

  private var tables: [Report.Table] {
    let names = ["ndcg@5", "ndcg@10", "ndcg@20", "recall@5", "recall@10", "recall@20", "mrr@10"]
    func table(_ title: String, _ note: String, _ prefix: String) -> Report.Table {
      Report.Table(
        title: title, note: note,
        header: ["model"] + names + ["95% of ndcg@10", "coverage", "lift"],
        rows: result.models.map { model in
          let lists = model.lists[prefix.isEmpty ? "unmasked" : "masked"]
          return [model.name] + names.map { decimal(model.metrics[prefix + $0], 4) }
            + [
              range(model.intervals[prefix + "ndcg@10"]), decimal(lists?.coverage),
              decimal(lists?.popularityLift, 2),
            ]
        })
    }
    var tables = [
      table(
        "Among all items",
        "As ReaRec and RecBole measure. Lift: popularity of what is recommended over that of what came.", ""),
      table(
        "Without items of the history",
        "As gSASRec and SASRec+ measure; the target itself is never left out.",
        "masked/"),
    ]
    tables += result.exhibits.map {
      Report.Table(title: $0.title, note: $0.note, header: $0.header, rows: $0.rows)
    }
    if !result.examples.isEmpty {
      tables.append(
        Report.Table(
          title: "Histories and recommendations", note: "Drawn at random. A dot marks the item that came.",
          header: ["history, latest last", "what came", "its rank", "recommended"],
          rows: result.examples.map { example in
            [
              example.history.joined(separator: " · "), example.target, decimal(example.rank, 0),
              example.recommended.map { $0 == example.target ? "● " + $0 : $0 }.joined(separator: " · "),
            ]
          }, isProse: true))
    }
    return tables
  }

  private var curves: [any Chart] {
    func points(_ split: String, _ name: String) -> [(x: Double, y: Double)] {
      metrics.filter { $0.split == split }.compactMap { line in line.metrics[name].map { (line.epoch, $0) } }
    }
    let loss = points("train", "loss")
    guard loss.count > 1 else { return [] }
    return [
      LineChart(
        title: "Loss while training", caption: "Mean over the steps since the last point.", x: "epoch",
        y: "nats a target", series: [.init("training", loss)]),
      LineChart(
        title: "Validation while training",
        caption: "Training stops when the watched metric has not risen for a while; the best state is kept.",
        x: "epoch", y: "",
        series: [
          .init("NDCG@10", points("validation", "ndcg@10")),
          .init("Recall@10", points("validation", "recall@10")),
        ].filter { !$0.points.isEmpty }),
    ]
  }

  private var plots: [any Chart] {
    result.exhibits.compactMap { exhibit in
      exhibit.plot.map { plot in
        LineChart(
          title: exhibit.title, caption: "The same as lines.", x: plot.x, y: plot.y,
          series: plot.lines.map { line in
            .init(line.name, line.values.enumerated().map { (x: Double($0), y: $1) })
          })
      }
    }
  }

  /// By length and popularity, for the model and what it is compared with.
  private func groups(_ deciding: String) -> [any Chart] {
    let shown = result.models.enumerated().filter { place, model in
      place == 0 || model.name == result.comparison?.baseline
    }.map(\.element)
    func chart(_ title: String, _ caption: String, _ part: (SubgroupTable) -> [SubgroupTable.Group])
      -> any Chart
    {
      BarChart(
        title: title, caption: caption, x: deciding + "ndcg@10",
        series: shown.map { model in
          (
            model.name,
            part(model.groups).map { group in
              let span = group.low == group.high ? "\(group.low)" : "\(group.low) to \(group.high)"
              return .init("\(span) (\(group.count) cases)", group.value ?? .nan)
            }
          )
        })
    }
    guard let first = shown.first, !first.groups.byLength.isEmpty else { return [] }
    return [
      chart("By the length of the history", "Items before the target; quartiles of the cases.", \.byLength),
      chart(
        "By the popularity of the item that came", "Its events in training; quartiles of the cases.",
        \.byPopularity),
    ]
  }
}
