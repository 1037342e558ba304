import Foundation
import PenchantKernels
import PenchantTrain

/// What each step of reasoning is worth, and how much the states differ (ReaRec, section 4).
public struct StepReport: Sendable, Equatable, Codable {
  /// Names of the metrics; `values[step][metric]` from step 0, the backbone's own state, on.
  public var metrics: [String]
  public var values: [[Double]]
  /// What the model scores with in the end: the last state, or the mean of all.
  public var model: [Double]
  /// Mean cosine between the states of two steps, `[step][step]`.
  public var similarity: [[Double]]
  /// Mean KL(p ‖ q) in nats between the distributions of two steps over the catalogue, `[p][q]`, at the temperature of
  /// training (ERL) or 1.
  public var divergence: [[Double]]
  /// The best step case by case beside the best of as many base models, by the first metric.
  public var oracle: StepOracle
}

extension FittedSequenceModel<ReaRecConfiguration> {
  /// Cases whose distributions are compared: as many as few megabytes of scores hold.
  private var compared: Int { min(256, max(8, 4_000_000 / itemCount)) }

  /// Ranks the targets of `cases` by the state of every step.
  ///
  /// - Parameters:
  ///   - metrics: at least one; the first is the oracle's.
  ///   - replicas: where the targets stand under base models that differ by their seed, as many as states; the null of the
  ///     oracle.
  /// - Throws: `ConfigurationError` without a metric, `KernelError.shape` for replicas of other cases or another number.
  public func stepReport(
    on cases: NextItemCases, metrics: [RankingMetric], replicas: [TargetPlaces] = [],
    seen: SeenItems = .unmasked
  ) throws -> StepReport {
    guard let first = metrics.first else { throw ConfigurationError("a report on steps needs a metric") }
    let scorers = try (0...configuration.reasoning.steps).map { try scorer(ofState: $0) }
    let places = try scorers.map { try FullRanking().evaluate($0, on: cases)[seen].places }
    let whole = try FullRanking().evaluate(scorer(), on: cases)[seen].places
    let histories = (0..<cases.count).map(cases.history).filter { !$0.isEmpty }
    let states = try scorers.map { try $0.states(histories) }
    let some = Array(histories.prefix(compared))
    return StepReport(
      metrics: metrics.map(\.name), values: places.map { places in metrics.map { places.mean($0) } },
      model: metrics.map { whole.mean($0) },
      similarity: states.map { a in states.map { meanCosine(a, $0) } },
      divergence: try divergences(some, by: scorers),
      oracle: try StepOracle(steps: places, replicas: replicas, metric: first))
  }

  private func meanCosine(_ a: [Float], _ b: [Float]) -> Double {
    let width = configuration.model.width
    let rows = a.count / width
    var total = 0.0
    for row in 0..<rows {
      var (ab, aa, bb) = (0.0, 0.0, 0.0)
      for i in row * width..<(row + 1) * width {
        let (x, y) = (Double(a[i]), Double(b[i]))
        (ab, aa, bb) = (ab + x * y, aa + x * x, bb + y * y)
      }
      total += aa > 0 && bb > 0 ? ab / (aa * bb).squareRoot() : 0
    }
    return rows == 0 ? .nan : total / Double(rows)
  }

  private func divergences(
    _ histories: [ArraySlice<Int32>], by scorers: [HistoryScorer]
  ) throws -> [[Double]] {
    let reasoning = configuration.reasoning
    let temperature = reasoning.method == .erl ? reasoning.temperature : 1
    var sums = [[Double]](repeating: [Double](repeating: 0, count: scorers.count), count: scorers.count)
    let scores = try scorers.map { scorer -> [Float] in
      var scores = [Float](repeating: 0, count: histories.count * itemCount)
      try scorer.score(histories: histories, into: &scores)
      return scores
    }
    for row in histories.indices {
      let logs = scores.map { scores -> [Double] in
        let logits = scores[row * itemCount..<(row + 1) * itemCount].map { Double($0) / temperature }
        let top = logits.max() ?? 0
        let sum = top + log(logits.reduce(0) { $0 + exp($1 - top) })
        return logits.map { $0 - sum }
      }
      for p in scorers.indices {
        let chances = logs[p].map { exp($0) }
        for q in scorers.indices where q != p {
          sums[p][q] += (0..<itemCount).reduce(0) { $0 + chances[$1] * (logs[p][$1] - logs[q][$1]) }
        }
      }
    }
    return sums.map { $0.map { $0 / Double(max(1, histories.count)) } }
  }
}
