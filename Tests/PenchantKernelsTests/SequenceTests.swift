import Foundation
import PenchantKernels
import TestSupport
import Testing

/// A case of attention: shape, and how rows are left out.
private struct Batch {
  enum Kind: Int { case padded, ragged, leftPadded, holes }

  let shape: SequenceShape
  let kind: Kind
  let offsets: [UInt32]
  let mask: [UInt8]?

  /// `[sequences, length, heads, headWidth, causal, kind]`.
  init(_ numbers: [Int]) {
    let shape = SequenceShape(
      sequences: numbers[0], length: numbers[1], heads: numbers[2], headWidth: numbers[3],
      isCausal: numbers[4] == 1)
    let kind = Kind(rawValue: numbers[5]) ?? .padded
    self.shape = shape
    self.kind = kind
    var ends: [UInt32] = [0]
    for s in 0..<shape.sequences {
      // Ragged: full, empty, one row, then something between.
      let length =
        kind == .ragged
        ? [shape.length, 0, min(1, shape.length), (shape.length + 1) / 2][s % 4] : shape.length
      ends.append(ends[s] + UInt32(length))
    }
    offsets = ends
    let rows = Int(ends[shape.sequences])
    switch kind {
    case .padded, .ragged: mask = nil
    // The first sequence is dropped altogether, the others lose rows at the left.
    case .leftPadded:
      mask = (0..<rows).map {
        $0 % shape.length >= ($0 < shape.length ? shape.length : shape.length / 3) ? 1 : 0
      }
    case .holes: mask = (0..<rows).map { $0 % 3 == 1 ? 0 : 1 }
    }
  }

  var rows: Int { Int(offsets[shape.sequences]) }
  var width: Int { shape.heads * shape.headWidth }

  func forward(_ qkv: [Float]) throws -> (output: [Float], logSums: [Float]) {
    var logSums = [Float](repeating: .nan, count: rows * shape.heads)
    let output = try filled(rows * width) { (out: inout MutableSpan<Float>) throws in
      var sums = logSums.mutableSpan
      try sequenceAttention(
        shape, offsets: kind == .ragged ? offsets.span : nil, mask: mask?.span, qkv: qkv.span, into: &out,
        logSums: &sums)
    }
    return (output, logSums)
  }

  func gradient(_ qkv: [Float], _ upstream: [Float]) throws -> [Float] {
    let (output, logSums) = try forward(qkv)
    return try filled(qkv.count) { (out: inout MutableSpan<Float>) throws in
      try sequenceAttentionGradient(
        shape, offsets: kind == .ragged ? offsets.span : nil, mask: mask?.span, qkv: qkv.span,
        output: output.span,
        logSums: logSums.span, outputGradient: upstream.span, into: &out)
    }
  }

  /// From the formula.
  func reference(_ qkv: [Double]) -> (output: [Double], logSums: [Double]) {
    var output = [Double](repeating: 0, count: rows * width)
    var logSums = [Double](repeating: -.infinity, count: rows * shape.heads)
    let scale = 1 / Double(max(shape.headWidth, 1)).squareRoot()
    func at(_ row: Int, _ part: Int, _ head: Int, _ j: Int) -> Double {
      qkv[row * 3 * width + part * width + head * shape.headWidth + j]
    }
    for s in 0..<shape.sequences {
      for head in 0..<shape.heads {
        for i in Int(offsets[s])..<Int(offsets[s + 1]) where mask?[i] != 0 {
          let keys = (Int(offsets[s])..<Int(offsets[s + 1])).filter {
            mask?[$0] != 0 && !(shape.isCausal && $0 > i)
          }
          let scores = keys.map { key in
            scale * (0..<shape.headWidth).reduce(0) { $0 + at(i, 0, head, $1) * at(key, 1, head, $1) }
          }
          let top = scores.max() ?? 0
          let sum = scores.reduce(0) { $0 + exp($1 - top) }
          logSums[head * rows + i] = top + log(sum)
          for (key, score) in zip(keys, scores) {
            for j in 0..<shape.headWidth {
              output[i * width + head * shape.headWidth + j] += exp(score - top) / sum * at(key, 2, head, j)
            }
          }
        }
      }
    }
    return (output, logSums)
  }
}

/// `[sequences, length, heads, headWidth, causal, kind]`.
private let attentionShapes = [
  [0, 4, 2, 8, 0, 0], [2, 0, 1, 4, 0, 0], [1, 1, 1, 1, 1, 0], [2, 3, 2, 5, 0, 0], [1, 2, 1, 16, 1, 3],
  [4, 5, 1, 3, 1, 1], [2, 6, 2, 4, 0, 2], [2, 7, 1, 5, 1, 3], [1, 15, 1, 16, 1, 0], [2, 16, 1, 16, 0, 2],
  [1, 17, 2, 16, 1, 2], [5, 33, 1, 32, 1, 1], [1, 50, 1, 64, 1, 0], [1, 63, 1, 16, 0, 3],
  [1, 64, 1, 17, 1, 0],
  [1, 65, 1, 16, 1, 0], [2, 70, 2, 20, 0, 3], [1, 129, 1, 32, 0, 0], [1, 130, 1, 16, 1, 3],
  [1, 40, 1, 80, 1, 0],
  [1, 193, 1, 16, 1, 0],
]

extension OpCase {
  fileprivate static let sequenceAttention = OpCase(
    "Sequence_attention",
    shapes: attentionShapes,
    inputs: [.uniform, .logNormal, .smallIntegers],
    counts: { [Batch($0).rows * 3 * Batch($0).width] },
    call: { shape, inputs in
      let (output, logSums) = try Batch(shape).forward(inputs[0])
      return [output, logSums]
    },
    reference: { shape, inputs in
      let (output, logSums) = Batch(shape).reference(inputs[0])
      return [output, logSums]
    },
    tolerance: .close(relative: 1e-5, absolute: 1e-4))

  fileprivate static let sequenceGradient = OpCase(
    "Sequence_gradient", shapes: attentionShapes, inputs: [.uniform(-2, 2)],
    counts: { [Batch($0).rows * 3 * Batch($0).width] },
    call: { shape, inputs in [try Batch(shape).forward(inputs[0]).output] },
    reference: { shape, inputs in [Batch(shape).reference(inputs[0]).output] },
    gradient: { shape, inputs, upstream in [try Batch(shape).gradient(inputs[0], upstream[0])] },
    tolerance: .close(relative: 2e-6, absolute: 2e-6),
    gradientTolerance: .close(relative: 1e-4, absolute: 1e-5))
}

@Suite struct SequenceTests {
  @Test(arguments: [OpCase.sequenceAttention, .sequenceGradient]) func matchesReference(_ op: OpCase) throws {
    try op.compare()
  }

  @Test func gradientIsRight() throws {
    try OpCase.sequenceGradient.checkGradient(places: 4, largest: 7000)
  }

  @Test(arguments: [2, 3, 5]) func sameBits(_ threads: Int) throws {
    try OpCase.sequenceGradient.checkBits(threads)
  }

  /// Rows that take part give the bits of a batch in which the others do not exist.
  @Test(arguments: [16, 10], [0, 1]) func droppedRowsDoNotExist(_ width: Int, _ causal: Int) throws {
    let batch = Batch([2, 21, 2, width, causal, Batch.Kind.holes.rawValue])
    let mask = try #require(batch.mask)
    var generator = TestGenerator(stream: "dropped")
    var qkv = generator.floats(batch.rows * 3 * batch.width, .uniform)
    let kept = mask.indices.filter { mask[$0] == 1 }
    for row in mask.indices where mask[row] == 0 {
      for j in 0..<3 * batch.width { qkv[row * 3 * batch.width + j] = .nan }
    }
    let (output, logSums) = try batch.forward(qkv)
    let upstream = generator.floats(output.count, .uniform)
    let gradient = try batch.gradient(qkv, upstream)

    let ends = [0, UInt32(kept.count { $0 < 21 }), UInt32(kept.count)]
    func rows(_ x: [Float], _ width: Int) -> [Float] {
      kept.flatMap { Array(x[$0 * width..<($0 + 1) * width]) }
    }
    let some = rows(qkv, 3 * batch.width)
    var sums = [Float](repeating: 0, count: kept.count * 2)
    let alone = try filled(kept.count * batch.width) { (out: inout MutableSpan<Float>) throws in
      var span = sums.mutableSpan
      try sequenceAttention(batch.shape, offsets: ends.span, qkv: some.span, into: &out, logSums: &span)
    }
    let aloneGradient = try filled(some.count) { (out: inout MutableSpan<Float>) throws in
      try sequenceAttentionGradient(
        batch.shape, offsets: ends.span, qkv: some.span, output: alone.span, logSums: sums.span,
        outputGradient: rows(upstream, batch.width).span, into: &out)
    }
    #expect(bits(rows(output, batch.width)) == bits(alone))
    #expect(bits(rows(gradient, 3 * batch.width)) == bits(aloneGradient))
    for row in mask.indices where mask[row] == 0 {
      #expect(output[row * batch.width..<(row + 1) * batch.width].allSatisfy { $0 == 0 })
      #expect(gradient[row * 3 * batch.width..<(row + 1) * 3 * batch.width].allSatisfy { $0 == 0 })
      #expect(logSums[row] == -.infinity)
    }
  }

  @Test func aNaNQuerySpoilsItsRowOnly() throws {
    let batch = Batch([1, 20, 1, 16, 0, 0])
    var generator = TestGenerator(stream: "nan")
    var qkv = generator.floats(20 * 48, .uniform)
    let clean = try batch.forward(qkv).output
    qkv[7 * 48 + 3] = .nan
    let spoilt = try batch.forward(qkv).output
    for row in 0..<20 {
      let (before, after) = (clean[row * 16..<row * 16 + 16], spoilt[row * 16..<row * 16 + 16])
      #expect(row == 7 ? after.allSatisfy { $0.isNaN } : before == after)
    }
  }

  @Test func hugeScoresDoNotOverflow() throws {
    let batch = Batch([1, 3, 1, 1, 0, 0])
    let (output, logSums) = try batch.forward([1e19, 1e19, 1, -1e19, -1e19, 2, 0, 0, 3])
    #expect(output[0] == 1 && output[1] == 2 && abs(output[2] - 2) < 1e-6 && abs(logSums[2] - log(3)) < 1e-6)
  }

  @Test func offsetsThatDoNotFitAreRefused() {
    let shape = SequenceShape(sequences: 2, length: 3, heads: 1, headWidth: 2)
    for offsets in [[0, 2, 1], [1, 2, 3], [0, 4, 5]] as [[UInt32]] {
      let rows = Int(offsets[2])
      #expect(throws: KernelError.self) {
        var sums = [Float](repeating: 0, count: rows)
        _ = try filled(rows * 2) { (out: inout MutableSpan<Float>) throws in
          var span = sums.mutableSpan
          try sequenceAttention(
            shape, offsets: offsets.span, qkv: [Float](repeating: 1, count: rows * 6).span, into: &out,
            logSums: &span)
        }
      }
    }
  }

  @Test func countsThatDoNotFitNameTheNumbers() {
    let shape = SequenceShape(sequences: 2, length: 3, heads: 1, headWidth: 2)
    #expect(throws: KernelError.shape("sequenceAttention", "qkv has 35 values, 36 expected")) {
      var sums = [Float](repeating: 0, count: 6)
      _ = try filled(12) { (out: inout MutableSpan<Float>) throws(KernelError) in
        var span = sums.mutableSpan
        try sequenceAttention(shape, qkv: [Float](repeating: 1, count: 35).span, into: &out, logSums: &span)
      }
    }
  }
}
