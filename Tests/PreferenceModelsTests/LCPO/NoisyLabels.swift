import Foundation
import PenchantTrain
import TestSupport

/// Labels whose truth is known (section 7.1 of the specification): s ~ N(0, sd²), the clean preference has the chance σ(s),
/// and a label is turned round with the chance 1 − η. Margins are of the order observed.
struct NoisyLabels {
  var margins: [Double] = []
  var isRight: [Bool] = []
  var annotator: [UInt32] = []

  init(_ n: Int, sd: Double, reliability: [Double], seed: String) {
    var generator = TestGenerator(stream: seed)
    for _ in 0..<n {
      let k = reliability.count == 1 ? 0 : Int.random(in: 0..<reliability.count, using: &generator)
      let s = sd * generator.normal()
      let clean = generator.unit() < sigmoid(s)
      let right = generator.unit() < reliability[k]
      margins.append(clean == right ? s : -s)
      isRight.append(right)
      annotator.append(UInt32(k))
    }
  }

  /// 1/√(N I) at the truth.
  func standardError(_ eta: Double) -> Double {
    let information = margins.reduce(0.0) { sum, u in
      let p = sigmoid(u)
      let seen = p * eta + (1 - p) * (1 - eta)
      return sum + (2 * p - 1) * (2 * p - 1) / (seen * seen)
    }
    return 1 / information.squareRoot()
  }
}

/// The definition of the area under the ROC curve, pair by pair, ties one half.
func rankArea(_ score: [Double], _ isRight: [Bool]) -> Double {
  let (right, wrong) = (score.indices.filter { isRight[$0] }, score.indices.filter { !isRight[$0] })
  var wins = 0.0
  for a in right {
    for b in wrong { wins += score[a] > score[b] ? 1 : score[a] == score[b] ? 0.5 : 0 }
  }
  return wins / Double(right.count * wrong.count)
}

/// A linear truth and noisy labels of it (section 7.4): features N(0, 1), θ* of length sd.
struct LinearLabels {
  var truth: [Double]
  /// Of the order observed, `[n, d]`.
  var differences: [Double] = []
  var isRight: [Bool] = []
  let width: Int

  init(_ n: Int, width: Int, sd: Double, reliability: Double, seed: String) {
    var generator = TestGenerator(stream: seed)
    let direction = (0..<width).map { _ in generator.normal() }
    let length = direction.reduce(0) { $0 + $1 * $1 }.squareRoot()
    truth = direction.map { $0 / length * sd }
    self.width = width
    for _ in 0..<n {
      let x = (0..<width).map { _ in generator.normal() }
      let s = zip(x, truth).reduce(0) { $0 + $1.0 * $1.1 }
      let clean = generator.unit() < sigmoid(s)
      let right = generator.unit() < reliability
      differences += clean == right ? x : x.map { -$0 }
      isRight.append(right)
    }
  }

  /// Share of fresh inputs that weights put on the side of the truth.
  func signAccuracy(_ weights: [Double], count: Int = 20_000) -> Double {
    var generator = TestGenerator(stream: "signs")
    var hits = 0
    for _ in 0..<count {
      var (a, b) = (0.0, 0.0)
      for j in 0..<width {
        let x = generator.normal()
        a += x * truth[j]
        b += x * weights[j]
      }
      if a * b > 0 { hits += 1 }
    }
    return Double(hits) / Double(count)
  }
}
