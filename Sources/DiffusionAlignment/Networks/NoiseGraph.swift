import PenchantKernels
import PenchantTape

/// A network on a tape, and its inputs: what training and inference both record.
struct NoiseGraph {
  let rows: Int
  let x: Tensor
  /// The predicted ε, `[rows, values]`, whatever the network predicts.
  let eps: Tensor
  private let times: Tensor
  private let classes: Ids?
  /// Factors of the network's output and of x, for a network that predicts v.
  private let factors: (output: Tensor, sample: Tensor)?

  init(_ model: DiffusionModel, rows: Int, on tape: Tape) {
    self.rows = rows
    x = tape.input("x", [rows, model.shape.count])
    times = tape.input("times", [rows, model.network.timeWidth])
    classes = model.network.classRows > 0 ? tape.ids("classes", [rows]) : nil
    let output = model.network(x, times: times, classes: classes)
    switch model.configuration.prediction {
    case .noise:
      factors = nil
      eps = output
    case .velocity:
      // v = √ᾱ ε − √(1−ᾱ) x0 and x = √ᾱ x0 + √(1−ᾱ) ε give ε = √ᾱ v + √(1−ᾱ) x (Salimans & Ho 2022).
      let pair = (output: tape.input("signal", [rows, 1]), sample: tape.input("spread", [rows, 1]))
      factors = pair
      eps = output * pair.output + x * pair.sample
    }
  }

  /// Sets the inputs of a program that was compiled from this graph.
  func set(
    x values: [Float], times: [Int], classes: [Int], of model: DiffusionModel, on program: some Executing
  ) throws {
    let waves = try model.waves(times)
    try set(
      x: values.span, times: times[...], waves: waves.span, classes: classes[...], of: model, on: program)
  }

  /// - Parameter waves: of the times, ``DiffusionModel/waves(_:)``.
  func set(
    x values: Span<Float>, times steps: ArraySlice<Int>, waves: Span<Float>, classes given: ArraySlice<Int>,
    of model: DiffusionModel, on program: some Executing
  ) throws {
    try program.set(x, to: values)
    try program.set(times, to: waves)
    if let classes {
      let none = model.network.classRows - 1
      if let wrong = given.first(where: { $0 >= none }) {
        throw KernelError.value("NoiseGraph", "class \(wrong) of a model with \(none) classes")
      }
      try program.set(
        classes,
        to: given.isEmpty
          ? [UInt32](repeating: UInt32(none), count: rows) : given.map { UInt32($0 < 0 ? none : $0) })
    }
    if let factors {
      let levels = steps.map(model.schedule.level)
      try program.set(factors.output, to: levels.map { Float($0.squareRoot()) })
      try program.set(factors.sample, to: levels.map { Float((1 - $0).squareRoot()) })
    }
  }
}
