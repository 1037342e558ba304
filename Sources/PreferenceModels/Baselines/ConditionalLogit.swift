import Foundation
import PenchantKernels

/// P(j) = exp(w · x_j) / Σ exp(w · x_k) within a set (McFadden 1974); Bradley-Terry for sets of two.
public struct ConditionalLogit: Sendable, Codable, Equatable {
  /// λ of λ/2 |w|², more than 0.
  public var ridge: Double

  public init(ridge: Double = 1e-6) { self.ridge = ridge }

  /// - Throws: `KernelError.value` for a ridge that is not positive or no sets; what the solver throws.
  public func fit(_ sets: ChoiceSets) throws -> LinearEstimate {
    guard ridge > 0, ridge.isFinite else {
      throw KernelError.value("ConditionalLogit", "a ridge of \(ridge); it must be more than 0")
    }
    guard sets.count > 0 else { throw KernelError.value("ConditionalLogit.fit", "there are no choices") }
    let width = sets.columns.count
    let likelihood = ChoiceLikelihood(sets: sets)
    let newton = DampedNewton(
      mean: [Double](repeating: 0, count: width), precision: [Double](repeating: ridge, count: width))
    let optimum = try newton.solve(likelihood)
    return try LinearEstimate(
      optimum, columns: sets.columns, scores: likelihood.scoresByPerson(at: optimum.weights),
      logLikelihood: -likelihood.value(at: optimum.weights))
  }
}

/// The sum of weight · (log Σ exp(w · x_j) - w · x_chosen).
struct ChoiceLikelihood: LinearLikelihood {
  let sets: ChoiceSets

  var width: Int { sets.columns.count }
  var rows: Int { sets.count }

  /// Chances of the alternatives of a set, and minus the log of that of the chosen one.
  private func chances(_ set: Int, _ weights: [Double]) -> (chances: [Double], loss: Double) {
    let rows = sets.starts[set]..<sets.starts[set + 1]
    let utilities = sets.features.withUnsafeBufferPointer { x in rows.map { inner(x, $0 * width, weights) } }
    let top = utilities.max() ?? 0
    let powers = utilities.map { exp($0 - top) }
    let total = powers.reduce(0, +)
    return (powers.map { $0 / total }, log(total) + top - utilities[sets.chosen[set] - rows.lowerBound])
  }

  func add(_ rows: Range<Int>, at weights: [Double], to sums: inout LikelihoodSums) {
    let width = width
    var mean = [Double](repeating: 0, count: width)
    for set in rows {
      let (chances, loss) = chances(set, weights)
      let (weight, first) = (sets.weight[set], sets.starts[set])
      sums.value += weight * loss
      for i in 0..<width { mean[i] = 0 }
      for (place, chance) in chances.enumerated() {
        for i in 0..<width { mean[i] += chance * sets.features[(first + place) * width + i] }
      }
      for i in 0..<width {
        sums.gradient[i] += weight * (mean[i] - sets.features[sets.chosen[set] * width + i])
      }
      // Around the mean, so that equal alternatives have curvature 0 exactly.
      for (place, chance) in chances.enumerated() {
        let row = (first + place) * width
        for i in 0..<width {
          let scaled = weight * chance * (sets.features[row + i] - mean[i])
          for j in 0...i { sums.hessian[i * width + j] += scaled * (sets.features[row + j] - mean[j]) }
        }
      }
    }
  }

  func value(_ rows: Range<Int>, at weights: [Double]) -> Double {
    rows.reduce(0) { $0 + sets.weight[$1] * chances($1, weights).loss }
  }

  func reach(_ rows: Range<Int>, along direction: [Double]) -> Double {
    sets.features.withUnsafeBufferPointer { x in
      rows.reduce(0) { reach, set in
        let moves = (sets.starts[set]..<sets.starts[set + 1]).map { inner(x, $0 * width, direction) }
        return max(reach, (moves.max() ?? 0) - (moves.min() ?? 0))
      }
    }
  }

  /// The gradient of each choice at `weights`, summed by person: row-major `[persons, width]`.
  func scoresByPerson(at weights: [Double]) -> [Double] {
    var scores = [Double](repeating: 0, count: ((sets.person.max() ?? -1) + 1) * width)
    for set in 0..<rows {
      var sums = LikelihoodSums(width: width)
      add(set..<set + 1, at: weights, to: &sums)
      for i in 0..<width { scores[sets.person[set] * width + i] += sums.gradient[i] }
    }
    return scores
  }
}
