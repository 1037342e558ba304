import PenchantKernels
import TestSupport
import Testing

@Suite struct SparseTests {
  /// Rows of small integers, so that sums are exact and tests may ask for equality.
  static func rows(_ rows: Int, _ width: Int, every: Int) throws -> SparseRows {
    var starts = [0]
    var columns: [UInt32] = []
    var values: [Float] = []
    var state = testSeed &* 2_862_933_555_777_941_757 &+ 3_037_000_493
    for _ in 0..<rows {
      for column in 0..<width {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        guard (state >> 33) % UInt64(every) == 0 else { continue }
        columns.append(UInt32(column))
        values.append(Float(Int((state >> 40) % 9) - 4))
      }
      starts.append(columns.count)
    }
    return try SparseRows(rows: rows, width: width, starts: starts, columns: columns, values: values)
  }

  static func dense(_ x: SparseRows) -> [[Double]] {
    (0..<x.rows).map { r in
      var row = [Double](repeating: 0, count: x.width)
      for e in x.starts[r]..<x.starts[r + 1] { row[Int(x.columns[e])] += Double(x.values[e]) }
      return row
    }
  }

  @Test(arguments: [(0, 0), (0, 5), (1, 1), (3, 0), (7, 13), (64, 65), (65, 31), (129, 200)])
  func productsEqualTheDenseOnes(_ rows: Int, _ width: Int) throws {
    let x = try Self.rows(rows, width, every: 3)
    let full = Self.dense(x)
    let v = (0..<width).map { Double($0 % 7 - 3) }
    #expect(try x.product(v) == full.map { row in zip(row, v).reduce(0) { $0 + $1.0 * $1.1 } })
    let u = (0..<rows).map { Double($0 % 5 - 2) }
    let expected = (0..<width).map { c in (0..<rows).reduce(0) { $0 + full[$1][c] * u[$1] } }
    #expect(try x.transposed().product(u) == expected)
    #expect(try x.transposed().transposed() == x)
  }

  @Test(arguments: [(0, 4, 0), (1, 1, 1), (7, 13, 3), (64, 40, 9), (130, 31, 17)])
  func gramEqualsTheDenseOne(_ rows: Int, _ width: Int, _ denseWidth: Int) throws {
    let x = try Self.rows(rows, width, every: 4)
    let d = (0..<rows * denseWidth).map { Float($0 % 11 - 5) }
    let gram = try Gram(sparse: x, dense: d, denseWidth: denseWidth)
    let full = Self.dense(x).enumerated().map { r, row in
      row + d[r * denseWidth..<(r + 1) * denseWidth].map(Double.init)
    }
    let v = (0..<rows).map { Double($0 % 3 - 1) }
    var y = [Double](repeating: .nan, count: rows)
    try gram.product(v, into: &y)
    for i in 0..<rows {
      for j in 0..<rows {
        let exact = zip(full[i], full[j]).reduce(0) { $0 + $1.0 * $1.1 }
        #expect(gram.values[i * rows + j] == Float(exact))
      }
      #expect(y[i] == (0..<rows).reduce(0) { $0 + Double(gram.values[i * rows + $1]) * v[$1] })
    }
  }

  @Test func bitsDoNotDependOnThreads() throws {
    let x = try Self.rows(300, 500, every: 2)
    let scaled = try SparseRows(
      rows: x.rows, width: x.width, starts: x.starts, columns: x.columns, values: x.values.map { $0 / 3 })
    let v = (0..<x.width).map { 1 / Double($0 + 3) }
    let results = try [1, 2, 3, 5].map { threads in
      try Team.with(threads: threads) { () throws -> ([Float], [Double]) in
        (try Gram(sparse: scaled).values, try scaled.product(v))
      }
    }
    for result in results {
      #expect(result.0 == results[0].0)
      #expect(result.1 == results[0].1)
    }
  }

  @Test func brokenRowsAreRefused() {
    #expect(throws: KernelError.self) {
      try SparseRows(rows: 1, width: 2, starts: [0, 1], columns: [2], values: [1])
    }
    #expect(throws: KernelError.self) {
      try SparseRows(rows: 2, width: 2, starts: [0, 2, 1], columns: [0], values: [1])
    }
    #expect(throws: KernelError.self) {
      try SparseRows(rows: 1, width: 2, starts: [0, 1], columns: [0, 1], values: [1])
    }
  }
}
