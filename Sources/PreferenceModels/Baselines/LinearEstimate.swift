import Foundation
import PenchantKernels

/// Weights of named columns with their uncertainty, all in log-odds per unit of the column.
public struct LinearEstimate: Sendable, Codable, Equatable {
  public var columns: [String]
  public var weights: [Double]
  /// Inverse Hessian of the penalised objective, row-major `[columns, columns]`.
  public var covariance: [Double]
  /// Roots of its diagonal: right when pairs are independent.
  public var standardErrors: [Double]
  /// Roots of the diagonal of H⁻¹ (Σ_g g_g g_gᵀ) H⁻¹ over clusters g (posts): right when pairs of a cluster are not.
  public var clusteredErrors: [Double]
  public var clusters: Int
  /// Of the data at the weights, in nats, without the prior.
  public var logLikelihood: Double
  public var iterations: Int
  public var converged: Bool

  /// Two-sided p-values of "the weight is 0" from the clustered errors, by the normal distribution; NaN without error.
  public var pValues: [Double] {
    zip(weights, clusteredErrors).map { weight, error in
      error > 0 ? erfc(abs(weight) / error / 2.0.squareRoot()) : .nan
    }
  }

  /// - Parameter scores: gradients summed by cluster, row-major `[clusters, columns]`.
  init(
    _ optimum: DampedNewton.Optimum, columns: [String], scores: [Double], logLikelihood: Double
  ) throws(KernelError) {
    let width = columns.count
    let inverse = try optimum.information.inverse()
    covariance = inverse
    standardErrors = (0..<width).map { inverse[$0 * width + $0].squareRoot() }
    // Row g of G H⁻¹ is H⁻¹ g_g, so the diagonal is a sum of squares.
    var squares = [Double](repeating: 0, count: width)
    var clusters = 0
    for start in stride(from: 0, to: scores.count, by: width) {
      let score = scores[start..<start + width]
      guard score.contains(where: { $0 != 0 }) else { continue }
      clusters += 1
      for i in 0..<width {
        var sum = 0.0
        for j in 0..<width { sum += inverse[i * width + j] * score[start + j] }
        squares[i] += sum * sum
      }
    }
    clusteredErrors = squares.map { $0.squareRoot() }
    self.clusters = clusters
    self.columns = columns
    weights = optimum.weights
    self.logLikelihood = logLikelihood
    iterations = optimum.iterations
    converged = optimum.converged
  }
}
