import Foundation

/// How often a model that says "p" is right: pairs binned by the chance given to the answer the model prefers.
///
/// A pair with margin m is a statement "the first is preferred with chance sigmoid(m)"; it is folded so that the chance is at
/// least one half, and counts as right when the margin is positive. Bins have equal width over [0.5, 1].
public struct Reliability: Sendable, Codable, Equatable {
  public struct Bin: Sendable, Codable, Equatable {
    /// Edges of the bin.
    public var lower: Double
    public var upper: Double
    public var count: Int
    /// Mean chance the model gave, and share it was right; both are NaN-free: 0 in an empty bin.
    public var confidence: Double
    public var accuracy: Double
    public var weight: Double
  }
  public var bins: [Bin]
  /// Sum over bins of (share of weight) · |accuracy - confidence|.
  public var ece: Double

  /// - Parameter count: bins, 10 unless told.
  public init(margins: [Double], weights: [Double]? = nil, bins count: Int = 10) {
    let edges = (0...max(1, count)).map { 0.5 + 0.5 * Double($0) / Double(max(1, count)) }
    var confidence = [Double](repeating: 0, count: max(1, count))
    var right = confidence
    var weight = confidence
    var number = [Int](repeating: 0, count: max(1, count))
    for (index, margin) in margins.enumerated() where !margin.isNaN {
      let p = sigmoid(abs(margin))
      let bin = min(number.count - 1, Int((p - 0.5) * 2 * Double(number.count)))
      let w = weights?[index] ?? 1
      confidence[bin] += w * p
      right[bin] += w * PairMetrics.hit(margin)
      weight[bin] += w
      number[bin] += 1
    }
    let total = weight.sum()
    bins = number.indices.map { b in
      Bin(
        lower: edges[b], upper: edges[b + 1], count: number[b],
        confidence: weight[b] > 0 ? confidence[b] / weight[b] : 0,
        accuracy: weight[b] > 0 ? right[b] / weight[b] : 0, weight: weight[b])
    }
    ece = total > 0 ? bins.map { $0.weight / total * abs($0.accuracy - $0.confidence) }.sum() : .nan
  }
}

/// One positive number that divides all margins so that the chances fit held-out pairs (Guo et al. 2017, section 4.2).
public struct TemperatureScaling: Sendable, Codable, Equatable {
  /// Margins are divided by this.
  public var temperature: Double

  public init(temperature: Double = 1) { self.temperature = temperature }

  /// Minimises the mean of softplus(-b·margin) over b = 1/temperature, which is convex: Newton's method, with bisection
  /// when a step leaves the bracket. b stays in [1e-3, 1e3]: with no wrong answer at all the best b is infinite.
  public init(fitting margins: [Double], weights: [Double]? = nil) {
    let bounds = (low: 1e-3, high: 1e3)
    let used = margins.enumerated().filter { $0.element.isFinite && $0.element != 0 }
      .map { (margin: $0.element, weight: weights?[$0.offset] ?? 1) }
    guard !used.isEmpty else {
      temperature = 1
      return
    }
    func derivatives(_ b: Double) -> (first: Double, second: Double) {
      var first = 0.0
      var second = 0.0
      for (m, w) in used {
        let miss = sigmoid(-b * m)
        first -= w * m * miss
        second += w * m * m * miss * (1 - miss)
      }
      return (first, second)
    }
    var (low, high) = bounds
    var b = 1.0
    for _ in 0..<200 {
      let (first, second) = derivatives(b)
      if first < 0 { low = b } else { high = b }
      let newton = b - first / second
      let next = newton.isFinite && newton > low && newton < high ? newton : (low * high).squareRoot()
      if abs(next - b) <= 1e-12 * b { break }
      b = next
    }
    temperature = 1 / b
  }

  public func callAsFunction(_ margin: Double) -> Double { margin / temperature }
}
