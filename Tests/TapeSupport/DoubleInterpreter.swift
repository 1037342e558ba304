import Foundation
import PenchantKernels
import PenchantTape

/// Runs a recorded graph in Double, one formula an operation, independent of the C kernels. Dropout passes
/// its input on.
package struct DoubleInterpreter {
  let operations: [ProgramOperation]
  package var values: [Int: [Double]] = [:]
  package var ids: [Int: [UInt32]] = [:]
  package var masks: [Int: [UInt8]] = [:]
  /// Values by tensor at which the second distributions of a divergence are held: its gradient moves the first ones alone.
  package var held: [Int: [Double]] = [:]

  package init(_ tape: Tape) {
    operations = tape.operations
    for (id, slot) in tape.slots.enumerated() {
      if case .constant(let numbers) = slot.source { values[id] = numbers.map(Double.init) }
    }
  }

  /// Values of all tensors after running every operation.
  package func run() throws -> [Int: [Double]] {
    var state = self
    for operation in operations {
      for (output, result) in zip(operation.outputs, try state.results(operation)) {
        if let output { state.values[output] = result }
      }
    }
    return state.values
  }

  private struct Missing: Error {
    let operation: String
    let operand: Int
  }

  private func results(_ op: ProgramOperation) throws -> [[Double]] {
    func at(_ i: Int) throws -> [Double] {
      guard let value = maybe(i) else { throw Missing(operation: op.kind.name, operand: i) }
      return value
    }
    func maybe(_ i: Int) -> [Double]? {
      op.inputs.indices.contains(i) ? op.inputs[i].flatMap { values[$0] } : nil
    }
    func idsAt(_ i: Int) throws -> [UInt32] {
      guard let value = maybeIds(i) else { throw Missing(operation: op.kind.name, operand: i) }
      return value
    }
    func maybeIds(_ i: Int) -> [UInt32]? {
      op.inputs.indices.contains(i) ? op.inputs[i].flatMap { ids[$0] } : nil
    }
    func maybeMask(_ i: Int) -> [UInt8]? {
      op.inputs.indices.contains(i) ? op.inputs[i].flatMap { masks[$0] } : nil
    }
    let s = op.sizes
    let r = op.reals.map(Double.init)

    switch op.kind {
    case .unary: return [try at(0).map { Self.function(s[1], $0) }]
    case .unaryGrad: return [zip(try at(0), try at(1)).map { Self.slope(s[1], saved: $0) * $1 }]
    case .binary:
      let (a, b) = (try at(0), try at(1))
      return [
        (0..<s[0] * s[1]).map { i in
          let other = s[3] == 0 ? b[i] : s[3] == 1 ? b[i % s[1]] : b[i / s[1]]
          switch s[2] {
          case 0: return a[i] + other
          case 1: return a[i] - other
          case 2: return a[i] * other
          default: return a[i] / other
          }
        }
      ]
    case .affine: return [try at(0).map { r[0] * $0 + r[1] }]
    case .sumRows:
      let x = try at(0)
      return [(0..<s[1]).map { c in r[0] * (0..<s[0]).reduce(0) { $0 + x[$1 * s[1] + c] } }]
    case .sumColumns:
      let x = try at(0)
      return [(0..<s[0]).map { row in r[0] * (0..<s[1]).reduce(0) { $0 + x[row * s[1] + $1] } }]
    case .spread:
      let x = try at(0)
      return [(0..<s[0] * s[1]).map { r[0] * x[s[2] == 1 ? $0 % s[1] : $0 / s[1]] }]
    case .slice:
      let x = try at(0)
      return [(0..<s[0] * s[3]).map { x[$0 / s[3] * s[1] + s[2] + $0 % s[3]] }]
    case .sliceGrad:
      let dy = try at(0)
      var dx = maybe(1) ?? [Double](repeating: 0, count: s[0] * s[1])
      for i in dy.indices { dx[i / s[3] * s[1] + s[2] + i % s[3]] += dy[i] }
      return [dx]
    case .concat:
      let parts = try (0..<s[1]).map(at)
      var y: [Double] = []
      for row in 0..<s[0] {
        for (part, width) in zip(parts, s[2...]) { y += part[row * width..<(row + 1) * width] }
      }
      return [y]
    case .transpose:
      let x = try at(0)
      var y = x
      for b in 0..<s[0] {
        for i in 0..<s[1] {
          for j in 0..<s[2] {
            for k in 0..<s[3] {
              y[((b * s[2] + j) * s[1] + i) * s[3] + k] = x[((b * s[1] + i) * s[2] + j) * s[3] + k]
            }
          }
        }
      }
      return [y]
    case .maskedMean, .maskedMeanGrad:
      let x = try at(0)
      guard let mask = maybeMask(1) else { throw Missing(operation: op.kind.name, operand: 1) }
      let forward = op.kind == .maskedMean
      var y = [Double](repeating: 0, count: forward ? s[0] * s[2] : s[0] * s[1] * s[2])
      for b in 0..<s[0] {
        let kept = (0..<s[1]).filter { mask[b * s[1] + $0] != 0 }
        for t in kept {
          for c in 0..<s[2] {
            let (row, pooled) = ((b * s[1] + t) * s[2] + c, b * s[2] + c)
            if forward {
              y[pooled] += x[row] / Double(kept.count)
            } else {
              y[row] = x[pooled] / Double(kept.count)
            }
          }
        }
      }
      return [y]
    case .dropout: return [try at(0)]
    case .linear:
      var z = product(try at(0), try at(1), s[0], s[2], s[1], transposeB: true)
      for i in z.indices { z[i] += (maybe(2)?[i % s[2]] ?? 0) + (maybe(3)?[i] ?? 0) }
      return [z.map { Self.function(s[3], $0) }, z]
    case .linearGradInput:
      var dx = product(try at(0), try at(1), s[0], s[1], s[2])
      for i in dx.indices {
        dx[i] = (dx[i] + (maybe(2)?[i] ?? 0)) * (maybe(3).map { Self.slope(s[3], saved: $0[i]) } ?? 1)
      }
      return [dx]
    case .linearGradWeight:
      let dy = try at(0)
      var dw = product(dy, try at(1), s[2], s[1], s[0], transposeA: true)
      for i in dw.indices { dw[i] += maybe(2)?[i] ?? 0 }
      let db = (0..<s[2]).map { o in (0..<s[0]).reduce(maybe(3)?[o] ?? 0) { $0 + dy[$1 * s[2] + o] } }
      return [dw, db]
    case .matmul:
      let (a, b) = (try at(0), try at(1))
      let (m, n, k) = (s[1], s[2], s[3])
      var c: [Double] = []
      for i in 0..<s[0] {
        c += product(
          Array(a[(i * m * k)..<((i + 1) * m * k)]), Array(b[(i * k * n)..<((i + 1) * k * n)]), m, n, k,
          transposeA: s[4] == 1, transposeB: s[5] == 1
        ).map { r[0] * $0 }
      }
      for i in c.indices { c[i] += maybe(2)?[i] ?? 0 }
      return [c]
    case .softmax:
      let x = try at(0)
      let mask = maybeMask(1)
      var y = x
      for row in 0..<s[0] {
        let kept = (0..<s[1]).map { row * s[1] + $0 }.filter { i in mask.map { $0[i] != 0 } ?? true }
        let top = kept.map { x[$0] }.max() ?? 0
        let sum = kept.reduce(0) { $0 + exp(x[$1] - top) }
        for c in 0..<s[1] { y[row * s[1] + c] = s[2] == 1 ? -.infinity : 0 }
        for i in kept { y[i] = s[2] == 1 ? x[i] - top - log(sum) : exp(x[i] - top) / sum }
      }
      return [y]
    case .softmaxGrad:
      let (y, dy) = (try at(0), try at(1))
      var dx = y
      for row in 0..<s[0] {
        let range = (row * s[1])..<((row + 1) * s[1])
        let sum = range.reduce(0) { $0 + (s[2] == 1 ? dy[$1] : y[$1] * dy[$1]) }
        for i in range { dx[i] = s[2] == 1 ? dy[i] - exp(y[i]) * sum : y[i] * (dy[i] - sum) }
      }
      return [dx]
    case .layerNorm, .rmsNorm:
      let centred = op.kind == .layerNorm
      let scale = try at(1)
      let shift = centred ? try at(2) : [Double](repeating: 0, count: s[1])
      var x = try at(0)
      if let residual = maybe(centred ? 3 : 2) { x = zip(x, residual).map(+) }
      var y = x
      var means: [Double] = []
      var inverses: [Double] = []
      for row in 0..<s[0] {
        let range = (row * s[1])..<((row + 1) * s[1])
        let mean = centred ? range.reduce(0) { $0 + x[$1] } / Double(s[1]) : 0
        let variance = range.reduce(0) { $0 + (x[$1] - mean) * (x[$1] - mean) } / Double(s[1])
        let inverse = 1 / (variance + r[0]).squareRoot()
        for i in range { y[i] = (x[i] - mean) * inverse * scale[i % s[1]] + shift[i % s[1]] }
        means.append(mean)
        inverses.append(inverse)
      }
      return centred ? [y, means, inverses, x] : [y, inverses, x]
    case .layerNormGrad, .rmsNormGrad:
      let centred = op.kind == .layerNormGrad
      let (dy, x, scale) = (try at(0), try at(1), try at(2))
      let means = centred ? try at(3) : [Double](repeating: 0, count: s[0])
      let inverses = try at(centred ? 4 : 3)
      var dx = maybe(centred ? 5 : 4) ?? [Double](repeating: 0, count: dy.count)
      var dscale = [Double](repeating: 0, count: s[1])
      var dshift = dscale
      let n = Double(s[1])
      for row in 0..<s[0] {
        let range = (row * s[1])..<((row + 1) * s[1])
        let unit = range.map { (x[$0] - means[row]) * inverses[row] }
        let inner = range.map { dy[$0] * scale[$0 % s[1]] }
        let mean = centred ? inner.reduce(0, +) / n : 0
        let slant = zip(inner, unit).reduce(0) { $0 + $1.0 * $1.1 } / n
        for (c, i) in range.enumerated() {
          dx[i] += inverses[row] * (inner[c] - mean - unit[c] * slant)
          dscale[c] += dy[i] * unit[c]
          dshift[c] += dy[i]
        }
      }
      return [dx, dscale, dshift]
    case .embedding:
      let table = try at(0)
      return [try idsAt(1).flatMap { id in (0..<s[2]).map { id == .max ? 0 : table[Int(id) * s[2] + $0] } }]
    case .embeddingGrad:
      let dy = try at(0)
      var table = maybe(2) ?? [Double](repeating: 0, count: s[1] * s[2])
      for (i, id) in try idsAt(1).enumerated() where id != .max {
        for c in 0..<s[2] { table[Int(id) * s[2] + c] += dy[i * s[2] + c] }
      }
      return [table]
    case .attention: return attention(try at(0), maybeMask(1), maybeIds(2), s, r[0])
    case .attentionGrad:
      return [attentionGrad(try at(0), try at(1), maybeMask(2), maybeIds(5), s, r[0])]
    case .attributeAttention:
      return attributes(
        try at(0), maybeMask(1), maybeIds(2), try at(3), maybe(4), maybe(5), maybe(6), s, r[0])
    case .attributeAttentionGrad:
      return attributesGrad(
        maybe(0), maybe(1), try at(2), maybeMask(3), maybeIds(4), try at(5), maybe(6), maybe(7), maybe(8), s,
        r[0])
    case .bce:
      let (x, t) = (try at(0), try at(1))
      let n = Double(s[0])
      let weights = maybe(2) ?? [Double](repeating: 1, count: s[0])
      let loss = x.indices.reduce(0) { $0 + weights[$1] * (Self.softplus(x[$1]) - t[$1] * x[$1]) } / n
      return [[loss], x.indices.map { r[0] / n * weights[$0] * (Self.sigmoid(x[$0]) - t[$0]) }]
    case .mse:
      let (x, t) = (try at(0), try at(1))
      let n = Double(s[0])
      let weights = maybe(2) ?? [Double](repeating: 1, count: s[0])
      return [
        [x.indices.reduce(0) { $0 + weights[$1] * (x[$1] - t[$1]) * (x[$1] - t[$1]) } / n],
        x.indices.map { r[0] / n * 2 * weights[$0] * (x[$0] - t[$0]) },
      ]
    case .crossEntropy: return entropy(try at(0), try idsAt(1), nil, s[0], s[1], r[0])
    case .catalogueCrossEntropy:
      let (hidden, table, targets) = (try at(0), try at(1), try idsAt(2))
      var logits = product(hidden, table, s[0], s[1], s[2], transposeB: true)
      for i in logits.indices { logits[i] += maybe(3)?[i % s[1]] ?? 0 }
      let parts = entropy(logits, targets, maybe(4), s[0], s[1], r[0])
      let dbias = (0..<s[1]).map { v in (0..<s[0]).reduce(0) { $0 + parts[1][$1 * s[1] + v] } }
      return [
        parts[0], product(parts[1], table, s[0], s[2], s[1]),
        product(parts[1], hidden, s[1], s[2], s[0], transposeA: true), dbias,
      ]
    case .preference:
      return preference(
        try at(0), try at(1), maybe(2), maybe(3), maybeIds(4), maybeIds(5), maybe(6), maybe(7), maybe(8),
        s[1], r)
    case .plackettLuce: return luce(try at(0), maybeIds(1), maybe(2), s, r[0])
    case .prefixAttention:
      let keys = try Self.prefixKeys(s, offsets: idsAt(2), first: idsAt(3), seen: idsAt(4))
      return Self.prefixAttention(try at(0), try at(1), keys, s, r[0])
    case .prefixAttentionGrad:
      let keys = try Self.prefixKeys(s, offsets: idsAt(5), first: idsAt(6), seen: idsAt(7))
      return Self.prefixAttentionGrad(try at(0), try at(3), try at(4), keys, s, r[0])
    case .gru: return Self.gru(try at(0), try at(1), try at(2), try idsAt(3), s[2])
    case .gruGrad: return Self.gruGrad(try at(0), try at(1), try at(2), try at(3), try idsAt(4), s[2])
    case .conv2d: return [Self.conv2d(try at(0), try at(1), bias: maybe(2), base: maybe(3), s)]
    case .conv2dGradInput: return [Self.conv2dGradInput(try at(0), try at(1), base: maybe(2), s)]
    case .conv2dGradWeight: return Self.conv2dGradWeight(try at(0), try at(1), s)
    case .groupNorm: return Self.groupNorm(try at(0), maybe(1), maybe(2), maybe(3), s, r[0])
    case .groupNormGrad:
      return Self.groupNormGrad(
        try at(0), try at(1), maybe(2), maybe(3), maybe(4), base: maybe(7), s, r[0])
    case .upsample: return [Self.upsample(try at(0), s, r[0])]
    case .downsample: return [Self.downsample(try at(0), s, r[0])]
    case .policyLoss:
      return Self.policy(
        try at(0), try idsAt(1), try at(2), old: maybe(3), reference: maybe(4), weight: maybe(5), s, r)
    case .valueLoss: return Self.value(try at(0), try at(1), old: maybe(2), weight: maybe(3), r)
    case .catalogueDivergence:
      func heldAt(_ i: Int) throws -> [Double] { try op.inputs[i].flatMap { held[$0] } ?? at(i) }
      return Self.divergence(
        try at(0), try at(1), try idsAt(2), maybe(3), s, r[0], second: (try heldAt(0), try heldAt(1)))
    case .diffusionPreference:
      return Self.diffusionPreference(try at(0), try at(1), try at(2), maybe(3), s, r)
    }
  }

  // MARK: Formulas

  static func sigmoid(_ x: Double) -> Double { x >= 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x)) }
  static func softplus(_ x: Double) -> Double { max(x, 0) + log1p(exp(-abs(x))) }

  static func function(_ f: Int, _ x: Double) -> Double {
    switch Activation(rawValue: f) {
    case .identity, nil: x
    case .relu: max(x, 0)
    case .gelu: 0.5 * x * erfc(-x / 2.0.squareRoot())
    case .geluTanh: 0.5 * x * (1 + tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
    case .silu: x * sigmoid(x)
    case .tanh: tanh(x)
    case .sigmoid: sigmoid(x)
    case .exp: exp(x)
    case .log: log(x)
    case .softplus: softplus(x)
    case .logSigmoid: -softplus(-x)
    case .square: x * x
    case .squareRoot: x.squareRoot()
    }
  }

  /// From f(x) for the functions that save their output, else from x.
  static func slope(_ f: Int, saved s: Double) -> Double {
    switch Activation(rawValue: f) {
    case .identity, nil: return 1
    case .relu: return s > 0 ? 1 : 0
    case .gelu: return 0.5 * erfc(-s / 2.0.squareRoot()) + s * exp(-s * s / 2) / (2 * Double.pi).squareRoot()
    case .geluTanh:
      let c = (2 / Double.pi).squareRoot()
      let t = tanh(c * (s + 0.044715 * s * s * s))
      return 0.5 * (1 + t) + 0.5 * s * (1 - t * t) * c * (1 + 3 * 0.044715 * s * s)
    case .silu: return sigmoid(s) * (1 + s * (1 - sigmoid(s)))
    case .tanh: return 1 - s * s
    case .sigmoid: return s * (1 - s)
    case .exp: return s
    case .log: return 1 / s
    case .softplus: return sigmoid(s)
    case .logSigmoid: return sigmoid(-s)
    case .square: return 2 * s
    case .squareRoot: return 0.5 / s
    }
  }

  /// op(A) [m, k] times op(B) [k, n].
  private func product(
    _ a: [Double], _ b: [Double], _ m: Int, _ n: Int, _ k: Int, transposeA: Bool = false,
    transposeB: Bool = false
  ) -> [Double] {
    var c = [Double](repeating: 0, count: m * n)
    for i in 0..<m {
      for l in 0..<k {
        let value = transposeA ? a[l * m + i] : a[i * k + l]
        for j in 0..<n { c[i * n + j] += value * (transposeB ? b[j * k + l] : b[l * n + j]) }
      }
    }
    return c
  }

  private func entropy(
    _ logits: [Double], _ ids: [UInt32], _ weights: [Double]?, _ rows: Int, _ classes: Int, _ factor: Double
  ) -> [[Double]] {
    var grad = [Double](repeating: 0, count: logits.count)
    var loss = 0.0
    let weight = ids.indices.map { ids[$0] == .max ? 0 : weights?[$0] ?? 1 }
    let total = weight.reduce(0, +)
    if total == 0 { return [[0], grad] }
    for row in 0..<rows where weight[row] != 0 {
      let x = Array(logits[(row * classes)..<((row + 1) * classes)])
      let top = x.max() ?? 0
      let sum = x.reduce(0) { $0 + exp($1 - top) }
      loss += weight[row] * (top + log(sum) - x[Int(ids[row])])
      for c in 0..<classes {
        let indicator = c == Int(ids[row]) ? 1.0 : 0
        grad[row * classes + c] = factor * weight[row] / total * (exp(x[c] - top) / sum - indicator)
      }
    }
    return [[loss / total], grad]
  }

  /// Calls `body` with (head, row, kept columns) for every row that takes part; rows count over all sequences.
  private func eachRow(
    _ mask: [UInt8]?, _ offsets: [UInt32]?, _ s: [Int], _ body: (Int, Int, [Int]) -> Void
  ) {
    for b in 0..<s[0] {
      let rows =
        offsets.map { Int($0[b])..<Int($0[b + 1]) } ?? (b * s[1]..<(b + 1) * s[1])
      for h in 0..<s[2] {
        for i in rows where mask.map({ $0[i] != 0 }) ?? true {
          let columns = rows.filter { j in (s[4] == 0 || j <= i) && (mask.map { $0[j] != 0 } ?? true) }
          body(h, i, columns)
        }
      }
    }
  }

  /// Rows of all sequences.
  private func rowCount(_ s: [Int]) -> Int { s.count > 5 ? s[5] : s[0] * s[1] }

  /// Index of element d of a row, head h in part p (query, key, value).
  private func index(_ s: [Int], _ row: Int, _ p: Int, _ h: Int, _ d: Int) -> Int {
    ((row * 3 + p) * s[2] + h) * s[3] + d
  }

  private func weights(
    _ qkv: [Double], _ s: [Int], _ scale: Double, _ h: Int, _ i: Int, _ columns: [Int]
  )
    -> (p: [Double], logSum: Double)
  {
    let scores = columns.map { j in
      scale * (0..<s[3]).reduce(0) { $0 + qkv[index(s, i, 0, h, $1)] * qkv[index(s, j, 1, h, $1)] }
    }
    let top = scores.max() ?? 0
    let sum = scores.reduce(0) { $0 + exp($1 - top) }
    return (scores.map { exp($0 - top) / sum }, top + log(sum))
  }

  private func attention(
    _ qkv: [Double], _ mask: [UInt8]?, _ offsets: [UInt32]?, _ s: [Int], _ scale: Double
  ) -> [[Double]] {
    var y = [Double](repeating: 0, count: rowCount(s) * s[2] * s[3])
    var sums = [Double](repeating: -.infinity, count: rowCount(s) * s[2])
    eachRow(mask, offsets, s) { h, i, columns in
      let (p, logSum) = weights(qkv, s, scale, h, i, columns)
      for d in 0..<s[3] {
        y[(i * s[2] + h) * s[3] + d] = zip(p, columns).reduce(0) { $0 + $1.0 * qkv[index(s, $1.1, 2, h, d)] }
      }
      sums[h * rowCount(s) + i] = logSum
    }
    return [y, sums]
  }

  private func attentionGrad(
    _ dy: [Double], _ qkv: [Double], _ mask: [UInt8]?, _ offsets: [UInt32]?, _ s: [Int], _ scale: Double
  ) -> [Double] {
    var grad = [Double](repeating: 0, count: qkv.count)
    eachRow(mask, offsets, s) { h, i, columns in
      let p = weights(qkv, s, scale, h, i, columns).p
      let row = (i * s[2] + h) * s[3]
      let dp = columns.map { j in (0..<s[3]).reduce(0) { $0 + dy[row + $1] * qkv[index(s, j, 2, h, $1)] } }
      let mean = zip(p, dp).reduce(0) { $0 + $1.0 * $1.1 }
      for (n, j) in columns.enumerated() {
        let ds = scale * p[n] * (dp[n] - mean)
        for d in 0..<s[3] {
          grad[index(s, j, 2, h, d)] += p[n] * dy[row + d]
          grad[index(s, i, 0, h, d)] += ds * qkv[index(s, j, 1, h, d)]
          grad[index(s, j, 1, h, d)] += ds * qkv[index(s, i, 0, h, d)]
        }
      }
    }
    return grad
  }

  private func alpha(
    _ e: [Double], _ mask: [UInt8]?, _ ids: [UInt32]?, _ query: [Double], _ key: [Double]?, _ bias: [Double]?,
    _ score: [Double]?, _ s: [Int], _ scale: Double, _ b: Int
  ) -> [Double] {
    let q = Int(ids?[b] ?? UInt32(b))
    let kept = (0..<s[1]).filter { i in mask.map { $0[b * s[1] + i] != 0 } ?? true }
    var sigma = [Double](repeating: -.infinity, count: s[1])
    for i in kept {
      let row = (b * s[1] + i) * s[2]
      if let key, let score {
        sigma[i] = (0..<s[4]).reduce(0) { sum, k in
          let inner = (0..<s[2]).reduce(query[q * s[4] + k] + (bias?[k] ?? 0)) {
            $0 + key[k * s[2] + $1] * e[row + $1]
          }
          return sum + score[k] * tanh(inner)
        }
      } else {
        sigma[i] = scale * (0..<s[2]).reduce(0) { $0 + query[q * s[4] + $1] * e[row + $1] }
      }
    }
    guard let top = kept.map({ sigma[$0] }).max() else { return [Double](repeating: 0, count: s[1]) }
    let sum = kept.reduce(0) { $0 + exp(sigma[$1] - top) }
    return sigma.map { exp($0 - top) / sum }
  }

  private func attributes(
    _ e: [Double], _ mask: [UInt8]?, _ ids: [UInt32]?, _ query: [Double], _ key: [Double]?, _ bias: [Double]?,
    _ score: [Double]?, _ s: [Int], _ scale: Double
  ) -> [[Double]] {
    var pooled: [Double] = []
    var all: [Double] = []
    for b in 0..<s[0] {
      let a = alpha(e, mask, ids, query, key, bias, score, s, scale, b)
      pooled += (0..<s[2]).map { c in (0..<s[1]).reduce(0) { $0 + a[$1] * e[(b * s[1] + $1) * s[2] + c] } }
      all += a
    }
    return [pooled, all]
  }

  private func attributesGrad(
    _ dpooled: [Double]?, _ dweights: [Double]?, _ e: [Double], _ mask: [UInt8]?, _ ids: [UInt32]?,
    _ query: [Double],
    _ key: [Double]?, _ bias: [Double]?, _ score: [Double]?, _ s: [Int], _ scale: Double
  ) -> [[Double]] {
    var de = [Double](repeating: 0, count: e.count)
    var dquery = [Double](repeating: 0, count: query.count)
    var dkey = [Double](repeating: 0, count: s[4] * s[2])
    var dbias = [Double](repeating: 0, count: s[4])
    var dscore = dbias
    for b in 0..<s[0] {
      let q = Int(ids?[b] ?? UInt32(b)) * s[4]
      let a = alpha(e, mask, ids, query, key, bias, score, s, scale, b)
      let da = (0..<s[1]).map { i in
        (0..<s[2]).reduce(dweights?[b * s[1] + i] ?? 0) {
          $0 + (dpooled?[b * s[2] + $1] ?? 0) * e[(b * s[1] + i) * s[2] + $1]
        }
      }
      let mean = zip(a, da).reduce(0) { $0 + $1.0 * $1.1 }
      for i in 0..<s[1] where a[i] != 0 {
        let row = (b * s[1] + i) * s[2]
        let ds = a[i] * (da[i] - mean)
        for c in 0..<s[2] { de[row + c] += a[i] * (dpooled?[b * s[2] + c] ?? 0) }
        guard let key, let score else {
          for c in 0..<s[2] {
            de[row + c] += ds * scale * query[q + c]
            dquery[q + c] += ds * scale * e[row + c]
          }
          continue
        }
        for k in 0..<s[4] {
          let t = tanh(
            (0..<s[2]).reduce(query[q + k] + (bias?[k] ?? 0)) { $0 + key[k * s[2] + $1] * e[row + $1] })
          let dinner = ds * score[k] * (1 - t * t)
          dscore[k] += ds * t
          dbias[k] += dinner
          dquery[q + k] += dinner
          for c in 0..<s[2] {
            dkey[k * s[2] + c] += dinner * e[row + c]
            de[row + c] += dinner * key[k * s[2] + c]
          }
        }
      }
    }
    return [de, dquery, dkey, dbias, dscore]
  }

  /// Loss and its slope in the margin s, for p the probability that the label is right.
  private func preferenceTerm(_ kind: Int, _ s: Double, _ r: [Double], label: Double?) -> (Double, Double) {
    let (beta, smoothing, shape) = (r[1], r[3], r[4])
    let p = label ?? (1 - smoothing)
    let sigma = Self.sigmoid(s)
    switch PreferenceLoss(rawValue: kind) {
    case .sigmoid, nil:
      return (p * Self.softplus(-s) + (1 - p) * Self.softplus(s), -p * (1 - sigma) + (1 - p) * sigma)
    case .robust:
      let e = smoothing
      return (
        ((1 - e) * Self.softplus(-s) - e * Self.softplus(s)) / (1 - 2 * e),
        (-(1 - e) * (1 - sigma) - e * sigma) / (1 - 2 * e)
      )
    case .hinge:
      return (p * max(0, 1 - s) + (1 - p) * max(0, 1 + s), -(s < 1 ? p : 0) + (s > -1 ? 1 - p : 0))
    case .ipo:
      let c = 1 / (2 * beta)
      return (p * (s - c) * (s - c) + (1 - p) * (s + c) * (s + c), 2 * p * (s - c) + 2 * (1 - p) * (s + c))
    case .holder:
      let g = shape
      return (
        -(1 + g) * pow(sigma, g) + g * pow(sigma, 1 + g),
        (-(1 + g) * g * pow(sigma, g) + g * (1 + g) * pow(sigma, 1 + g)) * (1 - sigma)
      )
    case .ropo:
      let factor = 4 * shape / ((1 + shape) * (1 + shape))
      return (
        factor * (Self.softplus(-s) + shape * (1 - sigma)),
        factor * (-(1 - sigma) - shape * sigma * (1 - sigma))
      )
    case .exo:
      let e = smoothing
      let value = sigma * log(sigma / (1 - e)) + (1 - sigma) * log((1 - sigma) / e)
      return (value, sigma * (1 - sigma) * (log(sigma / (1 - e)) - log((1 - sigma) / e)))
    }
  }

  private func preference(
    _ chosen: [Double], _ rejected: [Double], _ rc: [Double]?, _ rr: [Double]?, _ lc: [UInt32]?,
    _ lr: [UInt32]?,
    _ target: [Double]?, _ labels: [Double]?, _ weights: [Double]?, _ kind: Int, _ r: [Double]
  ) -> [[Double]] {
    let n = Double(chosen.count)
    var loss = 0.0
    var dc: [Double] = []
    var dr: [Double] = []
    for i in chosen.indices {
      let m = Double(max(lc?[i] ?? 1, 1))
      let k = Double(max(lr?[i] ?? 1, 1))
      let d = (chosen[i] - (rc?[i] ?? 0)) / m - (rejected[i] - (rr?[i] ?? 0)) / k
      let slope = PreferenceLoss(rawValue: kind) == .ipo ? 1 : r[1]
      let s = slope * d - r[2] - (target?[i] ?? 0)
      let (value, ds) = preferenceTerm(kind, s, r, label: labels?[i])
      let weight = weights?[i] ?? 1
      loss += weight * (value - r[5] * chosen[i] / m)
      dc.append(r[0] / n * weight * (ds * slope / m - r[5] / m))
      dr.append(-r[0] / n * weight * ds * slope / k)
    }
    return [[loss / n], dc, dr]
  }

  private func luce(
    _ scores: [Double], _ places: [UInt32]?, _ weights: [Double]?, _ s: [Int], _ factor: Double
  )
    -> [[Double]]
  {
    var grad = [Double](repeating: 0, count: scores.count)
    var loss = 0.0
    for list in 0..<s[0] {
      let base = list * s[1]
      let place = (0..<s[1]).map { places?[base + $0] ?? UInt32($0) }
      let ranked = place.filter { $0 != .max }.count
      let weight = weights?[list] ?? 1
      for j in 0..<(s[2] > 0 ? min(s[2], ranked) : ranked) {
        guard let item = place.firstIndex(of: UInt32(j)) else { continue }
        let left = (0..<s[1]).filter { place[$0] == .max || place[$0] >= UInt32(j) }
        let top = left.map { scores[base + $0] }.max() ?? 0
        let sum = left.reduce(0) { $0 + exp(scores[base + $1] - top) }
        loss += weight * (top + log(sum) - scores[base + item])
        for i in left { grad[base + i] += factor / Double(s[0]) * weight * exp(scores[base + i] - top) / sum }
        grad[base + item] -= factor / Double(s[0]) * weight
      }
    }
    return [[loss / Double(s[0])], grad]
  }
}
