import Foundation
import PenchantKernels

/// Plackett–Luce: a ranking is a sequence of choices, each of the best among what is left (Luce 1959, Plackett 1975).
///
/// The loss of a ranking i1 … im is the sum over k of log(sum over j ≥ k of e^s_j) - s_k. Gradient and Hessian product take
/// time proportional to m: sums over what is left are suffix sums, sums over the choices an item was in are prefix sums.
struct RankingLikelihood: Likelihood {
  let rows: Int
  private let rankings: [[Int]]
  private var scores: [Double]

  init(items: Int, rankings: [[Int]]) {
    rows = items
    self.rankings = rankings.filter { $0.count > 1 }
    scores = [Double](repeating: 0, count: items)
  }

  mutating func evaluate(_ scores: [Double], gradient: inout [Double]) throws(KernelError) -> Double {
    guard scores.count == rows, gradient.count == rows else {
      throw .shape(
        "RankingLikelihood", "\(scores.count) scores and \(gradient.count) places for \(rows) items")
    }
    self.scores = scores
    for i in 0..<rows { gradient[i] = 0 }
    var loss = 0.0
    for ranking in rankings {
      let (weights, left, top) = suffixSums(ranking)
      var share = 0.0
      for (k, item) in ranking.enumerated() {
        // The last item is no choice.
        let isChoice = k + 1 < ranking.count
        if isChoice {
          loss += log(left[k]) + top - scores[item]
          share += 1 / left[k]
        }
        gradient[item] += weights[k] * share - (isChoice ? 1 : 0)
      }
    }
    return loss
  }

  /// Row j of H v: p_j (v_j A_j - B_j) with A_j, B_j the sums over the choices j was in of 1/Z and of (mean of v)/Z.
  mutating func hessianProduct(_ v: [Double], into out: inout [Double]) throws(KernelError) {
    guard v.count == rows, out.count == rows else {
      throw .shape("RankingLikelihood", "\(v.count) and \(out.count) values for \(rows) items")
    }
    for i in 0..<rows { out[i] = 0 }
    for ranking in rankings {
      let (weights, left, _) = suffixSums(ranking)
      var weighted = [Double](repeating: 0, count: ranking.count + 1)
      for k in ranking.indices.reversed() { weighted[k] = weighted[k + 1] + weights[k] * v[ranking[k]] }
      var a = 0.0
      var b = 0.0
      for (k, item) in ranking.enumerated() {
        if k + 1 < ranking.count {
          a += 1 / left[k]
          b += weighted[k] / (left[k] * left[k])
        }
        out[item] += weights[k] * (v[item] * a - b)
      }
    }
  }

  /// e^(s - top) of each item, their sums from each place to the end, and the largest score.
  private func suffixSums(_ ranking: [Int]) -> (weights: [Double], left: [Double], top: Double) {
    let top = ranking.map { scores[$0] }.max() ?? 0
    let weights = ranking.map { exp(scores[$0] - top) }
    var left = weights
    for k in left.indices.dropLast().reversed() { left[k] += left[k + 1] }
    return (weights, left, top)
  }
}
