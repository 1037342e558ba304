import PenchantKernels
import PenchantTrain

/// Two models on the same cases: their difference with an interval and a p-value from a bootstrap over users.
public struct PairedComparison: Sendable, Equatable, Codable {
  public var first: Double
  public var second: Double
  /// second - first.
  public var difference: Double
  /// Percentile interval of the difference.
  public var interval: Interval
  /// Two-sided: the share of replicates whose difference, moved so that no difference is true, is at least as far from 0 as
  /// the one observed; (1 + count) / (1 + replicates), so never 0 (Davison and Hinkley 1997, section 4.4).
  public var pValue: Double
  public var replicates: Int

  /// - Parameters:
  ///   - first: the metric of every case under the first model; `second` under the second.
  ///   - users: one a case: the cases of a user are drawn together, since they are not independent. Nil: every case is a
  ///     user of its own.
  /// - Throws: `KernelError.shape` when the lists differ in length.
  public init(
    _ first: [Double], _ second: [Double], users: [Int32]? = nil, bootstrap: Bootstrap = Bootstrap()
  ) throws(KernelError) {
    guard first.count == second.count, users.map({ $0.count == first.count }) ?? true else {
      throw .shape(
        "PairedComparison",
        "\(first.count) and \(second.count) values\(users.map { " of \($0.count) users" } ?? "")")
    }
    let differences = zip(first, second).map { $1 - $0 }
    let count = Double(first.count)
    self.first = first.sum() / count
    self.second = second.sum() / count
    let observed = differences.sum() / count
    difference = observed
    replicates = bootstrap.replicates
    let means = bootstrap.replicateMeans(differences, groups: users)
    guard !means.isEmpty else {
      interval = Interval(low: .nan, high: .nan)
      pValue = 1
      return
    }
    interval = bootstrap.percentiles(means)
    // Rounding must not make a difference that is the same in every replicate look rarer than it is.
    let far = means.count { abs($0 - observed) >= abs(observed) * (1 - 1e-12) }
    pValue = Double(1 + far) / Double(1 + means.count)
  }
}
