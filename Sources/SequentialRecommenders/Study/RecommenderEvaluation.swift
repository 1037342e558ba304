import PenchantData
import PenchantKernels
import PenchantTrain

/// Turns rankings of the same cases by several models into the result that is printed and kept.
struct RecommenderEvaluation {
  let cases: NextItemCases
  let userNames: [String]
  let ranked: SeenItems
  let seed: UInt64

  /// - Parameters:
  ///   - rows: the model first, then what it is compared with.
  ///   - popularity: training events an item.
  ///   - since: when the work began, by `ProgressLine.clock`.
  func result(
    of trained: TrainedRecommender, rows: [MeasuredModel], popularity: [Int], data: String, split: String,
    testChecksum: String, counts: LogCounts, fileCounts: LogCounts, trainingEvents: Int, validationCases: Int,
    exhibits: [RecommenderExhibit], since started: Double
  ) throws -> RecommenderResult {
    let models = try rows.map { try row($0, popularity) }
    let recommender = try trained.recommender()
    let examples = try examples(rows.first, recommender)
    let latency = try latency(recommender)
    let places = rows.first.map { [$0.ranking.unmasked.places, $0.ranking.masked.places] } ?? []
    return RecommenderResult(
      system: trained.system, data: data, seed: seed, threads: Team.size,
      seconds: ProgressLine.clock() - started, counts: counts, fileCounts: fileCounts, split: split,
      trainingEvents: trainingEvents, validationCases: validationCases, testCases: cases.count,
      testChecksum: testChecksum, ranked: ranked, metrics: models.first?.metrics ?? [:], models: models,
      comparison: try comparison(rows), examples: examples, exhibits: exhibits, latency: latency,
      peakMemoryBytes: peakMemory(),
      fingerprint: XXHash64.hex(places.flatMap { ($0.above + $0.tied).map(Double.init) }))
  }

  private func name(_ metric: RankingMetric, _ seen: SeenItems) -> String {
    (seen == .masked ? "masked/" : "") + metric.name
  }

  private func row(_ model: MeasuredModel, _ popularity: [Int]) throws -> RecommenderResult.Row {
    var metrics: [String: Double] = [:]
    var intervals: [String: Interval] = [:]
    let bootstrap = Bootstrap(seed: seed)
    for seen in SeenItems.allCases {
      for metric in RankingMetric.reported {
        metrics[name(metric, seen)] = model.ranking[seen].places.mean(metric)
      }
    }
    // Two metrics have intervals: a bootstrap of all of them would take longer than the ranking.
    let wanted = SeenItems.allCases.flatMap { seen in RankingMetric.leading.map { (seen, $0) } }
    let users = cases.users
    let found = try parallelMap(wanted.count) { place in
      let means = bootstrap.replicateMeans(
        model.ranking[wanted[place].0].places.values(wanted[place].1), groups: users)
      return means.isEmpty ? Interval(low: .nan, high: .nan) : bootstrap.percentiles(means)
    }
    for ((seen, metric), interval) in zip(wanted, found) { intervals[name(metric, seen)] = interval }
    return RecommenderResult.Row(
      name: model.name, metrics: metrics, intervals: intervals,
      lists: Dictionary(
        uniqueKeysWithValues: SeenItems.allCases.map { ($0.rawValue, model.ranking[$0].lists) }),
      groups: try SubgroupTable(
        metric: name(.ndcg10, ranked), values: model.ranking[ranked].places.values(.ndcg10), cases: cases,
        popularity: popularity),
      trainingSeconds: model.trainingSeconds, rankingSeconds: model.rankingSeconds)
  }

  /// Against the one that is best on these very cases, which favours the baselines.
  private func comparison(_ rows: [MeasuredModel]) throws -> RecommenderResult.Comparison? {
    func mean(_ row: MeasuredModel) -> Double { row.ranking[ranked].places.mean(.ndcg10) }
    guard let own = rows.first, let best = rows.dropFirst().max(by: { mean($0) < mean($1) }) else {
      return nil
    }
    return RecommenderResult.Comparison(
      metric: name(.ndcg10, ranked), baseline: best.name,
      difference: try PairedComparison(
        best.ranking[ranked].places.values(.ndcg10), own.ranking[ranked].places.values(.ndcg10),
        users: cases.users, bootstrap: Bootstrap(seed: seed)))
  }

  /// A few cases drawn by the seed.
  private func examples(_ model: MeasuredModel?, _ recommender: Recommender) throws -> [RecommenderResult
    .Example]
  {
    guard let places = model?.ranking[ranked].places else { return [] }
    let title = recommender.trained.title
    return try permutation(cases.count, seed: seed).prefix(6).map(Int.init).sorted().map { place in
      let history = Array(cases.history(place))
      let best = try recommender.recommend(for: history, count: 5, repeats: ranked == .unmasked)
      return RecommenderResult.Example(
        user: userNames[Int(cases.users[place])], history: history.suffix(6).map(title),
        target: title(cases.target(place)),
        rank: 1 + Double(places.above[place]) + Double(places.tied[place]) / 2,
        recommended: best.items.map { $0.title ?? $0.item })
    }
  }

  /// Of the first cases, on one thread.
  private func latency(_ recommender: Recommender) throws -> RecommenderResult.Latency {
    let times = try Team.with(threads: 1) {
      try (0..<min(200, cases.count)).map { place in
        let start = ProgressLine.clock()
        _ = try recommender.recommend(for: Array(cases.history(place)), count: 10)
        return (ProgressLine.clock() - start) * 1000
      }
    }.sorted()
    guard let last = times.last else {
      return RecommenderResult.Latency(median: .nan, high: .nan, requests: 0)
    }
    return RecommenderResult.Latency(
      median: times[times.count / 2], high: times.count > 1 ? times[(times.count - 1) * 99 / 100] : last,
      requests: times.count)
  }
}

extension TrainedRecommender {
  /// Measures the model on another log: the last item of every user after the ones before, or the test part that the file
  /// names. Events with items that the model does not know are left out.
  ///
  /// - Throws: `DataError` when no user has two known items.
  public func evaluate(
    _ log: InteractionLog, file: String, ranked: SeenItems = .unmasked, seed: UInt64 = 0
  ) throws -> RecommenderResult {
    let started = ProgressLine.clock()
    let known = log.selecting(
      (0..<log.count).filter { items.index(of: log.items.names[Int(log.item[$0])]) != nil })
    let histories = UserHistories(known, items: items)
    let split = known.hasParts ? try SequenceSplit.ofFile(known, minimumHistory: 0) : nil
    var users: [Int32] = []
    var positions: [Int32] = []
    if let split {
      (users, positions) = (split.test.users, split.test.positions)
    } else {
      for user in 0..<histories.sequences.count where histories.sequences[user].count > 1 {
        users.append(Int32(user))
        positions.append(Int32(histories.sequences[user].count - 1))
      }
    }
    guard !users.isEmpty else {
      throw DataError(
        file: file, "there is nothing to measure: no user has two items that the model knows",
        found:
          "\(log.count) events of \(log.users.count) users; \(known.count) of them with items that the model knows",
        repair: "is this a log of the catalogue that the model was trained on?")
    }
    let cases = try NextItemCases(sequences: histories.sequences, users: users, positions: positions)
    let popularity = model.itemCounts.map(Int.init)
    func ranking(_ model: some FittedRecommender) throws -> RankingResult {
      try FullRanking().evaluate(model.scorer(histories: 64), on: cases, popularity: popularity)
    }
    let clock = ProgressLine.clock()
    let own = try ranking(model)
    let rows = [
      MeasuredModel(
        name: system, ranking: own, trainingSeconds: 0, rankingSeconds: ProgressLine.clock() - clock),
      MeasuredModel(
        name: PopularityConfiguration.system,
        ranking: try ranking(PopularityModel(itemCounts: model.itemCounts)),
        trainingSeconds: 0, rankingSeconds: 0),
    ]
    return try RecommenderEvaluation(
      cases: cases, userNames: histories.users.names, ranked: ranked, seed: seed
    ).result(
      of: self, rows: system == PopularityConfiguration.system ? Array(rows.prefix(1)) : rows,
      popularity: popularity, data: file,
      split: split == nil ? "last known item of every user" : "test part of the file",
      testChecksum: SequenceSplit.checksum(cases, histories.users.names, items.names),
      counts: LogCounts(known),
      fileCounts: LogCounts(log), trainingEvents: 0, validationCases: 0, exhibits: [], since: started)
  }
}
