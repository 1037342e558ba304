import Foundation
import PenchantKernels
import PenchantTrain

/// Generator G1 of section 9.1: communities with known tastes over 19 correlated attributes and 16 topics.
///
/// Content leaks attributes, as real text does; scores are standardised and representations centred.
public struct SyntheticPalette: Sendable {
  public var communities = 8
  public var topics = 16
  /// d = m
  public var width = 64
  /// Pairs of a community that are trained on, that are tested on, and that choose the epoch.
  public var train = 2000
  public var test = 1000
  public var validation = 500
  /// Pairs under one post.
  public var pairsPerPost = 10
  public var seed: UInt64

  public init(seed: UInt64) { self.seed = seed }

  /// Attributes of one block correlate with 0.4.
  static let blocks = [0, 1, 2, 3, 3, 2, 4, 2, 4, 5, 5, 5, 6, 6, 7, 7, 7, 8, 8]
  public static let correlation = 0.4
  public static var attributes: Int { blocks.count }

  public struct Corpus: Sendable {
    public var train, validation, test: PaletteData
    /// True weights `[C, K]`, and true utility differences of the test pairs.
    public var weights: [[Double]]
    public var testMargins: [Double]
    /// Accuracy of the true utilities on the test pairs.
    public var bayes: Double { PairMetrics(margins: testMargins).accuracy }
  }

  public func corpus(names: [String]? = nil) throws -> Corpus {
    let K = Self.attributes
    let names = names ?? (1...K).map { "attribute \($0)" }
    var draws = PaletteNormals(seed: seed, stream: 1)
    let directions = (0..<K).map { _ -> [Double] in
      let v = draws.normals(width)
      let length = v.reduce(0) { $0 + $1 * $1 }.squareRoot()
      return v.map { $0 / length }
    }
    let bases = (0..<K).map { _ in draws.normals(width).map { 0.25 * $0 } }
    let mixing = draws.normals((topics + K) * width).map { $0 / Double(topics + K).squareRoot() }
    var weights: [[Double]] = []
    var tastes: [[Double]] = []
    for _ in 0..<communities {
      var w = [Double](repeating: 0, count: K)
      var order = Array(0..<K)
      for place in 0..<5 {
        order.swapAt(place, place + draws.philox.index(below: K - place))
        let size = 0.6 + draws.philox.uniform()
        w[order[place]] = draws.philox.uniform() < 0.5 ? size : -size
      }
      weights.append(w)
      tastes.append(draws.normals(topics).map { 0.25 * $0 })
    }

    let each = train + validation + test
    let count = 2 * communities * each
    var (h, e, s): ([Float], [Float], [Float]) = ([], [], [])
    h.reserveCapacity(count * width)
    e.reserveCapacity(count * K * width)
    s.reserveCapacity(count * K)
    var utilities = [Double](repeating: 0, count: count)
    let (planted, topical) = (weights, tastes)
    let parts = try parallelMap(communities * 2) { part in
      text(part, each, directions, bases, mixing, planted[part / 2], topical[part / 2])
    }
    for (index, part) in parts.enumerated() {
      h += part.content
      e += part.representations
      s += part.scores
      utilities.replaceSubrange(index * each..<(index + 1) * each, with: part.utilities)
    }
    let texts = try PaletteTexts(
      contentWidth: width, attributes: K, width: width, content: h, representations: .float(e), scores: s)

    var (chosen, rejected, community, post): ([UInt32], [UInt32], [UInt32], [UInt32]) = ([], [], [], [])
    for c in 0..<communities {
      for pair in 0..<each {
        let (a, b) = (2 * c * each + pair, (2 * c + 1) * each + pair)
        let first = draws.philox.uniform() < sigmoid(utilities[a] - utilities[b])
        chosen.append(UInt32(first ? a : b))
        rejected.append(UInt32(first ? b : a))
        community.append(UInt32(c))
        post.append(UInt32(pair / max(1, pairsPerPost)))
      }
    }
    let whole = try PaletteData(
      texts: texts, attributes: names, communities: (0..<communities).map { "community \($0 + 1)" },
      chosen: chosen, rejected: rejected, community: community, post: post)
    func part(_ range: Range<Int>) -> [Int] {
      (0..<communities).flatMap { c in range.map { c * each + $0 } }
    }
    var train = whole.subset(part(0..<self.train))
    train.texts = try PaletteScaling(fittingTo: train).apply(to: texts)
    var validation = whole.subset(part(self.train..<self.train + self.validation))
    var test = whole.subset(part(self.train + self.validation..<each))
    validation.texts = train.texts
    test.texts = train.texts
    return Corpus(
      train: train, validation: validation, test: test, weights: weights,
      testMargins: test.chosen.indices.map {
        utilities[Int(test.chosen[$0])] - utilities[Int(test.rejected[$0])]
      })
  }

  private struct Part: Sendable {
    var content: [Float] = []
    var representations: [Float] = []
    var scores: [Float] = []
    var utilities: [Double] = []
  }

  private func text(
    _ part: Int, _ count: Int, _ directions: [[Double]], _ bases: [[Double]], _ mixing: [Double],
    _ weight: [Double], _ taste: [Double]
  ) -> Part {
    let K = Self.attributes
    let blocks = Self.blocks
    let blockCount = (blocks.max() ?? 0) + 1
    var draws = PaletteNormals(seed: seed, stream: 100 + UInt64(part))
    var result = Part()
    let (common, own) = (Self.correlation.squareRoot(), (1 - Self.correlation).squareRoot())
    for _ in 0..<count {
      // A shared draw a block gives the correlation; a block of one attribute is a plain normal.
      let shared = draws.normals(blockCount)
      let a = draws.normals(K).enumerated().map { common * shared[blocks[$0.offset]] + own * $0.element }
      let t = draws.normals(topics)
      let s = zip(a, draws.normals(K)).map { $0 + 0.3 * $1 }
      for i in 0..<K {
        let noise = draws.normals(width)
        for j in 0..<width {
          result.representations.append(Float(bases[i][j] + s[i] * directions[i][j] + 0.15 * noise[j]))
        }
      }
      var inner = [Double](repeating: 0, count: width)
      for (row, x) in (t + a.map { 0.35 * $0 }).enumerated() {
        for j in 0..<width { inner[j] += x * mixing[row * width + j] }
      }
      let noise = draws.normals(width)
      for j in 0..<width { result.content.append(Float(2 * tanh(1.5 * inner[j]) + 0.1 * noise[j])) }
      result.scores += s.map { Float($0) }
      result.utilities.append(dot(weight, a) + dot(taste, t))
    }
    return result
  }
}

/// Standard normal numbers, one after the other (Box–Muller on Philox).
struct PaletteNormals {
  var philox: Philox
  init(seed: UInt64, stream: UInt64) { philox = Philox(seed: seed, stream: stream) }

  mutating func normals(_ count: Int) -> [Double] {
    var values: [Double] = []
    values.reserveCapacity(count + 1)
    while values.count < count {
      let radius = (-2 * log(1 - philox.uniform())).squareRoot()
      let angle = 2 * Double.pi * philox.uniform()
      values.append(radius * cos(angle))
      values.append(radius * sin(angle))
    }
    return Array(values[..<count])
  }
}
