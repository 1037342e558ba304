import CPenchant
import PenchantKernels
import TestSupport
import Testing

private let sizes = [0, 1, 2, 3, 5, 10, 16, 33]

/// LAPACK's kinds of test matrices, as rules for a spectrum: well and badly conditioned, near overflow and underflow.
private struct Kind: Sendable, CustomStringConvertible {
  let description: String
  let scale: Double
  let spectrum: @Sendable (_ index: Int, _ count: Int) -> Double
}

private let kinds = [
  Kind(description: "identity", scale: 1) { _, _ in 1 },
  Kind(description: "even", scale: 1) { Double($0 + 1) / Double($1) },
  Kind(description: "condition 1e7", scale: 1) { i, _ in i == 0 ? 1e-7 : 1 },
  Kind(description: "condition 1e12, graded", scale: 1) { i, n in n == 1 ? 1 : geometric(1e-12, i, n) },
  Kind(description: "near underflow", scale: 1e-290) { Double($0 + 1) / Double($1) },
  Kind(description: "near overflow", scale: 1e290) { Double($0 + 1) / Double($1) },
]

private func geometric(_ smallest: Double, _ i: Int, _ n: Int) -> Double {
  var value = 1.0
  for _ in 0..<i { value *= 0.5 }
  return max(value, smallest) * Double(n - i) / Double(n)
}

/// A random orthogonal matrix: Gram-Schmidt, twice, on normal columns.
private func orthogonal(_ n: Int, _ g: inout TestGenerator) -> [[Double]] {
  var rows: [[Double]] = []
  while rows.count < n {
    var v = (0..<n).map { _ in g.normal() }
    for _ in 0..<2 {
      for row in rows {
        let dot = zip(v, row).reduce(0) { $0 + $1.0 * $1.1 }
        for j in 0..<n { v[j] -= dot * row[j] }
      }
    }
    let norm = v.reduce(0) { $0 + $1 * $1 }.squareRoot()
    rows.append(v.map { $0 / norm })
  }
  return rows
}

/// A [m, n] with the kind's spectrum, in units of its scale, and the matrix at scale.
private func matrix(_ kind: Kind, _ m: Int, _ n: Int, symmetric: Bool = false) -> (
  unit: [Double], scaled: [Double]
) {
  var g = TestGenerator(stream: "\(kind) \(m) \(n) \(symmetric)")
  let u = orthogonal(m, &g)
  let v = symmetric ? u : orthogonal(n, &g)
  let r = min(m, n)
  var unit = [Double](repeating: 0, count: m * n)
  for i in 0..<m {
    for j in 0..<n {
      for l in 0..<r { unit[i * n + j] += u[l][i] * kind.spectrum(l, r) * v[l][j] }
    }
  }
  if symmetric { for i in 0..<m { for j in 0..<i { unit[j * n + i] = unit[i * n + j] } } }
  return (unit, unit.map { $0 * kind.scale })
}

private func times(_ a: [Double], _ b: [Double], _ m: Int, _ k: Int, _ n: Int, transposeB: Bool = false)
  -> [Double]
{
  var c = [Double](repeating: 0, count: m * n)
  for i in 0..<m {
    for l in 0..<k {
      for j in 0..<n { c[i * n + j] += a[i * k + l] * (transposeB ? b[j * k + l] : b[l * n + j]) }
    }
  }
  return c
}

private func largest(_ a: [Double]) -> Double { a.reduce(0) { max($0, abs($1)) } }

/// max |a - b| over n * norm * 2^-53.
private func residual(_ a: [Double], _ b: [Double], _ n: Int, norm: Double) -> Double {
  let error = largest(zip(a, b).map { $0 - $1 })
  return error == 0 ? 0 : error / (Double(n) * norm * 0x1p-53)
}

@Suite struct SolveTests {
  @Test(arguments: kinds) private func choleskyIsBackwardStable(_ kind: Kind) throws {
    for n in sizes {
      let a = matrix(kind, n, n, symmetric: true)
      let cholesky = try Cholesky(a.scaled, order: n)
      var l = cholesky.factor
      for i in 0..<n { for j in i + 1..<max(n, i + 1) { l[i * n + j] = 0 } }
      // In units of the scale, so that the test does not overflow.
      let root = kind.scale.squareRoot()
      l = l.map { $0 / root }
      #expect(residual(times(l, l, n, n, n, transposeB: true), a.unit, n, norm: largest(a.unit)) < 10, "\(n)")

      var g = TestGenerator(stream: "right side \(n)")
      let b = (0..<n * 3).map { _ in g.normal() }
      let x = try cholesky.solve(b, columns: 3).map { $0 * kind.scale }
      let back = times(a.unit, x, n, n, 3)
      #expect(
        residual(back, b, n, norm: largest(a.unit) * largest(x) * Double(max(n, 1)) + largest(b)) < 10, "\(n)"
      )
    }
  }

  @Test func inverseAndDeterminantOfAKnownMatrix() throws {
    let cholesky = try Cholesky([4, 99, 2, 3], order: 2)  // the upper triangle is not read
    let inverse = try cholesky.inverse()
    for (got, want) in zip(inverse, [0.375, -0.25, -0.25, 0.5]) { #expect(abs(got - want) < 1e-15) }
    #expect(abs(try cholesky.logDeterminant() - 2.0794415416798357) < 1e-15)
    #expect(try Cholesky([], order: 0).logDeterminant() == 0)
  }

  @Test func theFirstBadPivotIsReported() {
    for n in [1, 2, 5, 16, 70, 200] {
      for bad in Set([0, n / 2, n - 1]) {
        var a = [Double](repeating: 0, count: n * n)
        for i in 0..<n { a[i * n + i] = i == bad ? -1 : 2 }
        var pivot = 0
        #expect(pn_cholesky_f64(n, &a, n, &pivot) == PN_ESINGULAR)
        #expect(pivot == bad + 1)
      }
    }
    do {
      _ = try Cholesky([1, 2, 2, 1], order: 2)
      Issue.record("not positive definite")
    } catch {
      #expect("\(error)".contains("order 2 of 2"))
    }
  }

  @Test(arguments: kinds) private func eigenvectorsRebuildTheMatrix(_ kind: Kind) throws {
    for n in sizes {
      let a = matrix(kind, n, n, symmetric: true)
      let eigen = try SymmetricEigen(a.scaled, order: n)
      #expect(eigen.values == eigen.values.sorted())
      let v = eigen.vectors
      let values = eigen.values.map { $0 / kind.scale }
      var scaled = v
      for i in 0..<n { for j in 0..<n { scaled[i * n + j] *= values[i] } }
      var vt = v
      for i in 0..<n { for j in 0..<n { vt[j * n + i] = v[i * n + j] } }
      #expect(residual(times(vt, scaled, n, n, n), a.unit, n, norm: largest(a.unit)) < 10, "\(n)")
      var identity = [Double](repeating: 0, count: n * n)
      for i in 0..<n { identity[i * n + i] = 1 }
      #expect(residual(times(v, v, n, n, n, transposeB: true), identity, n, norm: 1) < 10, "\(n)")
      let alone = try SymmetricEigen(a.scaled, order: n, vectors: false).values.map { $0 / kind.scale }
      #expect(residual(alone, values, n, norm: largest(values)) < 10)
    }
  }

  @Test(arguments: kinds) private func singularValuesRebuildTheMatrix(_ kind: Kind) throws {
    for (m, n) in [(0, 3), (1, 1), (1, 7), (5, 3), (3, 5), (16, 16), (40, 10), (10, 33)] {
      let a = matrix(kind, m, n)
      let r = min(m, n)
      let svd = try SingularValues(a.scaled, rows: m, columns: n)
      let values = svd.values.map { $0 / kind.scale }
      #expect(values == values.sorted(by: >) && values.allSatisfy { $0 >= 0 })
      var scaled = svd.vt
      for i in 0..<r { for j in 0..<n { scaled[i * n + j] *= values[i] } }
      #expect(
        residual(times(svd.u, scaled, m, r, n), a.unit, max(m, n), norm: largest(a.unit)) < 10, "\(m)x\(n)")
      let alone = try SingularValues(a.scaled, rows: m, columns: n, vectors: false).values.map {
        $0 / kind.scale
      }
      #expect(residual(alone, values, max(m, n), norm: largest(values)) < 10)
    }
  }

  @Test func leastSquaresLeavesAnOrthogonalResidual() throws {
    for (m, n) in [(1, 1), (5, 3), (3, 5), (20, 20), (60, 7)] {
      let a = matrix(kinds[1], m, n).unit
      var g = TestGenerator(stream: "least squares \(m)")
      let b = (0..<m * 2).map { _ in g.normal() }
      let (x, rank) = try leastSquares(a, equations: m, unknowns: n, b, columns: 2)
      #expect(rank == min(m, n))
      let left = zip(b, times(a, x, m, n, 2)).map { $0 - $1 }
      var at = a
      for i in 0..<m { for j in 0..<n { at[j * m + i] = a[i * n + j] } }
      let normal = times(at, left, n, m, 2)
      #expect(
        largest(normal) < 10 * Double(max(m, n)) * 0x1p-53 * (largest(a) * largest(x) + largest(b))
          * Double(m * n))
    }
  }

  @Test func dependentColumnsGiveTheShortestSolution() throws {
    // Both columns are equal: x = (1, 1) is the shortest of all with x0 + x1 = 2.
    let (x, rank) = try leastSquares([1, 1, 2, 2, 3, 3], equations: 3, unknowns: 2, [2, 4, 6])
    #expect(rank == 1)
    #expect(x.allSatisfy { abs($0 - 1) < 1e-14 })
    let none = try leastSquares([], equations: 0, unknowns: 2, [])
    #expect(none.x == [0, 0] && none.rank == 0)
  }

  @Test(arguments: [Double.nan, .infinity, -.infinity]) func nonFiniteInputIsRefused(_ bad: Double) {
    var a: [Double] = [2, 0, bad, 2]
    let before = a
    var values = [0.0, 0]
    var workspace = [UInt8](repeating: 0, count: 1 << 16)
    #expect(pn_cholesky_f64(2, &a, 2, nil) == PN_ENONFINITE)
    #expect(a[0] == before[0])
    #expect(pn_symmetric_eigen_f64(2, a, 2, &values, nil, &workspace, 1 << 16) == PN_ENONFINITE)
    #expect(pn_svd_f64(2, 2, a, 2, nil, &values, nil, &workspace, 1 << 16) == PN_ENONFINITE)
    #expect(
      pn_least_squares_f64(2, 2, 1, -1, a, 2, [1, 1], 1, &values, 1, nil, &workspace, 1 << 16)
        == PN_ENONFINITE)
    var upper: [Double] = [2, bad, 0, 2]  // above the diagonal nothing is read
    #expect(pn_cholesky_f64(2, &upper, 2, nil) == PN_OK)
  }

  @Test func whatCannotBeIsRefused() {
    var a: [Double] = [1, 0, 0, 1]
    var values = [0.0, 0]
    var small = [UInt8](repeating: 0, count: 8)
    #expect(pn_cholesky_f64(2, nil, 2, nil) == PN_ENULL)
    #expect(pn_cholesky_f64(2, &a, 1, nil) == PN_EDIM)
    #expect(pn_cholesky_f64(1 << 40, &a, 1 << 40, nil) == PN_EDIM)
    #expect(pn_symmetric_eigen_workspace(1 << 40, true) == -1)
    #expect(pn_svd_workspace(1 << 40, 2, true) == -1)
    #expect(pn_symmetric_eigen_f64(2, a, 2, &values, nil, &small, 8) == PN_EWORKSPACE)
    #expect(pn_svd_f64(2, 2, a, 2, nil, &values, nil, &small, 8) == PN_EWORKSPACE)
    #expect(pn_least_squares_f64(2, 2, 1, 2, a, 2, [1, 1], 1, &values, 1, nil, &small, 8) == PN_EVALUE)
    #expect(throws: KernelError.self) { try Cholesky([1, 2, 3], order: 2) }
    #expect(throws: KernelError.self) {
      try Cholesky([1, 0, 0, 1], order: 2).solve([1, 2, 3])
    }
  }
}
