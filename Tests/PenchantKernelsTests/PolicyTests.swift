import Foundation
import PenchantKernels
import TestSupport
import Testing

private func logSoftmax(_ x: [Double]) -> [Double] {
  let top = x.max() ?? 0
  let total = top + log(x.reduce(0) { $0 + exp($1 - top) })
  return x.map { $0 - total }
}

private func drawnIds(_ rows: Int, _ classes: Int) -> [UInt32] {
  (0..<rows).map { $0 % 5 == 4 ? ignoredToken : UInt32($0 * 11 % classes) }
}

private func logProbabilities(_ logits: [Float], _ ids: [UInt32], _ classes: Int) throws -> (
  [Float], [Float]
) {
  var found = [Float](repeating: .nan, count: ids.count)
  var entropies = found
  var l = found.mutableSpan
  var e = entropies.mutableSpan
  try tokenLogProbabilities(
    logits: logits.span, classes: classes, ids: ids.span, into: &l, entropies: &e)
  return (found, entropies)
}

extension OpCase {
  fileprivate static let tokens = OpCase(
    "token_logp_f32", shapes: Shapes.matrices.filter { $0[1] > 0 },
    inputs: [.uniform, .uniform(-90, 90), .exactPowersOfTwo],
    call: { shape, x in
      let found = try logProbabilities(x[0], drawnIds(shape[0], shape[1]), shape[1])
      return [found.0, found.1]
    },
    reference: { shape, x in
      let ids = drawnIds(shape[0], shape[1])
      let rows = (0..<shape[0]).map { logSoftmax(Array(x[0][$0 * shape[1]..<($0 + 1) * shape[1]])) }
      return [
        rows.indices.map { ids[$0] == ignoredToken ? 0 : rows[$0][Int(ids[$0])] },
        rows.indices.map { r in
          ids[r] == ignoredToken ? 0 : -rows[r].reduce(0) { $0 + ($1 > -800 ? exp($1) * $1 : 0) }
        },
      ]
    },
    tolerance: .close(relative: 2e-6, absolute: 4e-6))

  fileprivate static let white = OpCase(
    "whiten_f32", shapes: Shapes.vectors + [[20_011]], inputs: [.uniform, .uniform(1000, 1001), .logNormal],
    call: { _, x in
      let values = x[0]
      return [
        try filled(values.count) { (span) throws(KernelError) in try whiten(values.span, into: &span) }
      ]
    },
    reference: { _, x in
      let n = Double(max(x[0].count, 1))
      let mean = x[0].reduce(0, +) / n
      let variance = x[0].reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / n
      return [x[0].map { variance == 0 ? 0 : ($0 - mean) / (variance + 1e-8).squareRoot() }]
    },
    tolerance: .close(relative: 1e-6, absolute: 1e-6))

  fileprivate static func group(_ baseline: GroupBaseline) -> OpCase {
    OpCase(
      "group_\(baseline)", shapes: [[0, 3], [1, 1], [3, 2], [7, 5], [513, 8], [2, 5000]],
      inputs: [.uniform, .uniform(100, 101), .exactPowersOfTwo],
      call: { shape, x in
        let rewards = x[0]
        return [
          try filled(rewards.count) { (span) throws(KernelError) in
            try groupAdvantages(rewards.span, groupSize: shape[1], baseline: baseline, into: &span)
          }
        ]
      },
      reference: { shape, x in
        let n = shape[1]
        return [
          (0..<shape[0]).flatMap { g -> [Double] in
            let r = Array(x[0][g * n..<(g + 1) * n])
            guard n > 1 else { return [0] }
            let mean = r.reduce(0, +) / Double(n)
            let deviation = (r.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(n - 1)).squareRoot()
            return r.map { value in
              switch baseline {
              case .centre: value - mean
              case .deviation: (value - mean) / (deviation + 1e-8)
              case .leaveOneOut: value - (r.reduce(0, +) - value) / Double(n - 1)
              }
            }
          }
        ]
      },
      tolerance: .close(relative: 1e-6, absolute: 1e-6))
  }

  fileprivate static let policies = [tokens, white] + GroupBaseline.allCases.map(group)
}

@Suite struct PolicyTests {
  @Test(arguments: OpCase.policies) func matchesReference(_ op: OpCase) throws { try op.compare() }
  @Test(arguments: OpCase.policies, [2, 3, 5])
  func sameBits(_ op: OpCase, _ threads: Int) throws { try op.checkBits(threads) }

  // MARK: Drawing

  private func draw(
    _ logits: [Float], classes: Int, temperature: Float = 1, _ stream: inout RandomStream
  ) throws -> ([UInt32], [Float]) {
    var ids = [UInt32](repeating: 0, count: logits.count / classes)
    var found = [Float](repeating: .nan, count: ids.count)
    var i = ids.mutableSpan
    var l = found.mutableSpan
    try stream.tokens(
      logits: logits.span, classes: classes, temperature: temperature, into: &i, logProbabilities: &l)
    return (ids, found)
  }

  @Test(arguments: [1, 0.5, 2] as [Float]) func tokensComeAsOftenAsTheirProbability(_ temperature: Float)
    throws
  {
    let row: [Float] = [0.3, -.infinity, 1.2, -2, 0]
    let n = 100_000
    var stream = RandomStream(seed: 3, stream: 9)
    let (ids, found) = try draw(
      [Float]((0..<n).flatMap { _ in row }), classes: 5, temperature: temperature, &stream)
    let want = logSoftmax(row.map { Double($0 / temperature) }).map { exp($0) }
    for c in 0..<5 {
      let share = Double(ids.count { $0 == UInt32(c) }) / Double(n)
      #expect(abs(share - want[c]) < 5 * (want[c] * (1 - want[c]) / Double(n)).squareRoot() + 1e-12)
    }
    let plain = logSoftmax(row.map(Double.init))
    for (id, l) in zip(ids, found).prefix(1000) { #expect(abs(Double(l) - plain[Int(id)]) < 1e-5) }
    #expect(stream.next == UInt64(n))
  }

  /// A draw is a function of its index: two calls that follow each other are one long call.
  @Test func drawsContinueEachOther() throws {
    var generator = TestGenerator(stream: "tokens")
    let logits = generator.floats(997 * 7, .uniform)
    var (one, parts) = (RandomStream(seed: 1), RandomStream(seed: 1))
    let whole = try draw(logits, classes: 7, &one)
    let first = try draw(Array(logits[..<(131 * 7)]), classes: 7, &parts)
    let second = try draw(Array(logits[(131 * 7)...]), classes: 7, &parts)
    #expect(whole.0 == first.0 + second.0 && bits(whole.1) == bits(first.1 + second.1))
    for threads in [2, 3, 5] {
      var again = RandomStream(seed: 1)
      let many = try Team.with(threads: threads) { () throws in try draw(logits, classes: 7, &again) }
      #expect(many.0 == whole.0)
    }
  }

  @Test func rowsWithoutADistributionAreRefused() throws {
    for row in [[Float.nan, 0], [.infinity, 0], [-.infinity, -.infinity]] {
      var stream = RandomStream(seed: 1)
      #expect(throws: KernelError.self) { try draw(row, classes: 2, &stream) }
    }
    var stream = RandomStream(seed: 1)
    #expect(throws: KernelError.self) { try draw([0, 0], classes: 2, temperature: 0, &stream) }
    #expect(throws: KernelError.self) { try draw([0, 0], classes: 0 + 3, &stream) }
  }

  @Test func idsOutsideAreRefused() {
    #expect(throws: KernelError.self) { try logProbabilities([0, 0], [2], 2) }
    #expect(throws: KernelError.self) { try logProbabilities([0, 0, 0], [0], 2) }
  }

  // MARK: Advantages

  private func advantages(
    _ offsets: [UInt32], _ rewards: [Float], _ values: [Float], _ discount: Double, _ lambda: Double
  ) throws -> (advantages: [Float], totals: [Float]) {
    var own = rewards
    var totals = rewards
    var a = own.mutableSpan
    var t = totals.mutableSpan
    try tokenAdvantages(
      offsets: offsets.span, rewards: rewards.span, values: values.span, discount: discount, lambda: lambda,
      advantages: &a, totals: &t)
    return (own, totals)
  }

  /// Against the double sum of the definition: A_t is the sum over k of (γλ)^k δ_(t+k).
  @Test(arguments: [(1.0, 0.95), (0.9, 1.0), (0.99, 0.0), (0.0, 0.5)])
  func advantagesAreTheirDefinition(_ discount: Double, _ lambda: Double) throws {
    var generator = TestGenerator(stream: "gae")
    let lengths = [0, 1, 7, 0, 40, 3] + [Int](repeating: 5, count: 200)
    let offsets = lengths.reduce(into: [UInt32(0)]) { $0.append($0[$0.count - 1] + UInt32($1)) }
    let n = lengths.reduce(0, +)
    let (r, v) = (generator.floats(n, .uniform), generator.floats(n, .uniform))
    let got = try advantages(offsets, r, v, discount, lambda)
    for (s, length) in lengths.enumerated() {
      let first = Int(offsets[s])
      for t in 0..<length {
        var (a, g) = (0.0, 0.0)
        for k in t..<length {
          let next = k + 1 < length ? Double(v[first + k + 1]) : 0
          a +=
            pow(discount * lambda, Double(k - t))
            * (Double(r[first + k]) + discount * next - Double(v[first + k]))
          g += pow(discount, Double(k - t)) * Double(r[first + k])
        }
        #expect(
          abs(Double(got.advantages[first + t]) - a) < 2e-5 && abs(Double(got.totals[first + t]) - g) < 2e-5)
      }
    }
    let one = try Team.with(threads: 1) { () throws in try advantages(offsets, r, v, discount, lambda) }
    let many = try Team.with(threads: 3) { () throws in try advantages(offsets, r, v, discount, lambda) }
    #expect(bits(one.advantages) == bits(many.advantages) && bits(one.totals) == bits(many.totals))
  }

  @Test func offsetsThatDoNotFitAreRefused() {
    for offsets in [[0, 2, 1, 3], [1, 3], [0, 2], []] as [[UInt32]] {
      #expect(throws: KernelError.self) { try advantages(offsets, [0, 0, 0], [0, 0, 0], 1, 1) }
    }
    #expect(throws: KernelError.self) { try advantages([0, 1], [0], [0], 1.1, 1) }
  }

  @Test func equalNumbersWhitenToZero() throws {
    for x in [[Float](repeating: 0.1, count: 9), [5], [1, Float(1).nextDown, 1]] {
      let y = try filled(x.count) { (span) throws(KernelError) in try whiten(x.span, into: &span) }
      #expect(y.allSatisfy { $0 == 0 })
    }
  }

  /// A saturated shaping leaves differences of the last place: dividing by their deviation would make rewards
  /// of them.
  @Test func roundingNoiseIsNoAdvantage() throws {
    let rewards: [Float] = [1, Float(1).nextDown, 1, 1, 0, 1, 0, 0]
    let a = try filled(8) { (span) throws(KernelError) in
      try groupAdvantages(rewards.span, groupSize: 4, baseline: .deviation, into: &span)
    }
    #expect(a[..<4].allSatisfy { $0 == 0 } && a[5] > 1)
  }

  /// T4: normalising by the group undoes every affine map of the rewards.
  @Test func deviationUndoesAffineMaps() throws {
    var generator = TestGenerator(stream: "affine")
    let r = generator.floats(40, .uniform)
    let moved = r.map { 3.5 * $0 - 2 }
    func run(_ x: [Float]) throws -> [Float] {
      try filled(40) { (span) throws(KernelError) in
        try groupAdvantages(x.span, groupSize: 5, baseline: .deviation, into: &span)
      }
    }
    for (x, y) in zip(try run(r), try run(moved)) { #expect(abs(x - y) < 1e-5) }
    let squashed = r.map { 1 / (1 + exp(-$0)) }
    #expect(zip(try run(r), try run(squashed)).contains { abs($0 - $1) > 0.05 })
  }

  @Test func bestOfPrefixesIsTheirLargest() throws {
    let rewards: [Float] = [1, 3, 3, 0, 9, 1, 1, 1, .nan, -1, .nan, 5, 0, 0, 0, 6]
    #expect(try bestOfFirst(rewards.span, perPrompt: 8, levels: 4) == [0, 1, 1, 4, 0, 1, 3, 7])
    #expect(throws: KernelError.self) { try bestOfFirst(rewards.span, perPrompt: 8, levels: 5) }
    #expect(throws: KernelError.self) { try bestOfFirst(rewards.span, perPrompt: 3, levels: 1) }
  }
}
