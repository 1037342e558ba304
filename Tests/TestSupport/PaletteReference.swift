import Foundation
import PenchantKernels

/// PrefPalette's preference model in Double, written from section 5 of its equations, with the backward pass by hand.
public struct PaletteReference {
  public let shape: PaletteShape
  public let texts: PaletteTexts

  public init(_ shape: PaletteShape, _ texts: PaletteTexts) {
    self.shape = shape
    self.texts = texts
  }

  public struct Text {
    public var utility = 0.0
    public var alpha: [Double]
    public var kappa: [Double]
    /// κ / (β α), tanh of every attribute `[K][r]`.
    var value: [Double]
    var tanh: [[Double]]
  }

  private func row(_ p: [Double], _ community: Int) -> [Double] {
    let shared = Array(p[shape.shared])
    return shape.communities == 0 ? shared : zip(shared, p[shape.own(community)]).map { $0 + $1 }
  }

  private func h(_ n: Int) -> [Double] {
    texts.content[n * shape.content..<(n + 1) * shape.content].map(Double.init)
  }
  private func e(_ n: Int, _ i: Int) -> [Double] { texts.representation(n, i).map(Double.init) }
  private func s(_ n: Int, _ i: Int) -> Double { Double(texts.scores[n * shape.attributes + i]) }

  public func forward(_ p: [Double], _ n: Int, community: Int, use: Bool = true) -> Text {
    let (d, K, m, r) = (shape.content, shape.attributes, shape.width, shape.rank)
    let own = row(p, community)
    let u = Array(own[shape.reward(at: 0)])
    let h = h(n)
    let none = [Double](repeating: 0, count: K)
    var text = Text(
      utility: (0..<d).reduce(0) { $0 + u[$1] * h[$1] }, alpha: none, kappa: none, value: none,
      tanh: [[Double]](repeating: [], count: K))
    let kept = (0..<K).filter { use && isKept(n, $0) }
    guard !kept.isEmpty else { return text }
    var sigma = none
    for i in kept {
      let e = e(n, i)
      text.tanh[i] = (0..<r).map { k in
        var a = own[k]
        for j in 0..<d { a += p[k * d + j] * h[j] }
        for j in 0..<m { a += p[shape.key.lowerBound + k * m + j] * e[j] }
        return Foundation.tanh(a)
      }
      sigma[i] = (0..<r).reduce(0) { $0 + p[shape.score.lowerBound + $1] * text.tanh[i][$1] }
      text.value[i] =
        shape.form == .signed
        ? Double(K) * own[r + d + i] * s(n, i) : (0..<m).reduce(0) { $0 + u[$1] * e[$1] }
    }
    let top = kept.map { sigma[$0] }.max() ?? 0
    let mass = kept.reduce(0) { $0 + exp(sigma[$1] - top) }
    for i in kept {
      text.alpha[i] = exp(sigma[i] - top) / mass
      text.kappa[i] = p[shape.mix] * text.alpha[i] * text.value[i]
      text.utility += text.kappa[i]
    }
    return text
  }

  private func isKept(_ n: Int, _ i: Int) -> Bool {
    texts.mask.map { $0[n * shape.attributes + i] != 0 } ?? true
  }

  public struct Pair {
    public var chosen, rejected, community: Int
    public var weight, margin: Double
    public init(chosen: Int, rejected: Int, community: Int, weight: Double = 1, margin: Double = 0) {
      self.chosen = chosen
      self.rejected = rejected
      self.community = community
      self.weight = weight
      self.margin = margin
    }
  }

  public func loss(_ p: [Double], _ pairs: [Pair], use: Bool = true, ridge: Double = 0) -> Double {
    let total = pairs.reduce(0) { $0 + $1.weight }
    let sum = pairs.reduce(0.0) { sum, pair in
      let D =
        forward(p, pair.chosen, community: pair.community, use: use).utility
        - forward(p, pair.rejected, community: pair.community, use: use).utility - pair.margin
      return sum + pair.weight * (max(-D, 0) + log1p(exp(-abs(D))))
    }
    let shrunk = shrunk
    return (pairs.isEmpty ? 0 : sum / total) + ridge / 2 * shrunk.reduce(0) { $0 + p[$1] * p[$1] }
  }

  private var shrunk: Range<Int> {
    shape.communities > 0
      ? shape.shared.upperBound..<shape.count
      : shape.shared.lowerBound + shape.rank..<shape.shared.upperBound
  }

  /// The gradient by hand, as section 5 has it.
  public func gradient(_ p: [Double], _ pairs: [Pair], use: Bool = true, ridge: Double = 0) -> [Double] {
    let (d, K, m, r) = (shape.content, shape.attributes, shape.width, shape.rank)
    var g = [Double](repeating: 0, count: shape.count)
    for at in shrunk { g[at] = ridge * p[at] }
    let total = pairs.reduce(0) { $0 + $1.weight }
    for pair in pairs {
      let both = [pair.chosen, pair.rejected].map { forward(p, $0, community: pair.community, use: use) }
      let D = both[0].utility - both[1].utility - pair.margin
      let slope = -pair.weight / total / (1 + exp(D))
      for (n, text, dR) in [(pair.chosen, both[0], slope), (pair.rejected, both[1], -slope)] {
        let (h, beta) = (h(n), p[shape.mix])
        var dRow = [Double](repeating: 0, count: shape.rowLength)
        for j in 0..<d { dRow[r + j] += dR * h[j] }
        let attribute = (0..<K).reduce(0) { $0 + text.alpha[$1] * text.value[$1] }
        g[shape.mix] += dR * attribute
        var dq = [Double](repeating: 0, count: r)
        for i in 0..<K where text.alpha[i] > 0 {
          let e = e(n, i)
          if shape.form == .signed {
            dRow[r + d + i] += dR * beta * Double(K) * text.alpha[i] * s(n, i)
          } else {
            for j in 0..<m { dRow[r + j] += dR * beta * text.alpha[i] * e[j] }
          }
          let dSigma = dR * beta * text.alpha[i] * (text.value[i] - attribute)
          for k in 0..<r {
            let t = text.tanh[i][k]
            g[shape.score.lowerBound + k] += dSigma * t
            let da = dSigma * p[shape.score.lowerBound + k] * (1 - t * t)
            dq[k] += da
            for j in 0..<m { g[shape.key.lowerBound + k * m + j] += da * e[j] }
          }
        }
        for k in 0..<r {
          dRow[k] += dq[k]
          for j in 0..<d { g[k * d + j] += dq[k] * h[j] }
        }
        for i in 0..<shape.rowLength {
          g[shape.shared.lowerBound + i] += dRow[i]
          if shape.communities > 0 { g[shape.own(pair.community).lowerBound + i] += dRow[i] }
        }
      }
    }
    return g
  }
}
