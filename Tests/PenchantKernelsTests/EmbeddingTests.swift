import PenchantKernels
import TestSupport
import Testing

@Suite struct EmbeddingTests {
  private func batch(_ n: Int, _ rows: Int, _ stream: String) -> [UInt32] {
    var generator = TestGenerator(stream: stream)
    return (0..<n).map { _ in
      Int.random(in: 0..<9, using: &generator) == 0
        ? embeddingNone : UInt32.random(in: 0..<UInt32(rows), using: &generator)
    }
  }

  private func scattered(_ ids: [UInt32], _ rows: Int, _ width: Int, _ gradient: [Float], _ start: [Float])
    throws -> [Float]
  {
    var table = start
    var span = table.mutableSpan
    try scatterRows(ids.span, rows: rows, width: width, of: gradient.span, into: &span)
    return table
  }

  @Test(arguments: [
    [0, 3, 4], [1, 1, 1], [5, 2, 3], [300, 7, 16], [1000, 5000, 3], [257, 70_000, 5], [600, 1, 2],
  ])
  func rowsAreCopiedAndAddedInOrder(_ numbers: [Int]) throws {
    let (n, rows, d) = (numbers[0], numbers[1], numbers[2])
    var generator = TestGenerator(stream: "embedding \(numbers)")
    let ids = batch(n, rows, "ids \(numbers)")
    let table = generator.floats(rows * d, .uniform)
    let gradient = generator.floats(n * d, .cauchy)

    let gathered = try filled(n * d) { (out: inout MutableSpan<Float>) throws in
      try gatherRows(ids.span, rows: rows, width: d, of: table.span, into: &out)
    }
    var added = table
    for i in 0..<n {
      for j in 0..<d {
        #expect(gathered[i * d + j] == (ids[i] == embeddingNone ? 0 : table[Int(ids[i]) * d + j]))
        // The order of positions is the order of additions: the same bits as this loop.
        if ids[i] != embeddingNone { added[Int(ids[i]) * d + j] += gradient[i * d + j] }
      }
    }
    for threads in [1, 2, 3, 5] {
      let got = try Team.with(threads: threads) { () throws in try scattered(ids, rows, d, gradient, table) }
      #expect(bits(got) == bits(added))
    }

    let distinct = try DistinctRows(ids.span, rows: rows)
    #expect(distinct.ids == Set(ids).subtracting([embeddingNone]).sorted())
    let sums = try distinct.sum(gradient.span, width: d)
    let zero = [Float](repeating: 0, count: rows * d)
    let dense = try scattered(ids, rows, d, gradient, zero)
    let expected = distinct.ids.map(Int.init).flatMap { id -> ArraySlice<Float> in
      dense[id * d..<(id + 1) * d]
    }
    #expect(bits(sums) == bits(expected))
  }

  @Test func idsOutsideAreRefusedAndNothingIsWritten() throws {
    var table: [Float] = [1, 2]
    #expect(throws: KernelError.self) {
      var span = table.mutableSpan
      try scatterRows([0, 2].span, rows: 2, width: 1, of: [1, 1].span, into: &span)
    }
    #expect(table == [1, 2])
    #expect(throws: KernelError.self) {
      _ = try filled(1) { (out: inout MutableSpan<Float>) throws in
        try gatherRows([2].span, rows: 2, width: 1, of: [1, 2].span, into: &out)
      }
    }
    #expect(throws: KernelError.self) { try DistinctRows([5].span, rows: 5) }
  }

  @Test func countsThatDoNotFitNameTheNumbers() {
    #expect(throws: KernelError.shape("gatherRows", "table has 3 values, 4 expected")) {
      _ = try filled(2) { (out: inout MutableSpan<Float>) throws(KernelError) in
        try gatherRows([0].span, rows: 2, width: 2, of: [1, 2, 3].span, into: &out)
      }
    }
  }
}
