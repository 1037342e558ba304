import Foundation
import PenchantKernels
import PenchantTrain

extension FittedPrefPalette {
  /// The value profile of every community on the texts that its pairs name, each text once.
  ///
  /// Intervals hold the model fixed and draw posts with Poisson(1) weights: what another sample of posts would read off
  /// this model. How far another training would move it, `PaletteStability` says.
  public func profile(
    on data: PaletteData, replicates: Int = 1000, discoveryRate: Double = 0.05, seed: UInt64 = 0
  ) throws -> PaletteProfile {
    try fits(data)
    guard (1...1_000_000).contains(replicates), discoveryRate > 0, discoveryRate < 1 else {
      throw ConfigurationError("\(replicates) replicates at a discovery rate of \(discoveryRate)")
    }
    let rows = try PaletteRows(data)
    let texts = try rows.texts(of: data)
    let prediction = try predict(texts, community: rows.community)
    var members = [[Int]](repeating: [], count: data.communities.count)
    for (row, community) in rows.community.enumerated() { members[Int(community)].append(row) }
    let grouped = members
    var communities = try parallelMap(grouped.count) { c in
      let sums = PostSums(grouped[c], rows.post, texts, prediction)
      return sums.community(data.communities[c], attributes, replicates, seed: seed, stream: UInt64(c))
    }
    Self.flag(&communities, discoveryRate)
    return PaletteProfile(
      attributes: attributes, communities: communities, discoveryRate: discoveryRate, replicates: replicates)
  }

  /// Benjamini and Hochberg's step-up rule over every entry that has a p.
  private static func flag(_ communities: inout [PaletteProfile.Community], _ rate: Double) {
    let tests = communities.flatMap { $0.entries.map(\.p) }.filter(\.isFinite).sorted()
    var limit = -1.0
    for (rank, p) in tests.enumerated() where p <= rate * Double(rank + 1) / Double(tests.count) { limit = p }
    for c in communities.indices {
      for i in communities[c].entries.indices {
        communities[c].entries[i].isFlagged = communities[c].entries[i].p <= limit
      }
    }
  }
}

/// Sums of a community's texts by post: all that a bootstrap replicate needs.
private struct PostSums {
  let texts: Int
  let posts: Int
  let attributes: Int
  /// `[posts, 1 + 6 K]`: count; then s, s², κ, κ s, α, α² of each attribute (by kind, then attribute).
  let sums: [Double]
  private var width: Int { 1 + 6 * attributes }

  init(
    _ members: [Int], _ post: [UInt32], _ texts: PaletteTexts, _ prediction: FittedPrefPalette.Prediction
  ) {
    let K = texts.attributes
    var place: [UInt32: Int] = [:]
    var sums: [Double] = []
    for row in members {
      let at = place[post[row], default: place.count]
      if at == place.count {
        place[post[row]] = at
        sums.append(contentsOf: repeatElement(0, count: 1 + 6 * K))
      }
      let start = at * (1 + 6 * K)
      sums[start] += 1
      for i in 0..<K {
        let s = Double(texts.scores[row * K + i])
        let (kappa, alpha) = (Double(prediction.kappa[row * K + i]), Double(prediction.alpha[row * K + i]))
        for (kind, value) in [s, s * s, kappa, kappa * s, alpha, alpha * alpha].enumerated() {
          sums[start + 1 + kind * K + i] += value
        }
      }
    }
    self.texts = members.count
    posts = place.count
    attributes = K
    self.sums = sums
  }

  func community(
    _ name: String, _ names: [String], _ replicates: Int, seed: UInt64, stream: UInt64
  ) -> PaletteProfile.Community {
    let K = attributes
    let whole = total { _ in 1 }
    let weights = Self.weights(whole, K)
    var replicated = [[Double]](repeating: [], count: K)
    for replicate in 0..<replicates {
      var draws = Philox(seed: seed, stream: stream << 32 | UInt64(replicate))
      let values = Self.weights(total { _ in draws.poisson1() }, K)
      for i in 0..<K where values[i].isFinite { replicated[i].append(values[i]) }
    }
    let n = whole[0]
    let entries = (0..<K).map { i -> PaletteProfile.Entry in
      let mean = whole[1 + 4 * K + i] / n
      let spread = max(0, whole[1 + 5 * K + i] / n - mean * mean).squareRoot()
      let values = replicated[i].sorted()
      let centre = values.sum() / Double(max(1, values.count))
      let deviation =
        posts > 1 && values.count > 1
        ? (values.map { ($0 - centre) * ($0 - centre) }.sum() / Double(values.count - 1)).squareRoot() : .nan
      let p = deviation > 0 ? erfc(abs(weights[i]) / deviation / 2.0.squareRoot()) : .nan
      func at(_ q: Double) -> Double {
        guard posts > 1, !values.isEmpty else { return .nan }
        let place = q * Double(values.count - 1)
        let below = Int(place)
        let above = min(below + 1, values.count - 1)
        return values[below] + (values[above] - values[below]) * (place - Double(below))
      }
      return PaletteProfile.Entry(
        attribute: names[i], attention: mean, attentionDeviation: spread, weight: weights[i],
        interval: Interval(low: at(0.025), high: at(0.975)), deviation: deviation, p: p, isFlagged: false)
    }
    return PaletteProfile.Community(community: name, texts: texts, posts: posts, entries: entries)
  }

  private func total(_ weight: (Int) -> Double) -> [Double] {
    var result = [Double](repeating: 0, count: width)
    let width = width
    sums.withUnsafeBufferPointer { sums in
      result.withUnsafeMutableBufferPointer { result in
        for post in 0..<posts {
          let w = weight(post)
          if w == 0 { continue }
          for i in 0..<width { result[i] += w * sums[post * width + i] }
        }
      }
    }
    return result
  }

  /// Cov(κ, s) / Var(s) of each attribute; 0 where the score does not vary.
  private static func weights(_ total: [Double], _ K: Int) -> [Double] {
    let n = total[0]
    return (0..<K).map { i in
      let (s, squares, kappa, product) = (
        total[1 + i], total[1 + K + i], total[1 + 2 * K + i], total[1 + 3 * K + i]
      )
      let variance = squares - s * s / n
      return variance > 1e-9 * max(squares, 1e-300) ? (product - kappa * s / n) / variance : n > 0 ? 0 : .nan
    }
  }
}

extension Philox {
  /// A draw of the Poisson law of mean 1, by its distribution function.
  fileprivate mutating func poisson1() -> Double {
    let u = uniform()
    var (k, term, sum) = (0.0, exp(-1.0), exp(-1.0))
    while u > sum, k < 20 {
      k += 1
      term /= k
      sum += term
    }
    return k
  }
}
