import Foundation
import TestSupport
import Testing

@testable import PenchantKernels

/// A small encoder with random weights and its forward pass in double, written from the formula.
private struct TinyEncoder {
  var shape: EncoderShape
  var words: [Float]
  var positions: [Float]
  var normScale: [Float]
  var normShift: [Float]
  var layers: [EncoderLayer]

  init(_ shape: EncoderShape, stream: String) {
    var generator = TestGenerator(stream: stream)
    func values(_ count: Int, around center: Float = 0, by scale: Float = 0.3) -> [Float] {
      (0..<count).map { _ in center + scale * Float(generator.normal()) }
    }
    let (d, f) = (shape.width, shape.inner)
    self.shape = shape
    words = values(shape.vocabulary * d, by: 1)
    positions = values(shape.positions * d)
    normScale = values(d, around: 1)
    normShift = values(d)
    layers = (0..<shape.layers).map { _ in
      EncoderLayer(
        queryKeyValue: values(3 * d * d), queryKeyValueBias: values(3 * d), output: values(d * d),
        outputBias: values(d),
        attentionNormScale: values(d, around: 1), attentionNormShift: values(d), up: values(f * d),
        upBias: values(f),
        down: values(d * f), downBias: values(d), normScale: values(d, around: 1), normShift: values(d))
    }
  }

  func network() throws -> EncoderNetwork {
    try EncoderNetwork(
      shape, words: words, positions: positions, normScale: normScale, normShift: normShift, layers: layers)
  }

  func reference(_ tokens: [UInt32], _ pooling: EncoderPooling, normalise: Bool) -> [Double] {
    let d = shape.width
    guard !tokens.isEmpty else { return [Double](repeating: 0, count: d) }
    func norm(_ x: [Double], _ scale: [Float], _ shift: [Float]) -> [Double] {
      let mean = x.reduce(0, +) / Double(d)
      let variance = x.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(d)
      return x.indices.map {
        (x[$0] - mean) / (variance + Double(shape.epsilon)).squareRoot() * Double(scale[$0])
          + Double(shift[$0])
      }
    }
    func linear(_ x: [Double], _ weights: [Float], _ bias: [Float]) -> [Double] {
      bias.indices.map { row in
        x.indices.reduce(Double(bias[row])) { $0 + Double(weights[row * x.count + $1]) * x[$1] }
      }
    }
    func activate(_ x: Double) -> Double {
      switch shape.activation {
      case .gelu: x * 0.5 * erfc(-x / 2.0.squareRoot())
      case .geluTanh: 0.5 * x * (1 + tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
      case .relu: max(x, 0)
      case .silu: x / (1 + exp(-x))
      case .tanh: tanh(x)
      case .sigmoid: 1 / (1 + exp(-x))
      case .none: x
      }
    }
    var rows = tokens.enumerated().map { place, token in
      norm(
        (0..<d).map { Double(words[Int(token) * d + $0]) + Double(positions[place * d + $0]) }, normScale,
        normShift)
    }
    let head = d / shape.heads
    for layer in layers {
      let mixed = rows.map { linear($0, layer.queryKeyValue, layer.queryKeyValueBias) }
      rows = rows.indices.map { i in
        var context = [Double](repeating: 0, count: d)
        for h in 0..<shape.heads {
          let at = h * head
          let scores = mixed.map { key in
            (0..<head).reduce(0) { $0 + mixed[i][at + $1] * key[d + at + $1] } / Double(head).squareRoot()
          }
          let top = scores.max() ?? 0
          let shares = scores.map { exp($0 - top) }
          let sum = shares.reduce(0, +)
          for (j, share) in shares.enumerated() {
            for c in 0..<head { context[at + c] += share / sum * mixed[j][2 * d + at + c] }
          }
        }
        let attended = linear(context, layer.output, layer.outputBias)
        let middle = norm(
          zip(rows[i], attended).map { $0 + $1 }, layer.attentionNormScale, layer.attentionNormShift)
        let inner = linear(middle, layer.up, layer.upBias).map(activate)
        return norm(
          zip(middle, linear(inner, layer.down, layer.downBias)).map { $0 + $1 }, layer.normScale,
          layer.normShift)
      }
    }
    var vector = rows[0]
    if pooling == .mean { vector = (0..<d).map { c in rows.reduce(0) { $0 + $1[c] } / Double(rows.count) } }
    guard normalise else { return vector }
    let length = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
    return vector.map { $0 / length }
  }

  /// Sequences of the given lengths with random tokens.
  func batch(_ lengths: [Int], stream: String) -> (tokens: [UInt32], offsets: [UInt32]) {
    var generator = TestGenerator(stream: stream)
    var offsets: [UInt32] = [0]
    for length in lengths { offsets.append(offsets[offsets.count - 1] + UInt32(length)) }
    let tokens = (0..<Int(offsets[lengths.count])).map { _ in
      UInt32.random(in: 0..<UInt32(shape.vocabulary), using: &generator)
    }
    return (tokens, offsets)
  }
}

struct EncoderTests {
  private static let shapes = [
    EncoderShape(width: 8, heads: 2, inner: 16, layers: 2, vocabulary: 11, positions: 40),
    EncoderShape(
      width: 48, heads: 3, inner: 33, layers: 1, vocabulary: 5, positions: 40, activation: .geluTanh),
    EncoderShape(
      width: 15, heads: 5, inner: 7, layers: 3, vocabulary: 30, positions: 40, epsilon: 1e-5,
      activation: .silu),
    EncoderShape(width: 17, heads: 1, inner: 1, layers: 1, vocabulary: 1, positions: 40, activation: .relu),
    EncoderShape(width: 4, heads: 4, inner: 3, layers: 0, vocabulary: 9, positions: 40),
  ]

  @Test(arguments: shapes, [EncoderPooling.mean, .first]) func matchesTheFormula(
    _ shape: EncoderShape, _ pooling: EncoderPooling
  ) throws {
    let tiny = TinyEncoder(shape, stream: "encoder \(shape.width)")
    let network = try tiny.network()
    let lengths = [3, 1, 0, 40, 17, 2, 0, 33, 16]
    let (tokens, offsets) = tiny.batch(lengths, stream: "tokens")
    for normalise in [false, true] {
      let output = try network.encode(
        tokens: tokens, offsets: offsets, pooling: pooling, normalise: normalise)
      #expect(output.count == lengths.count * shape.width)
      for s in lengths.indices {
        let expected = tiny.reference(
          Array(tokens[Int(offsets[s])..<Int(offsets[s + 1])]), pooling, normalise: normalise)
        for column in 0..<shape.width {
          #expect(abs(Double(output[s * shape.width + column]) - expected[column]) < 2e-4)
        }
      }
    }
  }

  @Test func anyNumberOfThreadsGivesTheSameBits() throws {
    let tiny = TinyEncoder(Self.shapes[0], stream: "bits")
    let network = try tiny.network()
    let (tokens, offsets) = tiny.batch((0..<60).map { ($0 * 7) % 41 }, stream: "bits")
    let one = try Team.with(threads: 1) { try network.encode(tokens: tokens, offsets: offsets) }
    for threads in [2, 3, 5] {
      let many = try Team.with(threads: threads) { try network.encode(tokens: tokens, offsets: offsets) }
      #expect(many.map(\.bitPattern) == one.map(\.bitPattern))
    }
  }

  /// A text's vector does not depend on what else is encoded, beyond rounding.
  @Test func otherSequencesDoNotMatter() throws {
    let tiny = TinyEncoder(Self.shapes[1], stream: "alone")
    let network = try tiny.network()
    let (tokens, offsets) = tiny.batch([5, 40, 12, 31], stream: "alone")
    let together = try network.encode(tokens: tokens, offsets: offsets)
    for s in 0..<4 {
      let own = Array(tokens[Int(offsets[s])..<Int(offsets[s + 1])])
      let alone = try network.encode(tokens: own, offsets: [0, UInt32(own.count)])
      for column in 0..<tiny.shape.width {
        #expect(abs(alone[column] - together[s * tiny.shape.width + column]) < 1e-5)
      }
    }
  }

  @Test func wrongInputIsRefused() throws {
    let tiny = TinyEncoder(Self.shapes[0], stream: "wrong")
    let network = try tiny.network()
    #expect(throws: KernelError.self) { try network.encode(tokens: [11], offsets: [0, 1]) }
    #expect(throws: KernelError.self) { try network.encode(tokens: [1], offsets: [0, 2]) }
    #expect(throws: KernelError.self) { try network.encode(tokens: [1, 1], offsets: [0, 3, 2]) }
    #expect(throws: KernelError.self) { try network.encode(tokens: [1], offsets: [1, 1]) }
    #expect(throws: KernelError.self) { try network.encode(tokens: [1], offsets: []) }
    #expect(throws: KernelError.self) {
      try network.encode(tokens: [UInt32](repeating: 0, count: 41), offsets: [0, 41])
    }
    #expect(try network.encode(tokens: [], offsets: [0]) == [])
    var short = tiny
    short.layers[1].down.removeLast()
    #expect(throws: KernelError.self) { try short.network() }
    short = tiny
    short.shape.heads = 3
    #expect(throws: KernelError.self) { try short.network() }
  }
}
