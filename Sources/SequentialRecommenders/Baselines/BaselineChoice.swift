import PenchantKernels

/// The configuration of a baseline with the best metric on the validation cases.
public struct BaselineChoice<Configuration: Sendable>: Sendable {
  /// Every configuration that was tried, with its metric.
  public let trials: [(configuration: Configuration, value: Double)]
  /// Place of the best in `trials`; of equal ones the first.
  public let best: Int

  public var configuration: Configuration { trials[best].configuration }
  public var value: Double { trials[best].value }

  /// - Parameters:
  ///   - grid: configurations to try.
  ///   - validation: cases to choose by; the test cases are never touched.
  ///   - fit: makes the model of a configuration.
  /// - Throws: `KernelError.value` for an empty grid or no cases, and what fitting and ranking throw.
  public init(
    _ grid: [Configuration], on validation: NextItemCases, metric: RankingMetric, seen: SeenItems = .unmasked,
    fit: (Configuration) throws -> some SequenceScorer
  ) throws {
    guard !grid.isEmpty, validation.count > 0 else {
      throw KernelError.value(
        "BaselineChoice",
        "\(grid.count) configurations and \(validation.count) validation cases; 1 or more are needed")
    }
    var trials: [(configuration: Configuration, value: Double)] = []
    for configuration in grid {
      let result = try FullRanking().evaluate(fit(configuration), on: validation)
      trials.append((configuration, result[seen].places.mean(metric)))
    }
    self.trials = trials
    best = trials.indices.reduce(0) { trials[$1].value > trials[$0].value ? $1 : $0 }
  }
}

extension BaselineChoice {
  /// Cases that are enough to choose by: NDCG@10 of a case deviates by about 0.2, its mean over these by 0.003.
  static var enough: Int { 5000 }

  /// The configuration with the best NDCG@10 on the validation cases, at most `enough` of them; the first one when there are
  /// no cases or nothing to choose from, nil when `shouldStop` says so before a model is tried.
  static func configuration(
    _ grid: [Configuration], on validation: NextItemCases, seen: SeenItems, seed: UInt64,
    shouldStop: () -> Bool, fit: (Configuration) throws -> some SequenceScorer
  ) throws -> Configuration? {
    guard grid.count > 1, validation.count > 0 else { return grid.first }
    do {
      return try BaselineChoice(
        grid, on: validation.sampled(enough, seed: seed), metric: .ndcg10, seen: seen
      ) { configuration in
        if shouldStop() { throw Stopped() }
        return try fit(configuration)
      }.configuration
    } catch is Stopped { return nil }
  }
}

private struct Stopped: Error {}
