import Foundation

/// Formulas of the operations over histories.
extension DoubleInterpreter {
  /// One key of a query: a row of items or one of its own.
  enum PrefixKey {
    case item(Int)
    case own(Int)
  }

  /// The keys of every query, in order.
  static func prefixKeys(
    _ s: [Int], offsets: [UInt32], first: [UInt32], seen: [UInt32]
  ) -> [[PrefixKey]] {
    var keys = [[PrefixKey]](repeating: [], count: s[2])
    for sequence in 0..<s[0] {
      for query in Int(first[sequence])..<Int(first[sequence + 1]) {
        let begin = Int(offsets[sequence])
        keys[query] =
          (begin..<begin + Int(seen[query])).map(PrefixKey.item) + (0..<s[5]).map { .own($0 * s[2] + query) }
      }
    }
    return keys
  }

  private struct Prefix {
    let items: [Double]
    let own: [Double]
    let heads: Int
    let width: Int

    func index(_ row: Int, _ part: Int, _ head: Int, _ d: Int) -> Int {
      ((row * 3 + part) * heads + head) * width + d
    }
    func value(_ key: PrefixKey, _ part: Int, _ head: Int, _ d: Int) -> Double {
      switch key {
      case .item(let row): items[index(row, part, head, d)]
      case .own(let row): own[index(row, part, head, d)]
      }
    }
    func dot(_ key: PrefixKey, _ part: Int, _ head: Int, _ other: (Int) -> Double) -> Double {
      (0..<width).reduce(0) { $0 + other($1) * value(key, part, head, $1) }
    }
    /// Weights of the keys of the query in row `row` of `own`, and the log of their sum.
    func weights(_ row: Int, _ head: Int, _ keys: [PrefixKey], _ scale: Double) -> (
      p: [Double], logSum: Double
    ) {
      let scores = keys.map { scale * dot($0, 1, head) { own[index(row, 0, head, $0)] } }
      let top = scores.max() ?? 0
      let sum = scores.reduce(0) { $0 + exp($1 - top) }
      return (scores.map { exp($0 - top) / sum }, top + log(sum))
    }
  }

  static func prefixAttention(
    _ items: [Double], _ own: [Double], _ keys: [[PrefixKey]], _ s: [Int], _ scale: Double
  ) -> [[Double]] {
    let prefix = Prefix(items: items, own: own, heads: s[3], width: s[4])
    var y: [Double] = []
    var sums = [Double](repeating: 0, count: s[2] * s[3])
    for query in 0..<s[2] {
      for head in 0..<s[3] {
        let (p, logSum) = prefix.weights((s[5] - 1) * s[2] + query, head, keys[query], scale)
        for d in 0..<s[4] {
          y.append(zip(p, keys[query]).reduce(0) { $0 + $1.0 * prefix.value($1.1, 2, head, d) })
        }
        sums[head * s[2] + query] = logSum
      }
    }
    return [y, sums]
  }

  static func prefixAttentionGrad(
    _ dy: [Double], _ items: [Double], _ own: [Double], _ keys: [[PrefixKey]], _ s: [Int], _ scale: Double
  ) -> [[Double]] {
    let prefix = Prefix(items: items, own: own, heads: s[3], width: s[4])
    var dItems = [Double](repeating: 0, count: items.count)
    var dOwn = [Double](repeating: 0, count: own.count)
    func add(_ number: Double, _ key: PrefixKey, _ part: Int, _ head: Int, _ d: Int) {
      switch key {
      case .item(let row): dItems[prefix.index(row, part, head, d)] += number
      case .own(let row): dOwn[prefix.index(row, part, head, d)] += number
      }
    }
    for query in 0..<s[2] {
      let asking = (s[5] - 1) * s[2] + query
      for head in 0..<s[3] {
        let p = prefix.weights(asking, head, keys[query], scale).p
        let row = (query * s[3] + head) * s[4]
        let dp = keys[query].map { prefix.dot($0, 2, head) { dy[row + $0] } }
        let mean = zip(p, dp).reduce(0) { $0 + $1.0 * $1.1 }
        for (n, key) in keys[query].enumerated() {
          let ds = scale * p[n] * (dp[n] - mean)
          for d in 0..<s[4] {
            add(p[n] * dy[row + d], key, 2, head, d)
            add(ds * own[prefix.index(asking, 0, head, d)], key, 1, head, d)
            add(ds * prefix.value(key, 1, head, d), .own(asking), 0, head, d)
          }
        }
      }
    }
    return [dItems, dOwn]
  }

  /// States, and the gates r, z, n with the state's share of n.
  static func gru(
    _ x: [Double], _ weight: [Double], _ bias: [Double], _ offsets: [UInt32], _ H: Int
  ) -> [[Double]] {
    let rows = x.count / (3 * H)
    var y = [Double](repeating: 0, count: rows * H)
    var gates = [Double](repeating: 0, count: rows * 4 * H)
    for (begin, end) in zip(offsets, offsets.dropFirst()) where begin < end {
      for row in Int(begin)..<Int(end) {
        let before = row == Int(begin) ? [Double](repeating: 0, count: H) : Array(y[(row - 1) * H..<row * H])
        let hidden = (0..<3 * H).map { o in
          bias[o] + (0..<H).reduce(0) { $0 + weight[o * H + $1] * before[$1] }
        }
        for j in 0..<H {
          let r = sigmoid(x[row * 3 * H + j] + hidden[j])
          let z = sigmoid(x[row * 3 * H + H + j] + hidden[H + j])
          let n = tanh(x[row * 3 * H + 2 * H + j] + r * hidden[2 * H + j])
          y[row * H + j] = (1 - z) * n + z * before[j]
          for (part, value) in [r, z, n, hidden[2 * H + j]].enumerated() {
            gates[(row * 4 + part) * H + j] = value
          }
        }
      }
    }
    return [y, gates]
  }

  static func gruGrad(
    _ dy: [Double], _ weight: [Double], _ y: [Double], _ gates: [Double], _ offsets: [UInt32], _ H: Int
  ) -> [[Double]] {
    let rows = dy.count / H
    var dx = [Double](repeating: 0, count: rows * 3 * H)
    var dWeight = [Double](repeating: 0, count: weight.count)
    var dBias = [Double](repeating: 0, count: 3 * H)
    for (begin, end) in zip(offsets, offsets.dropFirst()) where begin < end {
      var carry = [Double](repeating: 0, count: H)
      for row in (Int(begin)..<Int(end)).reversed() {
        let before = row == Int(begin) ? [Double](repeating: 0, count: H) : Array(y[(row - 1) * H..<row * H])
        var dHidden = [Double](repeating: 0, count: 3 * H)
        for j in 0..<H {
          let (r, z) = (gates[row * 4 * H + j], gates[(row * 4 + 1) * H + j])
          let (n, share) = (gates[(row * 4 + 2) * H + j], gates[(row * 4 + 3) * H + j])
          let d = dy[row * H + j] + carry[j]
          let new = d * (1 - z) * (1 - n * n)
          let update = d * (before[j] - n) * z * (1 - z)
          let reset = new * share * r * (1 - r)
          for (part, value) in [reset, update, new].enumerated() { dx[(row * 3 + part) * H + j] = value }
          (dHidden[j], dHidden[H + j], dHidden[2 * H + j]) = (reset, update, new * r)
          carry[j] = d * z
        }
        for o in 0..<3 * H {
          dBias[o] += dHidden[o]
          for j in 0..<H {
            dWeight[o * H + j] += dHidden[o] * before[j]
            carry[j] += dHidden[o] * weight[o * H + j]
          }
        }
      }
    }
    return [dx, dWeight, dBias]
  }

  /// Pair by pair, over the whole catalogue.
  ///
  /// - Parameter second: hidden states and items of the second distribution of a pair.
  static func divergence(
    _ hidden: [Double], _ items: [Double], _ ids: [UInt32], _ bias: [Double]?, _ s: [Int], _ factor: Double,
    second: (hidden: [Double], items: [Double])
  ) -> [[Double]] {
    let (states, rows, count, width) = (s[0], s[1], s[2], s[3])
    var (dHidden, dItems) = (
      [Double](repeating: 0, count: hidden.count), [Double](repeating: 0, count: items.count)
    )
    let counted = (0..<rows).filter { ids[$0] != .max }
    let pairs = Double(states * (states - 1) * counted.count)
    guard pairs > 0 else { return [[0], dHidden, dItems] }
    var value = 0.0
    for row in counted {
      func logProbabilities(_ hidden: [Double], _ items: [Double]) -> [[Double]] {
        (0..<states).map { t in
          let logits = (0..<count).map { v in
            (0..<width).reduce(bias?[v] ?? 0) {
              $0 + hidden[(t * rows + row) * width + $1] * items[v * width + $1]
            }
          }
          let top = logits.max() ?? 0
          let sum = top + log(logits.reduce(0) { $0 + exp($1 - top) })
          return logits.map { $0 - sum }
        }
      }
      let (first, other) = (logProbabilities(hidden, items), logProbabilities(second.hidden, second.items))
      for t in 0..<states {
        let p = first[t].map { exp($0) }
        for u in 0..<states where u != t {
          let ratio = (0..<count).map { first[t][$0] - other[u][$0] }
          let divergence = zip(p, ratio).reduce(0) { $0 + $1.0 * $1.1 }
          value += divergence
          for v in 0..<count {
            let slope = factor / pairs * p[v] * (ratio[v] - divergence)
            for d in 0..<width {
              dHidden[(t * rows + row) * width + d] += slope * items[v * width + d]
              dItems[v * width + d] += slope * hidden[(t * rows + row) * width + d]
            }
          }
        }
      }
    }
    return [[value / pairs], dHidden, dItems]
  }
}
