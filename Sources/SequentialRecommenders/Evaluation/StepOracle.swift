import PenchantKernels
import PenchantTrain

/// The ceiling of choosing the best of several rankings case by case with knowledge of the answer, and what the same
/// choice gains among replicas of a base model.
///
/// Taking the best of K + 1 rankings improves any metric, so a gain over reasoning steps means something only beside the
/// gain over as many models that differ by their seed (ReaRec, section 4.2 and its figure 2, leaves that out).
public struct StepOracle: Sendable, Equatable, Codable {
  public var metric: String
  /// The metric of every step alone.
  public var steps: [Double]
  /// The metric when the best step is taken for every case.
  public var oracle: Double
  /// Share of the cases whose best is reached at each step first.
  public var bestStep: [Double]
  /// The metric of every replica alone, and with the best replica a case; the null.
  public var replicas: [Double]
  public var replicaOracle: Double?

  /// Gain of the oracle over the best single step.
  public var gain: Double { oracle / (steps.max() ?? .nan) - 1 }
  /// The same of the null, over its best single replica.
  public var nullGain: Double? { replicaOracle.map { $0 / (replicas.max() ?? .nan) - 1 } }

  /// - Parameters:
  ///   - steps: where the targets stand after each step.
  ///   - replicas: the same of base models; as many as steps make a fair null, and more are refused.
  /// - Throws: `KernelError.shape` when there are no steps, or the lists are of different cases.
  public init(
    steps: [TargetPlaces], replicas: [TargetPlaces] = [], metric: RankingMetric, ties: TiePolicy = .expected
  ) throws(KernelError) {
    guard let count = steps.first?.count, (steps + replicas).allSatisfy({ $0.count == count }) else {
      throw .shape(
        "StepOracle", "steps of \(steps.map(\.count)) cases and replicas of \(replicas.map(\.count))")
    }
    guard replicas.isEmpty || replicas.count == steps.count else {
      throw .shape(
        "StepOracle",
        "\(replicas.count) replicas for \(steps.count) steps; the null needs as many choices as the oracle")
    }
    self.metric = metric.name
    func best(_ sets: [TargetPlaces]) -> (means: [Double], oracle: Double, first: [Double]) {
      let values = sets.map { $0.values(metric, ties: ties) }
      var first = [Int](repeating: 0, count: sets.count)
      let chosen = (0..<count).map { place in
        var at = 0
        for set in values.indices where values[set][place] > values[at][place] { at = set }
        first[at] += 1
        return values[at][place]
      }
      let total = Double(count)
      return (values.map { $0.sum() / total }, chosen.sum() / total, first.map { Double($0) / total })
    }
    (self.steps, oracle, bestStep) = best(steps)
    guard !replicas.isEmpty else {
      self.replicas = []
      return
    }
    let null = best(replicas)
    (self.replicas, replicaOracle) = (null.means, null.oracle)
  }
}
