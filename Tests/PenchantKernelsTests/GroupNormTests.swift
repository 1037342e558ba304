import Foundation
import PenchantKernels
import TestSupport
import Testing

/// Pictures, pixels, channels, groups.
private let groupShapes: [[Int]] = [
  [0, 4, 4, 2], [2, 0, 4, 2], [1, 1, 2, 1], [1, 2, 1, 1], [2, 3, 6, 3], [1, 5, 17, 17], [2, 7, 20, 4],
  [1, 16, 32, 8], [3, 9, 65, 5], [1, 4, 160, 16], [2, 3, 130, 2], [1, 3, 300, 1], [2, 2, 272, 16],
  [1, 3, 256, 256],
  [5, 64, 16, 8],
]

private func shape(_ s: [Int], silu: Bool) -> GroupNormShape {
  GroupNormShape(pictures: s[0], pixels: s[1], channels: s[2], groups: s[3], epsilon: 0.125, silu: silu)
}

private enum Exact {
  static func run(_ s: GroupNormShape, _ x: [Double], _ gain: [Double], _ bias: [Double], _ film: [Double]?)
    -> [Double]
  {
    let each = s.channels / s.groups
    var y = x
    for b in 0..<s.pictures {
      for g in 0..<s.groups {
        let places = (0..<s.pixels * each).map {
          (b * s.pixels + $0 / each) * s.channels + g * each + $0 % each
        }
        let mean = places.reduce(0) { $0 + x[$1] } / Double(places.count)
        let variance = places.reduce(0) { $0 + (x[$1] - mean) * (x[$1] - mean) } / Double(places.count)
        for i in places {
          let c = i % s.channels
          var z = (x[i] - mean) / (variance + Double(s.epsilon)).squareRoot() * gain[c] + bias[c]
          if let film {
            z = z * (1 + film[b * 2 * s.channels + c]) + film[(b * 2 + 1) * s.channels + c]
          }
          y[i] = s.silu ? z / (1 + exp(-z)) : z
        }
      }
    }
    return y
  }
}

private struct Gradients {
  var x: [Float]
  var gain: [Float]
  var bias: [Float]
  var film: [Float]
}

private func run(_ s: GroupNormShape, _ inputs: [[Float]]) throws -> (
  y: [Float], mean: [Float], rstd: [Float]
) {
  let (x, gain, bias) = (inputs[0], inputs[1], inputs[2])
  let film: [Float]? = inputs.count > 3 ? inputs[3] : nil
  var y = x
  var mean = [Float](repeating: .nan, count: s.pictures * s.groups)
  var rstd = mean
  do {
    var ys = y.mutableSpan
    var means = mean.mutableSpan
    var rstds = rstd.mutableSpan
    try groupNorm(
      s, x.span, gain: gain.span, bias: bias.span, film: film?.span, into: &ys, mean: &means, rstd: &rstds)
  }
  return (y, mean, rstd)
}

private func gradient(_ s: GroupNormShape, _ inputs: [[Float]], _ dy: [Float], through: [Float]? = nil) throws
  -> Gradients
{
  let (_, mean, rstd) = try run(s, inputs)
  let (x, gain, bias) = (inputs[0], inputs[1], inputs[2])
  let film: [Float]? = inputs.count > 3 ? inputs[3] : nil
  var (gx, ggain, gbias) = (x, gain, bias)
  var gfilm = [Float](repeating: .nan, count: 2 * s.pictures * s.channels)
  do {
    var dx = gx.mutableSpan
    var dgain = ggain.mutableSpan
    var dbias = gbias.mutableSpan
    var dfilm = gfilm.mutableSpan
    try groupNormGradient(
      s, x.span, gain: gain.span, bias: bias.span, film: film?.span, mean: mean.span, rstd: rstd.span,
      upstream: dy.span, throughX: through?.span, into: &dx, gain: &dgain, bias: &dbias, film: &dfilm)
  }
  return Gradients(x: gx, gain: ggain, bias: gbias, film: gfilm)
}

extension OpCase {
  private static func groupNorm(_ name: String, silu: Bool, film: Bool) -> OpCase {
    OpCase(
      // Far below zero SiLU is z e^z, which turns an error of z into a relative one: no gains of 256 there.
      name, shapes: groupShapes,
      inputs: [.uniform, .uniform(1000, 1001), .logNormal] + (silu ? [] : [.exactPowersOfTwo]),
      gradientInputs: .uniform(-2, 2),
      counts: { s in [s[0] * s[1] * s[2], s[2], s[2]] + (film ? [2 * s[0] * s[2]] : []) },
      call: { s, inputs in [try run(shape(s, silu: silu), inputs).y] },
      reference: { s, x in
        [Exact.run(shape(s, silu: silu), x[0], x[1], x[2], film ? x[3] : nil)]
      },
      gradient: { s, inputs, upstream in
        let g = try gradient(shape(s, silu: silu), inputs, upstream[0])
        return [g.x, g.gain, g.bias] + (film ? [g.film] : [])
      }, tolerance: .ulpOfLargest(6), gradientTolerance: .close(relative: 2e-5, absolute: 5e-5))
  }

  static let groupNorms: [OpCase] = [
    groupNorm("groupNorm_f32", silu: false, film: false),
    groupNorm("groupNormSiLU_f32", silu: true, film: false),
    groupNorm("groupNormFiLM_f32", silu: false, film: true),
    groupNorm("groupNormFiLMSiLU_f32", silu: true, film: true),
  ]
}

@Suite struct GroupNormTests {
  @Test(arguments: OpCase.groupNorms) func matchesReference(_ op: OpCase) throws { try op.compare() }
  @Test(arguments: OpCase.groupNorms) func gradientIsRight(_ op: OpCase) throws { try op.checkGradient() }
  @Test(arguments: OpCase.groupNorms, [2, 3, 5]) func sameBits(_ op: OpCase, _ threads: Int) throws {
    try op.checkBits(threads)
  }

  /// The smallest and largest arguments, where e^z leaves the range of floats.
  @Test func siluHoldsAtItsEnds() throws {
    let s = GroupNormShape(pictures: 1, pixels: 2, channels: 4, groups: 4, epsilon: 0, silu: true)
    // x = ±1 is already normalised: z = ±gain.
    let gain: [Float] = [1e-30, 30, 90, 3e38]
    let x: [Float] = [1, 1, 1, 1, -1, -1, -1, -1]
    let zeros = [Float](repeating: 0, count: 4)
    let y = try run(s, [x, gain, zeros]).y
    for (value, z) in zip(y, (gain + gain.map { -$0 }).map(Double.init)) {
      #expect(ulps(value, z / (1 + exp(-z)), scale: 1e-37) <= 4, "\(value) at \(z)")
    }
    let g = try gradient(s, [x, gain, zeros], [Float](repeating: 1, count: 8))
    #expect(g.bias.allSatisfy(\.isFinite) && g.film.allSatisfy { !$0.isNaN })
    // Slopes of z and -z add up to 1.
    #expect(g.bias.allSatisfy { abs($0 - 1) < 1e-6 })
  }

  @Test func anotherWayToXIsAdded() throws {
    var generator = TestGenerator(stream: "group norm through")
    for sizes in groupShapes {
      let s = shape(sizes, silu: true)
      let n = sizes[0] * sizes[1] * sizes[2]
      let inputs = [n, sizes[2], sizes[2], 2 * sizes[0] * sizes[2]].map { generator.floats($0, .uniform) }
      let (dy, through) = (generator.floats(n, .uniform), generator.floats(n, .smallIntegers))
      let (alone, joined) = (
        try gradient(s, inputs, dy), try gradient(s, inputs, dy, through: through)
      )
      #expect(joined.x == zip(alone.x, through).map { $0 + $1 }, "\(sizes)")
      #expect(joined.gain == alone.gain && joined.bias == alone.bias && joined.film == alone.film)
    }
  }

  @Test func aPictureDoesNotDependOnItsBatch() throws {
    var generator = TestGenerator(stream: "group norm batch")
    let sizes = [9, 12, 20, 4]
    var s = shape(sizes, silu: true)
    let inputs = [9 * 240, 20, 20, 9 * 40].map { generator.floats($0, .uniform) }
    let dy = generator.floats(9 * 240, .uniform)
    let (y, dx) = (try run(s, inputs).y, try gradient(s, inputs, dy).x)
    s.pictures = 1
    for p in 0..<9 {
      let mine = p * 240..<(p + 1) * 240
      let one = [Array(inputs[0][mine]), inputs[1], inputs[2], Array(inputs[3][p * 40..<(p + 1) * 40])]
      #expect(bits(try run(s, one).y) == bits(Array(y[mine])))
      #expect(bits(try gradient(s, one, Array(dy[mine])).x) == bits(Array(dx[mine])))
    }
  }

  @Test func whatIsNotANumberStaysInItsGroup() throws {
    let s = GroupNormShape(pictures: 2, pixels: 3, channels: 6, groups: 3)
    for special in [Float.nan, .infinity] {
      var x = (0..<36).map { Float($0 * $0 % 7) }
      x[20] = special  // picture 1, channel 2: group 1
      let ones = [Float](repeating: 1, count: 6)
      let y = try run(s, [x, ones, ones]).y
      for (i, value) in y.enumerated() {
        #expect(value.isNaN == (i >= 18 && i % 6 / 2 == 1), "place \(i)")
      }
    }
  }

  @Test func shapesThatCannotBeAreRefused() throws {
    for (channels, groups, epsilon) in [
      (6, 4, 1e-5), (6, 0, 1e-5), (6, -2, 1e-5), (6, 3, -1), (6, 3, Double.infinity),
    ] {
      let s = GroupNormShape(
        pictures: 1, pixels: 2, channels: channels, groups: groups, epsilon: Float(epsilon))
      let (x, ones) = ([Float](repeating: 0, count: 12), [Float](repeating: 1, count: 6))
      var (y, mean, rstd) = (x, [Float](repeating: 0, count: 3), [Float](repeating: 0, count: 3))
      #expect(throws: KernelError.self) {
        var ys = y.mutableSpan
        var means = mean.mutableSpan
        var rstds = rstd.mutableSpan
        try groupNorm(s, x.span, gain: ones.span, bias: ones.span, into: &ys, mean: &means, rstd: &rstds)
      }
      (y, mean, rstd) = ([], [], [])
    }
  }
}
