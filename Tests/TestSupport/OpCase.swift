import PenchantKernels

/// One operation under test: how to call it, what it should give, on which shapes and inputs.
///
/// One case serves the comparison, the gradient check and the determinism run. `call` and `reference` get a shape, as
/// the case defines it, and the inputs in order; both return the outputs in order.
public struct OpCase: Sendable, CustomStringConvertible {
  public typealias Call = @Sendable (_ shape: [Int], _ inputs: [[Float]]) throws -> [[Float]]
  public typealias Reference = @Sendable (_ shape: [Int], _ inputs: [[Double]]) -> [[Double]]
  /// Gradients with respect to the inputs, from the inputs and the upstream gradient of every output.
  public typealias Gradient =
    @Sendable (_ shape: [Int], _ inputs: [[Float]], _ upstream: [[Float]]) throws -> [[Float]]

  public let name: String
  let shapes: [[Int]]
  let inputs: [Distribution]
  let gradientInputs: Distribution
  let counts: @Sendable ([Int]) -> [Int]
  let call: Call
  let reference: Reference
  let gradient: Gradient?
  let tolerance: Tolerance
  let gradientTolerance: Tolerance

  /// - Parameters:
  ///   - shapes: Shapes to run; what the numbers mean is up to the case.
  ///   - inputs: Every shape runs with every distribution.
  ///   - gradientInputs: Where the gradient is checked; choose one that keeps away from kinks.
  ///   - counts: Lengths of the inputs for a shape; one input of the shape's product when not given.
  ///   - reference: In Double, written from the formula, sharing no code with `call`.
  ///   - gradient: `nil` for operations without one; fewer arrays than inputs leave the last inputs without a gradient.
  public init(
    _ name: String, shapes: [[Int]],
    inputs: [Distribution] = [.uniform, .logNormal, .exactPowersOfTwo, .specials],
    gradientInputs: Distribution = .uniform(-2, 2),
    counts: @escaping @Sendable ([Int]) -> [Int] = { [$0.reduce(1, *)] },
    call: @escaping Call, reference: @escaping Reference, gradient: Gradient? = nil,
    tolerance: Tolerance, gradientTolerance: Tolerance = .close(relative: 5e-3, absolute: 1e-4)
  ) {
    self.name = name
    self.shapes = shapes
    self.inputs = inputs
    self.gradientInputs = gradientInputs
    self.counts = counts
    self.call = call
    self.reference = reference
    self.gradient = gradient
    self.tolerance = tolerance
    self.gradientTolerance = gradientTolerance
  }

  public var description: String { name }
  public var isDifferentiable: Bool { gradient != nil }

  /// What a failed case says: the place, the numbers, the line that repeats it.
  public struct Failure: Error, CustomStringConvertible {
    public let description: String
  }

  private func fail(_ shape: [Int], _ what: String) -> Failure {
    let filter = name.split(separator: "_").first ?? ""
    return Failure(
      description: """
        \(name) \(shape): \(what)
        repeat: PENCHANT_SEED=\(testSeed) swift test --filter \(filter)
        """)
  }

  private func arrays(_ shape: [Int], _ distribution: Distribution, _ use: String) -> [[Float]] {
    var generator = TestGenerator(stream: "\(name) \(shape) \(distribution) \(use)")
    return counts(shape).map { generator.floats($0, distribution) }
  }

  /// Runs every shape with every distribution against the reference.
  public func compare() throws {
    for shape in shapes {
      for distribution in inputs {
        let values = arrays(shape, distribution, "compare")
        let got = try call(shape, values)
        let want = reference(shape, values.map { $0.map(Double.init) })
        guard got.count == want.count else {
          throw fail(shape, "\(got.count) outputs, \(want.count) expected")
        }
        for (index, (some, other)) in zip(got, want).enumerated() {
          if let failure = tolerance.firstFailure(some, other) {
            throw fail(shape, "\(distribution), output \(index) \(failure)")
          }
        }
      }
    }
  }

  /// Compares the gradient with central differences of the reference, improved by one Richardson step.
  ///
  /// At most `places` coordinates of every input are differenced; larger shapes than `largest` elements are left out,
  /// since every coordinate costs four runs of the reference.
  public func checkGradient(places: Int = 24, largest: Int = 600) throws {
    guard let gradient else { return }
    for shape in shapes where counts(shape).reduce(0, +) <= largest {
      let values = arrays(shape, gradientInputs, "gradient")
      let point = values.map { $0.map(Double.init) }
      var generator = TestGenerator(stream: "\(name) \(shape) upstream")
      let upstream = reference(shape, point).map { generator.floats($0.count, .uniform(-1, 1)) }

      func objective(_ inputs: [[Double]]) -> Double {
        zip(reference(shape, inputs), upstream).reduce(0) { sum, pair in
          zip(pair.0, pair.1).reduce(sum) { $0 + $1.0 * Double($1.1) }
        }
      }
      func difference(_ input: Int, _ index: Int, _ step: Double) -> Double {
        var above = point
        var below = point
        above[input][index] += step
        below[input][index] -= step
        return (objective(above) - objective(below)) / (2 * step)
      }

      for (input, got) in try gradient(shape, values, upstream).enumerated() {
        guard got.count == values[input].count else {
          throw fail(shape, "gradient \(input) has \(got.count) values, its input \(values[input].count)")
        }
        let all = Array(got.indices)
        let chosen =
          all.count <= places ? all : (0..<places).map { _ in Int.random(in: all.indices, using: &generator) }
        let want = chosen.map { index in
          let step = 2e-3 * max(1, abs(point[input][index]))
          return (4 * difference(input, index, step / 2) - difference(input, index, step)) / 3
        }
        if let failure = gradientTolerance.firstFailure(chosen.map { got[$0] }, want) {
          throw fail(shape, "gradient of input \(input), of places \(chosen): \(failure)")
        }
      }
    }
  }

  /// The bits for `threads` threads must be those for one, forward and gradient.
  public func checkBits(_ threads: Int) throws {
    for shape in shapes {
      let values = arrays(shape, gradientInputs, "bits")
      let outputs = try Team.with(threads: 1) { () throws in try call(shape, values) }
      guard bits(outputs) == bits(try Team.with(threads: threads) { () throws in try call(shape, values) })
      else {
        throw fail(shape, "other bits with \(threads) threads")
      }
      guard let gradient else { continue }
      var generator = TestGenerator(stream: "\(name) \(shape) upstream")
      let upstream = outputs.map { generator.floats($0.count, .uniform(-1, 1)) }
      let one = try Team.with(threads: 1) { () throws in try gradient(shape, values, upstream) }
      let many = try Team.with(threads: threads) { () throws in try gradient(shape, values, upstream) }
      guard bits(one) == bits(many) else { throw fail(shape, "other gradient bits with \(threads) threads") }
    }
  }
}

/// Bit patterns, so that NaN equals itself and zeros keep their sign.
public func bits(_ arrays: [[Float]]) -> [[UInt32]] { arrays.map { $0.map(\.bitPattern) } }
public func bits(_ array: [Float]) -> [UInt32] { array.map(\.bitPattern) }

/// An array of `count` floats written by `body` through a span, for calls that fill memory.
public func filled<Failure: Error>(
  _ count: Int, _ body: (inout MutableSpan<Float>) throws(Failure) -> Void
) throws(Failure) -> [Float] {
  var array = [Float](repeating: .nan, count: count)
  var span = array.mutableSpan
  try body(&span)
  return array
}
