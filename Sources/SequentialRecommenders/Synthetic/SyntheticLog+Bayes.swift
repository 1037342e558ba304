import PenchantKernels
import PenchantTrain

/// The best possible model of a synthetic log: it knows the law, and infers the taste of a user from the history.
public struct BayesScorer: SequenceScorer, Sendable {
  public let law: SyntheticLog

  public init(_ law: SyntheticLog) { self.law = law }

  public var itemCount: Int { law.configuration.items }

  /// Scores are the chances of the items.
  public func score(histories: [ArraySlice<Int32>], into scores: inout [Float]) throws {
    try checkScores(scores.count, histories.count, itemCount, "BayesScorer")
    for (row, history) in histories.enumerated() {
      for item in history { try checkItem(item, itemCount, "BayesScorer") }
      for (column, chance) in law.nextItem(after: history).enumerated() {
        scores[row * itemCount + column] = Float(chance)
      }
    }
  }
}

extension SyntheticLog {
  /// The chance of every taste after a history: Bayes' rule over the law of the items, tastes alike before.
  public func tastePosterior(_ history: ArraySlice<Int32>) -> [Double] {
    var chances = [Double](repeating: 1 / Double(tastes.count), count: tastes.count)
    var before: Int32?
    for item in history {
      for taste in tastes.indices { chances[taste] *= chance(of: item, after: before, taste) }
      let total = chances.reduce(0, +)
      // A history that the law cannot make tells nothing.
      chances = total > 0 ? chances.map { $0 / total } : chances.map { _ in 1 / Double(tastes.count) }
      before = item
    }
    return chances
  }

  private func chance(of item: Int32, after before: Int32?, _ taste: Int) -> Double {
    let jump = tastes[taste][cluster(item)] * withinCluster[Int(item) - 1]
    guard let before else { return jump }
    let place = successors[Int(before) - 1].firstIndex(of: item)
    return configuration.following * (place.map { configuration.successors[$0] } ?? 0)
      + (1 - configuration.following) * jump
  }

  /// The chance of every item to be the next; item j stands at j - 1.
  public func nextItem(after history: ArraySlice<Int32>) -> [Double] {
    let posterior = tastePosterior(history)
    let mix = (0..<configuration.clusters).map { cluster in
      tastes.indices.reduce(0.0) { $0 + posterior[$1] * tastes[$1][cluster] }
    }
    let jump = history.isEmpty ? 1 : 1 - configuration.following
    var chances = (0..<configuration.items).map {
      jump * mix[$0 % configuration.clusters] * withinCluster[$0]
    }
    if let last = history.last {
      for (next, chance) in zip(successors[Int(last) - 1], configuration.successors) {
        chances[Int(next) - 1] += configuration.following * chance
      }
    }
    return chances
  }

  /// The Recall@k that the best possible model is expected to reach on `cases`: the mean of the chances of its k best items.
  /// No model can be expected to do better.
  public func bayesRecall(at k: Int, on cases: NextItemCases) throws -> Double {
    guard k >= 1, cases.itemCount == configuration.items else {
      throw KernelError.value(
        "SyntheticLog.bayesRecall",
        "recall at \(k) for cases of \(cases.itemCount) items; the law has \(configuration.items)")
    }
    let masses = try parallelMap(cases.count) { place in
      nextItem(after: cases.history(place)).sorted(by: >).prefix(k).sum()
    }
    return masses.sum() / Double(masses.count)
  }
}
