import PenchantKernels
import TestSupport
import Testing

/// Convolutions in Double, from the formula; the padding is zeros that are multiplied.
private enum Exact {
  static func forward(_ s: ConvolutionShape, _ x: [Double], _ w: [Double], _ b: [Double]) -> [Double] {
    let (height, width) = (s.outputHeight ?? 0, s.outputWidth ?? 0)
    var y: [Double] = []
    for picture in 0..<s.pictures {
      for i in 0..<height {
        for j in 0..<width {
          for o in 0..<s.outputs {
            var sum = b[o]
            for u in 0..<s.kernel {
              for v in 0..<s.kernel {
                let (row, column) = (i * s.stride + u - s.padding, j * s.stride + v - s.padding)
                let inside = row >= 0 && row < s.height && column >= 0 && column < s.width
                for c in 0..<s.inputs {
                  let from = ((picture * s.height + row) * s.width + column) * s.inputs + c
                  sum += (inside ? x[from] : 0) * w[((o * s.kernel + u) * s.kernel + v) * s.inputs + c]
                }
              }
            }
            y.append(sum)
          }
        }
      }
    }
    return y
  }

  /// Gradients of x, weight and bias.
  static func backward(_ s: ConvolutionShape, _ dy: [Double], _ x: [Double], _ w: [Double]) -> [[Double]] {
    let (height, width) = (s.outputHeight ?? 0, s.outputWidth ?? 0)
    var dx = [Double](repeating: 0, count: x.count)
    var dw = [Double](repeating: 0, count: w.count)
    var db = [Double](repeating: 0, count: s.outputs)
    for (place, value) in dy.enumerated() {
      let o = place % s.outputs
      let (j, i) = (place / s.outputs % width, place / s.outputs / width % height)
      let picture = place / s.outputs / width / height
      db[o] += value
      for u in 0..<s.kernel {
        for v in 0..<s.kernel {
          let (row, column) = (i * s.stride + u - s.padding, j * s.stride + v - s.padding)
          guard row >= 0, row < s.height, column >= 0, column < s.width else { continue }
          for c in 0..<s.inputs {
            let from = ((picture * s.height + row) * s.width + column) * s.inputs + c
            let tap = ((o * s.kernel + u) * s.kernel + v) * s.inputs + c
            dx[from] += value * w[tap]
            dw[tap] += value * x[from]
          }
        }
      }
    }
    return [dx, dw, db]
  }
}

private func shape(_ s: [Int]) -> ConvolutionShape {
  ConvolutionShape(
    pictures: s[0], height: s[1], width: s[2], inputs: s[3], outputs: s[4], kernel: s[5], stride: s[6],
    padding: s[7])
}

private func counts(_ s: ConvolutionShape) -> [Int] {
  [
    s.pictures * s.height * s.width * s.inputs, s.outputs * s.kernel * s.kernel * s.inputs, s.outputs,
    s.pictures * (s.outputHeight ?? 0) * (s.outputWidth ?? 0) * s.outputs,
  ]
}

private func forward(_ s: ConvolutionShape, _ x: [Float], _ w: [Float], _ b: [Float]?) throws -> [Float] {
  try filled(counts(s)[3]) { y throws in
    try convolution(s, x.span, weight: w.span, bias: b?.span, into: &y)
  }
}

private func backward(_ s: ConvolutionShape, _ dy: [Float], _ x: [Float], _ w: [Float]) throws -> [[Float]] {
  var (dw, db) = (w, [Float](repeating: .nan, count: s.outputs))
  let dx = try filled(x.count) { dx throws in
    try convolutionInputGradient(s, upstream: dy.span, weight: w.span, into: &dx)
  }
  do {
    var dws = dw.mutableSpan
    var dbs = db.mutableSpan
    try convolutionWeightGradient(s, upstream: dy.span, x.span, weight: &dws, bias: &dbs)
  }
  return [dx, dw, db]
}

/// Pictures, height, width, inputs, outputs, kernel, stride, padding: nothing, one pixel, lines below, at and above a tile
/// and a run, channels around vectors, groups of channels and chunks of columns, kernels that overhang, strides above
/// the kernel.
private let convolutionShapes: [[Int]] = [
  [0, 4, 4, 2, 3, 3, 1, 1], [1, 1, 1, 1, 1, 1, 1, 0], [2, 1, 1, 3, 3, 3, 1, 1], [1, 3, 3, 2, 0, 3, 1, 1],
  [1, 3, 3, 0, 2, 3, 1, 1], [2, 4, 4, 5, 6, 3, 1, 1], [1, 5, 7, 3, 5, 3, 1, 1], [3, 7, 7, 2, 17, 3, 1, 1],
  [2, 8, 8, 16, 16, 3, 1, 1], [1, 9, 65, 3, 4, 3, 1, 1], [1, 3, 131, 2, 3, 3, 1, 1],
  [2, 8, 8, 16, 33, 3, 2, 1], [2, 9, 9, 7, 5, 3, 2, 1], [1, 11, 70, 2, 2, 3, 2, 1], [1, 7, 6, 4, 4, 1, 1, 0],
  [1, 7, 6, 4, 4, 1, 2, 0], [1, 7, 6, 4, 4, 2, 3, 2], [1, 10, 10, 2, 2, 3, 4, 1], [1, 3, 3, 2, 2, 1, 5, 0],
  [1, 9, 9, 3, 3, 5, 1, 2], [1, 12, 12, 3, 3, 7, 2, 3], [1, 12, 12, 3, 3, 4, 2, 1], [1, 2, 2, 3, 3, 3, 1, 5],
  [1, 5, 5, 2, 2, 5, 1, 0], [2, 4, 4, 70, 20, 3, 1, 1], [1, 4, 4, 20, 130, 3, 1, 1],
  [1, 4, 5, 3, 200, 3, 1, 1],
  [1, 9, 9, 66, 9, 3, 2, 1],
]

extension OpCase {
  static let convolutions: [OpCase] = [
    OpCase(
      "conv2d_f32", shapes: convolutionShapes, inputs: [.uniform, .logNormal],
      counts: { (s: [Int]) in Array(counts(shape(s)).prefix(3)) },
      call: { s, inputs in [try forward(shape(s), inputs[0], inputs[1], inputs[2])] },
      reference: { s, x in [Exact.forward(shape(s), x[0], x[1], x[2])] },
      gradient: { s, inputs, upstream in try backward(shape(s), upstream[0], inputs[0], inputs[1]) },
      tolerance: .ulpOfLargest(64), gradientTolerance: .close(relative: 1e-5, absolute: 1e-4)),
    OpCase(
      "conv2dExact_f32", shapes: convolutionShapes, inputs: [.smallIntegers],
      counts: { (s: [Int]) in Array(counts(shape(s)).prefix(3)) },
      call: { s, inputs in [try forward(shape(s), inputs[0], inputs[1], inputs[2])] },
      reference: { s, x in [Exact.forward(shape(s), x[0], x[1], x[2])] }, tolerance: .exact),
  ]
}

@Suite struct ConvTests {
  @Test(arguments: OpCase.convolutions) func matchesReference(_ op: OpCase) throws { try op.compare() }
  @Test(arguments: OpCase.convolutions) func gradientIsRight(_ op: OpCase) throws { try op.checkGradient() }
  @Test(arguments: OpCase.convolutions, [2, 3, 5]) func sameBits(_ op: OpCase, _ threads: Int) throws {
    try op.checkBits(threads)
  }

  /// Small integers: every sum is exact, so results and gradients are equal, on every shape of the table and on drawn ones.
  @Test func exactInputsGiveExactGradients() throws {
    var generator = TestGenerator(stream: "conv2d gradients")
    func draw(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &generator) }
    let drawn = (0..<60).map { _ in
      let kernel = draw(1...5)
      return [
        draw(1...3), draw(kernel...18), draw(kernel...40), draw(1...40), draw(1...40), kernel, draw(1...3),
        draw(0...3),
      ]
    }
    let large = [
      [2, 8, 8, 130, 210, 3, 1, 1], [16, 16, 16, 16, 16, 3, 1, 1], [3, 33, 32, 64, 24, 3, 2, 1],
      [1, 20, 131, 70, 20, 3, 2, 1],
    ]
    for sizes in convolutionShapes + drawn + large {
      let s = shape(sizes)
      let n = counts(s)
      let integers = Distribution("integers") { Float(Int.random(in: -3...3, using: &$0)) }
      let (x, w) = (generator.floats(n[0], integers), generator.floats(n[1], integers))
      let (b, dy) = (generator.floats(n[2], integers), generator.floats(n[3], integers))
      let want = Exact.backward(s, dy.map(Double.init), x.map(Double.init), w.map(Double.init))
      let got = try backward(s, dy, x, w)
      for (name, pair) in zip(["dx", "dweight", "dbias"], zip(got, want)) {
        #expect(
          pair.0.map(Double.init) == pair.1, "\(name) of \(sizes), repeat with PENCHANT_SEED=\(testSeed)")
      }
      let y = try forward(s, x, w, b)
      #expect(
        y.map(Double.init) == Exact.forward(s, x.map(Double.init), w.map(Double.init), b.map(Double.init)))
      for threads in [1, 3] {
        let again = try Team.with(threads: threads) { () throws in try backward(s, dy, x, w) }
        #expect(bits(again) == bits(got), "\(sizes) on \(threads) threads")
      }
    }
  }

  @Test func addingGoesOntoWhatIsThere() throws {
    var generator = TestGenerator(stream: "conv2d adding")
    for sizes in convolutionShapes {
      let s = shape(sizes)
      let n = counts(s)
      let (x, w) = (generator.floats(n[0], .smallIntegers), generator.floats(n[1], .smallIntegers))
      let (b, dy) = (generator.floats(n[2], .smallIntegers), generator.floats(n[3], .smallIntegers))
      let base = generator.floats(n[3], .smallIntegers)
      var y = base
      do {
        var span = y.mutableSpan
        try convolution(s, x.span, weight: w.span, bias: b.span, adding: true, into: &span)
      }
      #expect(y == zip(try forward(s, x, w, b), base).map { $0 + $1 }, "\(sizes)")
      var dx = x
      do {
        var span = dx.mutableSpan
        try convolutionInputGradient(s, upstream: dy.span, weight: w.span, adding: true, into: &span)
      }
      #expect(dx == zip(try backward(s, dy, x, w)[0], x).map { $0 + $1 }, "\(sizes)")
      #expect(bits(try forward(s, x, w, nil)) == bits(try forward(s, x, w, b.map { _ in 0 })))
    }
  }

  @Test(arguments: [[5, 4, 4, 20, 18, 3, 1, 1], [5, 9, 9, 20, 18, 3, 2, 1], [7, 5, 5, 70, 3, 3, 1, 1]])
  func aPictureDoesNotDependOnItsBatch(_ sizes: [Int]) throws {
    var generator = TestGenerator(stream: "conv2d batch")
    var s = shape(sizes)
    let n = counts(s)
    let (x, w) = (generator.floats(n[0], .uniform), generator.floats(n[1], .uniform))
    let (b, dy) = (generator.floats(n[2], .uniform), generator.floats(n[3], .uniform))
    let (y, dx) = (try forward(s, x, w, b), try backward(s, dy, x, w)[0])
    let (each, eachOut) = (x.count / s.pictures, y.count / s.pictures)
    let pictures = s.pictures
    s.pictures = 1
    for p in 0..<pictures {
      let (mine, out) = (p * each..<(p + 1) * each, p * eachOut..<(p + 1) * eachOut)
      #expect(bits(try forward(s, Array(x[mine]), w, b)) == bits(Array(y[out])))
      #expect(bits(try backward(s, Array(dy[out]), Array(x[mine]), w)[0]) == bits(Array(dx[mine])))
    }
  }

  /// A value that is no number reaches the results that read it and no others.
  @Test(arguments: [Float.nan, .infinity], [[2, 6, 6, 3, 5, 3, 1, 1], [1, 9, 20, 3, 5, 3, 2, 1]])
  func whatIsNotANumberStaysWhereItBelongs(_ special: Float, _ sizes: [Int]) throws {
    let s = shape(sizes)
    let n = counts(s)
    for place in stride(from: 0, to: n[0], by: 7) {
      var x = [Float](repeating: 1, count: n[0])
      x[place] = special
      let (w, b) = ([Float](repeating: 1, count: n[1]), [Float](repeating: 0, count: n[2]))
      let y = try forward(s, x, w, b)
      let want = Exact.forward(s, x.map(Double.init), w.map(Double.init), b.map(Double.init))
      #expect(zip(y, want).allSatisfy { Double($0) == $1 || ($0.isNaN && $1.isNaN) })
    }
    for place in stride(from: 0, to: n[3], by: 7) {
      var dy = [Float](repeating: 1, count: n[3])
      dy[place] = special
      let (x, w) = ([Float](repeating: 1, count: n[0]), [Float](repeating: 1, count: n[1]))
      let want = Exact.backward(s, dy.map(Double.init), x.map(Double.init), w.map(Double.init))
      let got = try backward(s, dy, x, w)
      #expect(zip(got[0], want[0]).allSatisfy { Double($0) == $1 || ($0.isNaN && $1.isNaN) })
      #expect(zip(got[2], want[2]).allSatisfy { Double($0) == $1 || ($0.isNaN && $1.isNaN) })
    }
  }

  @Test func shapesThatCannotBeAreRefused() throws {
    func refuses(_ sizes: [Int], x: Int = 0, w: Int = 0) {
      let (xs, ws) = ([Float](repeating: 0, count: x), [Float](repeating: 0, count: w))
      var y: [Float] = []
      #expect(throws: KernelError.self, "\(sizes)") {
        var span = y.mutableSpan
        try convolution(shape(sizes), xs.span, weight: ws.span, into: &span)
      }
      y = []
    }
    refuses([1, 2, 2, 1, 1, 3, 1, 0])
    refuses([1, 4, 4, 1, 1, 0, 1, 0])
    refuses([1, 4, 4, 1, 1, 3, 0, 0])
    refuses([1, 4, 4, 1, 1, 3, -1, 0])
    refuses([-1, 4, 4, 1, 1, 3, 1, 0])
    refuses([1, 4, 4, 1, 1, 3, 1, .max])
    refuses([1, .max / 2, .max / 2, 1, 1, 3, 1, 1])
    refuses([1, 4, 4, 1, 1, 3, 1, 1], x: 15, w: 9)
    refuses([1, 4, 4, 1, 1, 3, 1, 1], x: 16, w: 8)
    refuses([1, 4, 4, 1, 1, 3, 1, 1], x: 16, w: 9)
  }
}
