import Foundation
import PenchantKernels
import TestSupport
import Testing

@Suite struct RandomTests {
  private func words(_ counter: (UInt32, UInt32, UInt32, UInt32), key: (UInt32, UInt32)) -> [UInt32] {
    let (a, b, c, d) = philox(counter, key: key)
    return [a, b, c, d]
  }

  /// The vectors that the authors publish with the generator (Random123, kat_vectors).
  @Test func philoxGivesThePublishedWords() {
    #expect(words((0, 0, 0, 0), key: (0, 0)) == [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8])
    let ones = UInt32.max
    #expect(
      words((ones, ones, ones, ones), key: (ones, ones)) == [
        0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd,
      ])
    #expect(
      words((0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344), key: (0xa409_3822, 0x299f_31d0))
        == [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1])
  }

  /// The order of draws that csrc/base/philox.h states, from the bare generator.
  @Test func uniformDrawsAreTheWordsInTheStatedOrder() throws {
    var draws = RandomStream(seed: 0x1234_5678_9abc_def0, stream: 0xfeed_0000_0007, next: 61)
    for (offset, value) in try draws.uniforms(200).enumerated() {
      let index = 61 + offset
      let counter = UInt64(index / 64 * 16 + index % 16)
      let drawn = words(
        (UInt32(truncatingIfNeeded: counter), UInt32(counter >> 32), 0x0000_0007, 0xfeed),
        key: (0x9abc_def0, 0x1234_5678))
      #expect(value == Float(drawn[index % 64 / 16] >> 8) * 0x1p-24)
    }
  }

  @Test(arguments: [1, 2, 3, 5, 8]) func drawsDoNotDependOnThreadsOrOnHowCallsAreCut(_ threads: Int) throws {
    var whole = RandomStream(seed: 9, stream: 4)
    let expected = try Team.with(threads: 1) { () throws in try whole.normals(20_011) }
    var parts = RandomStream(seed: 9, stream: 4)
    var got: [Float] = []
    try Team.with(threads: threads) { () throws in
      for count in [1, 63, 64, 65, 4095, 4097, 11_626] { got += try parts.normals(count) }
    }
    #expect(bits(got) == bits(expected))
    #expect(parts == whole)
  }

  @Test func uniformMomentsAreRight() throws {
    var stream = RandomStream(seed: testSeed, stream: 1)
    let x = try stream.uniforms(200_000)
    #expect(x.allSatisfy { $0 >= 0 && $0 < 1 })
    let allowed = 5 * (1.0 / 12 / 200_000).squareRoot()
    #expect(abs(mean(x.span) - 0.5) < allowed)
    // Chi squared over 64 cells: 63 degrees of freedom, 5 deviations.
    var cells = [Int](repeating: 0, count: 64)
    for value in x { cells[Int(value * 64)] += 1 }
    let expected = 200_000.0 / 64
    let chi = cells.reduce(0.0) { $0 + pow(Double($1) - expected, 2) / expected }
    #expect(abs(chi - 63) < 5 * (2 * 63.0).squareRoot())
  }

  @Test func normalMomentsAreRight() throws {
    var stream = RandomStream(seed: testSeed, stream: 2)
    let x = try stream.normals(200_000)
    let n = Double(x.count)
    #expect(abs(mean(x.span)) < 5 / n.squareRoot())
    #expect(abs(sumOfSquares(x.span) / n - 1) < 5 * (2 / n).squareRoot())
    let fourth = x.reduce(0) { $0 + pow(Double($1), 4) } / n
    let allowed = 5 * (96 / n).squareRoot()
    #expect(abs(fourth - 3) < allowed)
    #expect(x.allSatisfy { abs($0) < 6.8 })
    for limit in [-2, -1, 0, 1, 2] as [Double] {
      let share = Double(x.count { Double($0) < limit }) / n
      let p = 0.5 * erfc(-limit / 2.0.squareRoot())
      let allowed = 5 * (p * (1 - p) / n).squareRoot()
      #expect(abs(share - p) < allowed)
    }
  }

  @Test func streamsAndSeedsAreUnrelated() throws {
    var streams = [(1, 0), (1, 1), (2, 0), (1, 1 << 40)].map {
      RandomStream(seed: UInt64($0.0), stream: UInt64($0.1))
    }
    let draws = try streams.indices.map { try streams[$0].normals(50_000) }
    for i in draws.indices {
      for j in 0..<i {
        let (a, b) = (draws[i], draws[j])
        #expect(abs(try dot(a.span, b.span)) < 5 * 50_000.0.squareRoot())
      }
    }
  }

  @Test(arguments: [1, 2, 3, 10, 1000, 3_000_000_000, UInt32.max]) func integersAreBelowTheBoundAndEven(
    _ bound: UInt32
  ) throws {
    var stream = RandomStream(seed: testSeed, stream: 3)
    var y = [UInt32](repeating: 0, count: 30_000)
    var span = y.mutableSpan
    try stream.integers(below: bound, into: &span)
    #expect(y.allSatisfy { $0 < bound })
    let mean = y.reduce(0) { $0 + Double($1) } / 30_000
    let deviation = Double(bound) / 12.0.squareRoot() / 30_000.0.squareRoot()
    let middle = Double(bound - 1) / 2
    #expect(abs(mean - middle) <= 5 * deviation)
  }

  @Test func bernoulliIsTheUniformDrawBelowP() throws {
    var mask = [UInt8](repeating: 9, count: 1003)
    var span = mask.mutableSpan
    var stream = RandomStream(seed: 5, stream: 6, next: 3)
    try stream.bernoulli(0.3, into: &span)
    var draws = RandomStream(seed: 5, stream: 6, next: 3)
    let expected: [UInt8] = try draws.uniforms(1003).map { $0 < 0.3 ? 1 : 0 }
    #expect(mask == expected)
    #expect(throws: KernelError.self) {
      var mask = [UInt8](repeating: 0, count: 1)
      var span = mask.mutableSpan
      try stream.bernoulli(.nan, into: &span)
    }
  }

  @Test(arguments: [0, 1, 2, 3, 100, 4097]) func permutationHoldsEveryPlaceOnce(_ count: Int) throws {
    let order = try permutation(count, seed: testSeed, stream: 11)
    let places = Array(0..<UInt32(count))
    #expect(order.sorted() == places)
    let again = try Team.with(threads: 5) { () throws in try permutation(count, seed: testSeed, stream: 11) }
    #expect(order == again)
  }

  /// All 24 orders of four places, 48,000 times: 23 degrees of freedom, 5 deviations.
  @Test func everyOrderIsEquallyLikely() throws {
    var counts: [[UInt32]: Int] = [:]
    for stream in 0..<48_000 {
      counts[try permutation(4, seed: testSeed, stream: UInt64(stream)), default: 0] += 1
    }
    #expect(counts.count == 24)
    let chi = counts.values.reduce(0.0) { $0 + pow(Double($1) - 2000, 2) / 2000 }
    #expect(abs(chi - 23) < 5 * 46.0.squareRoot())
  }
}
