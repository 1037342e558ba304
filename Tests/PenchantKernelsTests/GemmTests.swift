import CPenchant
import PenchantKernels
import TestSupport
import Testing

/// One product with everything that can be set, run in C and in Double.
private struct GemmCase: Sendable, CustomStringConvertible {
  var m: Int, n: Int, k: Int
  var ta = false, tb = false
  var alpha: Float = 1, beta: Float = 0
  var extra = 0  // behind every row of every operand
  var offset = 0  // floats before every operand: misalignment
  var columnBias = false, rowBias = false, packed = false
  var activation = PN_ACT_NONE

  var description: String {
    "\(ta ? "T" : "N")\(tb ? "T" : "N") \(m)x\(n)x\(k) alpha \(alpha) beta \(beta) extra \(extra) offset \(offset)"
      + "\(columnBias ? " column bias" : "")\(rowBias ? " row bias" : "")\(packed ? " packed" : "") act \(activation.rawValue)"
  }

  var lda: Int { (ta ? m : k) + extra }
  var ldb: Int { (tb ? k : n) + extra }
  var ldc: Int { n + extra }

  struct Operands {
    var a: [Float], b: [Float], c: [Float], columnBias: [Float], rowBias: [Float]
  }

  func operands(_ distribution: Distribution, _ use: String = "") -> Operands {
    var g = TestGenerator(stream: "\(self) \(distribution) \(use)")
    var c = g.floats(offset + m * ldc, distribution)
    if beta == 0 {  // must not be read
      for i in 0..<m { for j in 0..<n { c[offset + i * ldc + j] = .nan } }
    }
    return Operands(
      a: g.floats(offset + (ta ? k : m) * lda, distribution),
      b: g.floats(offset + (tb ? n : k) * ldb, distribution), c: c,
      columnBias: g.floats(n, distribution), rowBias: g.floats(m, distribution))
  }

  var workspaceBytes: Int {
    packed
      ? pn_gemm_packed_workspace(ta ? PN_TRANS : PN_NO_TRANS, m, n, k)
      : pn_gemm_workspace(ta ? PN_TRANS : PN_NO_TRANS, tb ? PN_TRANS : PN_NO_TRANS, m, n, k)
  }

  /// C after the call, all of it, and the status.
  func run(_ x: Operands) -> (c: [Float], status: pn_status) {
    var c = x.c
    let bytes = workspaceBytes
    var workspace = [UInt8](repeating: 0xff, count: bytes + 1)
    var epilogue = pn_gemm_epilogue()
    epilogue.activation = activation
    let status = x.columnBias.withUnsafeBufferPointer { columnBias in
      x.rowBias.withUnsafeBufferPointer { rowBias in
        x.a.withUnsafeBufferPointer { a in
          x.b.withUnsafeBufferPointer { b in
            c.withUnsafeMutableBufferPointer { c in
              workspace.withUnsafeMutableBytes { workspace in
                if self.columnBias { epilogue.column_bias = columnBias.baseAddress }
                if self.rowBias { epilogue.row_bias = rowBias.baseAddress }
                let transA = ta ? PN_TRANS : PN_NO_TRANS
                let transB = tb ? PN_TRANS : PN_NO_TRANS
                let memory = workspace.baseAddress.map { $0 + 1 }  // a workspace needs no alignment either
                guard packed else {
                  return pn_gemm_f32(
                    transA, transB, m, n, k, alpha, a.baseAddress! + offset, lda, b.baseAddress! + offset,
                    ldb, beta,
                    c.baseAddress! + offset, ldc, &epilogue, memory, bytes)
                }
                let size = pn_gemm_pack_b_bytes(n, k)
                let store = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 64)
                defer { store.deallocate() }
                let status = pn_gemm_pack_b_f32(transB, n, k, b.baseAddress! + offset, ldb, store, size)
                guard status == PN_OK else { return status }
                return pn_gemm_packed_f32(
                  transA, m, n, k, alpha, a.baseAddress! + offset, lda, store, beta, c.baseAddress! + offset,
                  ldc,
                  &epilogue, memory, bytes)
              }
            }
          }
        }
      }
    }
    return (c, status)
  }

  /// For every element of C the value before the activation and the sum of magnitudes that bounds its error.
  func reference(_ x: Operands) -> [(value: Double, size: Double)] {
    var sums = [Double](repeating: 0, count: m * n)
    var sizes = sums
    x.a.withUnsafeBufferPointer { a in
      x.b.withUnsafeBufferPointer { b in
        for i in 0..<m {
          for j in 0..<n {
            var sum = 0.0
            var size = 0.0
            for l in 0..<k {
              let p =
                Double(a[offset + (ta ? l * lda + i : i * lda + l)])
                * Double(b[offset + (tb ? j * ldb + l : l * ldb + j)])
              sum += p
              size += abs(p)
            }
            sums[i * n + j] = sum
            sizes[i * n + j] = size
          }
        }
      }
    }
    return (0..<m * n).map { index in
      let i = index / n
      let j = index % n
      var parts = [Double(alpha) * sums[index]]
      if beta != 0 { parts.append(Double(beta) * Double(x.c[offset + i * ldc + j])) }
      if columnBias { parts.append(Double(x.columnBias[j])) }
      if rowBias { parts.append(Double(x.rowBias[i])) }
      let size = parts.dropFirst().reduce(abs(Double(alpha)) * sizes[index]) { $0 + abs($1) }
      return (parts.reduce(0, +), size)
    }
  }

  /// What is behind the rows and before the operand must stay.
  func paddingIsUntouched(_ before: [Float], _ after: [Float]) -> Bool {
    (0..<offset).allSatisfy { before[$0].bitPattern == after[$0].bitPattern }
      && (0..<m).allSatisfy { i in
        (n..<ldc).allSatisfy {
          before[offset + i * ldc + $0].bitPattern == after[offset + i * ldc + $0].bitPattern
        }
      }
  }
}

private let transposes = [(false, false), (false, true), (true, false), (true, true)]

/// Every way through the code: tails of tiles and vectors, both panel kinds, copies, the turned product of few rows, cut
/// sums, one row, one column, several blocks of k.
private let routes: [GemmCase] = {
  let sizes: [(Int, Int, Int)] = [
    (1, 1, 1), (1, 1, 65), (1, 17, 9), (1, 50, 33), (17, 1, 31), (2, 3, 5), (3, 2, 1), (7, 15, 16),
    (8, 16, 8),
    (9, 17, 33), (8, 48, 15), (9, 49, 7), (16, 64, 17), (17, 63, 2), (5, 129, 31), (33, 31, 63),
    (31, 33, 129),
    (63, 65, 8), (64, 80, 65), (97, 20, 17), (50, 50, 64), (3, 200, 127), (127, 3, 31), (100, 7, 1),
    (8, 8, 385),
    (5, 20, 800), (16, 16, 2500), (129, 127, 9),
  ]
  var g = TestGenerator(stream: "routes")
  return sizes.flatMap { m, n, k in
    transposes.map { ta, tb in
      GemmCase(
        m: m, n: n, k: k, ta: ta, tb: tb, alpha: [1, 1, -2, 0.5].randomElement(using: &g)!,
        beta: [0, 0, 1, -0.5].randomElement(using: &g)!, extra: Int.random(in: 0...3, using: &g),
        offset: Int.random(in: 0...3, using: &g), columnBias: .random(using: &g), rowBias: .random(using: &g),
        packed: Int.random(in: 0..<4, using: &g) == 0,
        activation: Bool.random(using: &g) ? PN_ACT_RELU : PN_ACT_NONE)
    }
  }
}()

/// Large enough to be cut into several blocks.
private let cut: [GemmCase] = [
  GemmCase(m: 300, n: 70, k: 65, columnBias: true), GemmCase(m: 130, n: 260, k: 80, tb: true),
  GemmCase(m: 40, n: 300, k: 200, tb: true, columnBias: true, activation: PN_ACT_RELU),
  GemmCase(m: 30, n: 40, k: 2100, ta: true, rowBias: true, activation: PN_ACT_RELU),
  GemmCase(m: 600, n: 40, k: 50, packed: true), GemmCase(m: 1, n: 300, k: 1000),
  GemmCase(m: 2000, n: 1, k: 120),
  GemmCase(m: 300, n: 1, k: 1000, ta: true, columnBias: true),
  GemmCase(m: 150, n: 200, k: 400, ta: true, extra: 2),
]

private func limited<R>(_ tier: pn_tier, _ body: () throws -> R) rethrows -> R {
  pn_cpu_limit_tier(tier)
  defer { pn_cpu_limit_tier(PN_TIER_V4) }
  return try body()
}

@Suite struct GemmTests {
  @Test(arguments: [PN_TIER_BASE, PN_TIER_V3, PN_TIER_V4])
  func smallIntegersAreExact(_ tier: pn_tier) {
    for test in routes + (tier == PN_TIER_V4 ? cut : []) {
      let x = test.operands(.smallIntegers)
      let got = limited(tier) { test.run(x) }
      #expect(got.status == PN_OK, "\(test)")
      let want = test.reference(x).map { test.activation == PN_ACT_RELU ? max($0.value, 0) : $0.value }
      let wrong = want.indices.first { index in
        Double(got.c[test.offset + index / test.n * test.ldc + index % test.n]) != want[index]
      }
      #expect(wrong == nil, "\(test) at \(wrong ?? 0), tier \(tier.rawValue)")
      #expect(test.paddingIsUntouched(x.c, got.c), "\(test)")
    }
  }

  @Test(arguments: [Distribution.uniform, .logNormal, .cauchy, .exactPowersOfTwo])
  func errorsStayInTheirBound(_ distribution: Distribution) {
    for test in routes {
      let x = test.operands(distribution)
      let got = test.run(x)
      #expect(got.status == PN_OK, "\(test)")
      for (index, want) in test.reference(x).enumerated() {
        let value = Double(got.c[test.offset + index / test.n * test.ldc + index % test.n])
        let expected = test.activation == PN_ACT_RELU ? max(want.value, 0) : want.value
        let bound = 1.01 * Double(test.k + 4) * 0x1p-24 * want.size + 1e-44
        if abs(value - expected) > bound {
          Issue.record("\(test), \(distribution), [\(index)]: \(value), expected \(expected) ± \(bound)")
          break
        }
      }
    }
  }

  @Test(arguments: [2, 3, 5, 8])
  func bitsDoNotDependOnThreads(_ threads: Int) {
    for test in cut {
      let x = test.operands(.logNormal, "bits")
      let one = Team.with(threads: 1) { test.run(x) }
      let many = Team.with(threads: threads) { test.run(x) }
      #expect(bits(one.c) == bits(many.c), "\(test)")
    }
  }

  @Test func aWorkspaceOfASmallerTeamIsEnough() {
    let test = GemmCase(m: 300, n: 300, k: 40)
    let x = test.operands(.smallIntegers)
    let bytes = Team.with(threads: 1) { test.workspaceBytes }
    var c = x.c
    let status = Team.with(threads: 5) {
      var workspace = [UInt8](repeating: 0, count: bytes)
      return pn_gemm_f32(
        PN_NO_TRANS, PN_NO_TRANS, 300, 300, 40, 1, x.a, 40, x.b, 300, 0, &c, 300, nil, &workspace, bytes)
    }
    #expect(status == PN_OK)
    #expect(bits(c) == bits(test.run(x).c))
  }

  @Test func nonFiniteValuesGoWhereTheFormulaTakesThem() {
    for (ta, tb) in transposes {
      for (m, n, k) in [(9, 50, 33), (1, 9, 5), (9, 1, 5), (40, 100, 20)] {
        let test = GemmCase(m: m, n: n, k: k, ta: ta, tb: tb)
        var x = test.operands(.uniform(1, 2))
        let row = m / 2
        let column = n / 2
        x.a[ta ? row : row * test.lda] = .nan
        x.b[tb ? column * test.ldb + 1 : test.ldb + column] = .infinity
        let c = test.run(x).c
        for i in 0..<m {
          for j in 0..<n {
            let value = c[i * n + j]
            if i == row {
              #expect(value.isNaN, "\(test)")
            } else if j == column {
              #expect(value == .infinity, "\(test)")
            } else {
              #expect(value.isFinite, "\(test)")
            }
          }
        }
      }
    }
  }

  @Test func nanSurvivesRelu() {
    var test = GemmCase(m: 3, n: 20, k: 4, activation: PN_ACT_RELU)
    for n in [20, 1] {
      test.n = n
      var x = test.operands(.uniform)
      x.a[0] = .nan
      let first = test.run(x).c.prefix(n)
      #expect(first.allSatisfy { $0.isNaN })
    }
  }

  @Test func nothingToSumLeavesTheEpilogue() {
    var test = GemmCase(m: 5, n: 19, k: 0, beta: 0, columnBias: true, rowBias: true)
    for (k, alpha) in [(0, Float(1)), (7, Float(0))] {
      test.k = k
      test.alpha = alpha
      var x = test.operands(.smallIntegers)
      if k > 0 { x.a[0] = .nan }  // alpha = 0: not read
      let got = test.run(x)
      #expect(got.status == PN_OK)
      for i in 0..<5 {
        for j in 0..<19 { #expect(got.c[i * 19 + j] == x.columnBias[j] + x.rowBias[i]) }
      }
    }
  }

  @Test func batchesAreProductsSideBySide() throws {
    for (ta, tb) in transposes {
      for (batch, m, n, k) in [(0, 3, 3, 3), (1, 20, 30, 5), (7, 9, 17, 33), (40, 8, 8, 8), (3, 130, 70, 60)]
      {
        var g = TestGenerator(stream: "batch \(batch) \(m)")
        let a = g.floats(batch * m * k, .smallIntegers)
        let b = g.floats(k * n, .smallIntegers)
        let shape = ProductShape(rows: m, columns: n, inner: k, transposesA: ta, transposesB: tb)
        let all = try filled(batch * m * n) { c throws(KernelError) in
          try multiplyBatch(batch, shape, a.span, b.span, sharesB: true, into: &c)
        }
        let one = try (0..<batch).flatMap { i -> [Float] in
          try product(shape, Array(a[i * m * k..<(i + 1) * m * k]), b)
        }
        #expect(all == one)
      }
    }
  }

  @Test func batchedItemsMayInterleaveTheirRows() {
    // Heads of attention: [rows, heads, width].
    let heads = 3
    let rows = 5
    let width = 7
    let k = 4
    var g = TestGenerator(stream: "heads")
    let a = g.floats(rows * heads * k, .smallIntegers)
    let b = g.floats(heads * k * width, .smallIntegers)
    var c = [Float](repeating: .nan, count: rows * heads * width)
    let bytes = pn_gemm_batched_workspace(heads, PN_NO_TRANS, PN_NO_TRANS, rows, width, k)
    var workspace = [UInt8](repeating: 0, count: bytes)
    let status = pn_gemm_batched_f32(
      heads, PN_NO_TRANS, PN_NO_TRANS, rows, width, k, 1, a, heads * k, k, b, width, k * width, 0, &c,
      heads * width, width,
      &workspace, bytes)
    #expect(status == PN_OK)
    for h in 0..<heads {
      for i in 0..<rows {
        for j in 0..<width {
          let want = (0..<k).reduce(Float(0)) {
            $0 + a[(i * heads + h) * k + $1] * b[(h * k + $1) * width + j]
          }
          #expect(c[(i * heads + h) * width + j] == want)
        }
      }
    }
  }

  @Test func activationsAndTheirGradientsFollowTheProduct() throws {
    for activation in Activation.allCases {
      for (m, n, k) in [(5, 37, 20), (1, 37, 20), (21, 1, 9), (60, 70, 9)] {
        var g = TestGenerator(stream: "activation \(activation) \(m)")
        let a = g.floats(m * k, .uniform(-1, 1))
        let b = g.floats(k * n, .uniform(-1, 1))
        let at = g.floats(m * n, .uniform)
        let shape = ProductShape(rows: m, columns: n, inner: k)
        let plain = try product(shape, a, b)
        let active = try filled(m * n) { c throws(KernelError) in
          try multiply(shape, a.span, b.span, activation: activation, into: &c)
        }
        let scaled = try filled(m * n) { c throws(KernelError) in
          try multiplyGradient(shape, a.span, b.span, of: activation, at: at.span, into: &c)
        }
        for i in 0..<m * n {
          let want = curve(activation, Double(plain[i]))
          let step = 1e-5
          let x = Double(at[i])
          #expect(abs(Double(active[i]) - want) <= 1e-6 * max(1, abs(want)), "\(activation) \(plain[i])")
          guard activation != .relu || abs(x) > step else { continue }
          let slope =
            (curve(activation, x + step) - curve(activation, x - step)) / (2 * step) * Double(plain[i])
          #expect(
            abs(Double(scaled[i]) - slope) <= 2e-6 * max(1, abs(plain[i]).asDouble), "\(activation) at \(x)")
        }
        guard [.relu, .tanh, .sigmoid].contains(activation) else { continue }
        let outputs = at.map { Float(curve(activation, Double($0))) }
        let again = try filled(m * n) { c throws(KernelError) in
          try multiplyGradient(
            shape, a.span, b.span, of: activation, at: outputs.span, fromOutput: true, into: &c)
        }
        for i in 0..<m * n {
          #expect(abs(again[i] - scaled[i]) <= 1e-5, "\(activation) from output at \(at[i])")
        }
      }
    }
  }

  @Test func theValueBeforeTheActivationIsStored() {
    let m = 20
    let n = 50
    let k = 10
    var g = TestGenerator(stream: "pre")
    let a = g.floats(m * k, .uniform)
    let b = g.floats(k * n, .uniform)
    let bias = g.floats(n, .uniform)
    var c = [Float](repeating: .nan, count: m * n)
    var pre = [Float](repeating: .nan, count: m * (n + 3))
    let bytes = pn_gemm_workspace(PN_NO_TRANS, PN_NO_TRANS, m, n, k)
    var workspace = [UInt8](repeating: 0, count: bytes)
    let status = bias.withUnsafeBufferPointer { bias in
      pre.withUnsafeMutableBufferPointer { pre in
        var epilogue = pn_gemm_epilogue()
        epilogue.column_bias = bias.baseAddress
        epilogue.pre = pre.baseAddress
        epilogue.ldpre = n + 3
        epilogue.activation = PN_ACT_TANH
        return pn_gemm_f32(
          PN_NO_TRANS, PN_NO_TRANS, m, n, k, 1, a, k, b, n, 0, &c, n, &epilogue, &workspace, bytes)
      }
    }
    #expect(status == PN_OK)
    for i in 0..<m {
      for j in 0..<n {
        #expect(abs(curve(.tanh, Double(pre[i * (n + 3) + j])) - Double(c[i * n + j])) < 1e-6)
      }
      for j in n..<n + 3 { #expect(pre[i * (n + 3) + j].isNaN) }
    }
  }

  @Test func whatCannotBeIsRefusedBeforeAnythingIsWritten() {
    var c: [Float] = [7]
    let a: [Float] = [1]
    let huge = Int.max / 2
    func run(
      m: Int = 1, n: Int = 1, k: Int = 1, lda: Int = 1, ldb: Int = 1, ldc: Int = 1, bytes: Int = 1 << 16,
      trans: UInt32 = 0, epilogue: pn_gemm_epilogue = .init(), a: [Float]? = [1]
    ) -> pn_status {
      var epilogue = epilogue
      var workspace = [UInt8](repeating: 0, count: bytes)
      return pn_gemm_f32(
        pn_transpose(rawValue: trans), PN_NO_TRANS, m, n, k, 1, a, lda, [1], ldb, 0, &c, ldc, &epilogue,
        &workspace, bytes)
    }
    #expect(run(m: 0) == PN_OK)
    #expect(run(n: 0) == PN_OK)
    #expect(run(k: 2) == PN_EDIM)
    #expect(run(m: 2, lda: 1, ldc: 0) == PN_EDIM)
    #expect(run(m: huge, n: huge, lda: huge, ldc: huge) == PN_EDIM)
    #expect(run(k: huge, lda: huge, ldb: huge) == PN_EDIM)
    #expect(run(bytes: 0) == PN_EWORKSPACE)
    #expect(run(trans: 2) == PN_EVALUE)
    #expect(run(a: nil) == PN_ENULL)
    var epilogue = pn_gemm_epilogue()
    epilogue.activation = pn_activation(rawValue: 99)
    #expect(run(epilogue: epilogue) == PN_EVALUE)
    epilogue = pn_gemm_epilogue()
    epilogue.gradient_of = PN_ACT_TANH
    #expect(run(epilogue: epilogue) == PN_ENULL)
    a.withUnsafeBufferPointer { a in
      epilogue.gradient_at = a.baseAddress
      epilogue.ldgradient = 1
      epilogue.gradient_of = PN_ACT_GELU
      epilogue.gradient_from_output = true
      #expect(run(epilogue: epilogue) == PN_EVALUE)
    }
    #expect(c == [7])
    #expect(pn_gemm_workspace(PN_NO_TRANS, PN_NO_TRANS, huge, huge, 3) == -1)
    #expect(pn_gemm_pack_b_bytes(huge, huge) == -1)
  }

  @Test func everyByteTooFewOfWorkspaceIsNoticed() {
    for test in cut where !test.packed {
      let x = test.operands(.smallIntegers)
      let bytes = Team.with(threads: 1) { test.workspaceBytes }
      var c = x.c
      var workspace = [UInt8](repeating: 0, count: bytes)
      let status = pn_gemm_f32(
        test.ta ? PN_TRANS : PN_NO_TRANS, test.tb ? PN_TRANS : PN_NO_TRANS, test.m, test.n, test.k, 1, x.a,
        test.lda, x.b,
        test.ldb, 0, &c, test.ldc, nil, &workspace, bytes / 2)
      #expect(status == PN_EWORKSPACE, "\(test)")
      #expect(bits(c) == bits(x.c))
    }
  }

  @Test func shapesAreNamedInTheMessage() {
    var c = [Float](repeating: 0, count: 4)
    var span = c.mutableSpan
    do {
      try multiply(ProductShape(rows: 2, columns: 2, inner: 3), [1, 2, 3].span, [1].span, into: &span)
      Issue.record("a shape error was expected")
    } catch {
      #expect("\(error)".contains("a has 3 values for [2, 3]"))
    }
    #expect(throws: KernelError.self) { try product(ProductShape(rows: -1, columns: 1, inner: 1), [], []) }
    #expect(throws: KernelError.self) {
      _ = try PackedMatrix(columns: 2, inner: 2, [Float](repeating: 0, count: 3).span)
    }
    c[0] = 1
  }

  @Test func packedWeightsServeManyProducts() throws {
    var g = TestGenerator(stream: "packed")
    let weights = g.floats(30 * 400, .smallIntegers)
    let bias = g.floats(30, .smallIntegers)
    let packed = try PackedMatrix(columns: 30, inner: 400, weights.span, transposed: true)
    for rows in [0, 1, 9, 70] {
      let x = g.floats(rows * 400, .smallIntegers)
      let shape = ProductShape(rows: rows, columns: 30, inner: 400, transposesB: true)
      let got = try filled(rows * 30) { c throws(KernelError) in
        try packed.multiply(rows: rows, x.span, columnBias: bias.span, activation: .relu, into: &c)
      }
      let want = try filled(rows * 30) { c throws(KernelError) in
        try multiply(shape, x.span, weights.span, columnBias: bias.span, activation: .relu, into: &c)
      }
      #expect(got == want)
    }
  }

  @Test func callsFromSeveralThreadsDoNotMeet() async {
    let test = GemmCase(m: 130, n: 130, k: 80)
    let want = bits(test.run(test.operands(.logNormal)).c)
    let equal = await withTaskGroup(of: Bool.self) { group in
      for _ in 0..<4 { group.addTask { bits(test.run(test.operands(.logNormal)).c) == want } }
      return await group.reduce(true) { $0 && $1 }
    }
    #expect(equal)
  }
}

extension Float {
  fileprivate var asDouble: Double { Double(self) }
}
