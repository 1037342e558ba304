import Foundation
import PenchantKernels
import TestSupport
import Testing

@Suite struct TimeEmbeddingTests {
  private func embedded(
    _ times: [Double], _ width: Int, shift: Double = 0, cosineFirst: Bool = true, period: Double = 10_000
  ) throws -> [Float] {
    try filled(times.count * width) { y throws in
      try timeEmbedding(
        times.span, width: width, period: period, shift: shift, cosineFirst: cosineFirst, into: &y)
    }
  }

  @Test(arguments: [2, 3, 16, 65, 320], [(0.0, true), (0.0, false), (0.5, true), (0.5, false)])
  func matchesTheFormula(_ width: Int, _ form: (shift: Double, cosineFirst: Bool)) throws {
    let (shift, cosineFirst) = form
    let times = [0, 1, 999, -20, 0.5, 1e6]
    let y = try embedded(times, width, shift: shift, cosineFirst: cosineFirst)
    let half = width / 2
    for (i, time) in times.enumerated() {
      for j in 0..<half {
        let angle = time * pow(10_000, -Double(j) / (Double(half) - shift))
        let (first, second) = (y[i * width + j], y[i * width + half + j])
        // The angle has the error of its frequency, one part in 2^52.
        let bound = 0x1p-24 + abs(angle) * 0x1p-50
        #expect(abs(Double(cosineFirst ? first : second) - cos(angle)) <= bound)
        #expect(abs(Double(cosineFirst ? second : first) - sin(angle)) <= bound)
      }
      if width % 2 == 1 { #expect(y[i * width + width - 1] == 0) }
    }
  }

  @Test func timeZeroIsOnesAndZeros() throws {
    #expect(try embedded([0], 6) == [1, 1, 1, 0, 0, 0])
    #expect(try embedded([0], 6, cosineFirst: false) == [0, 0, 0, 1, 1, 1])
    #expect(try embedded([], 6).isEmpty)
    #expect(try embedded([5], 0).isEmpty)
    #expect(try embedded([5], 1) == [0])
  }

  @Test func numbersOutOfRangeAreRefused() {
    #expect(throws: KernelError.self) { try embedded([.nan], 4) }
    #expect(throws: KernelError.self) { try embedded([.infinity], 4) }
    #expect(throws: KernelError.self) { try embedded([1], 2, shift: 1) }
    #expect(throws: KernelError.self) { try embedded([1], 4, period: 0) }
    #expect(throws: KernelError.self) { try embedded([1], 4, period: -.infinity) }
    #expect(throws: KernelError.self) {
      let times = [1.0]
      var y: [Float] = [0]
      var span = y.mutableSpan
      try timeEmbedding(times.span, width: 2, into: &span)
    }
  }
}
