import PenchantKernels
import TestSupport
import Testing

@Suite struct ResampleTests {
  /// Pictures, height, width and channels of the smaller pictures.
  private static let shapes: [[Int]] = [
    [0, 2, 2, 3], [1, 1, 1, 1], [2, 3, 5, 7], [1, 4, 4, 16], [3, 1, 9, 33], [2, 40, 33, 5], [1, 3, 3, 4097],
  ]

  private func resized(_ x: [Float], _ direction: Resampling, _ s: [Int], factor: Float) throws -> [Float] {
    let small = s.reduce(1, *)
    return try filled(direction == .up ? 4 * small : small) { y throws in
      try resample(x.span, direction, smaller: (s[0], s[1], s[2], s[3]), factor: factor, into: &y)
    }
  }

  @Test(arguments: shapes) func matchesTheFormula(_ s: [Int]) throws {
    var generator = TestGenerator(stream: "resample \(s)")
    let small = generator.floats(s.reduce(1, *), .smallIntegers)
    let large = generator.floats(4 * small.count, .smallIntegers)
    let up = try resized(small, .up, s, factor: 3)
    let down = try resized(large, .down, s, factor: 0.25)
    var sums = [Float](repeating: 0, count: small.count)
    for i in large.indices {
      let (c, column, line) = (i % s[3], i / s[3] % (2 * s[2]), i / s[3] / (2 * s[2]))
      let place = (line / 2 * s[2] + column / 2) * s[3] + c
      #expect(up[i] == 3 * small[place])
      sums[place] += 0.25 * large[i]
    }
    #expect(down == sums)
    for threads in [2, 3, 5] {
      #expect(
        try Team.with(threads: threads) { () throws in try resized(large, .down, s, factor: 0.25) } == down)
      #expect(try Team.with(threads: threads) { () throws in try resized(small, .up, s, factor: 3) } == up)
    }
  }

  @Test func sizesThatDoNotFitAreRefused() throws {
    let x: [Float] = [1]
    var y = [Float](repeating: 0, count: 4)
    for sizes in [(1, 1, 1, 2), (-1, 1, 1, 1), (Int.max, 2, 1, 1)] {
      #expect(throws: KernelError.self) {
        var span = y.mutableSpan
        try resample(x.span, .up, smaller: sizes, into: &span)
      }
    }
    y = []
  }
}
