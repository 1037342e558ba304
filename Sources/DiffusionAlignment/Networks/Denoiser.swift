import PenchantKernels
import PenchantTape
import PenchantTrain

/// Says which noise is in samples, one time and class a row.
public protocol NoisePredictor {
  var schedule: NoiseSchedule { get }
  var shape: SampleShape { get }

  /// ε of each row, `[rows, values]`.
  ///
  /// - Parameters:
  ///   - x: samples with noise, `[rows, values]`.
  ///   - times: one a row; negative ones have the level of time 0 and features of their own.
  ///   - classes: one a row, `DiffusionModel.noClass` for none; empty when no row has one.
  func noise(in x: [Float], times: [Int], classes: [Int]) throws -> [Float]
}

/// A network with its numbers, for running forward on any number of rows. One thread at a time.
///
/// Rows are cut into blocks of a few fixed sizes, so that the shrinking sets of an inversion need few programs. A row's
/// result does not depend on the rows beside it.
public final class Denoiser: NoisePredictor {
  public let model: DiffusionModel
  public let store: ParameterStore
  private var programs: [Int: Compiled] = [:]

  private struct Compiled {
    let graph: NoiseGraph
    let inference: Inference
  }

  /// - Parameter store: numbers of the model's layout; by default those of the model.
  public init(_ model: DiffusionModel, store: ParameterStore? = nil) {
    self.model = model
    self.store = store ?? model.store
  }

  public var schedule: NoiseSchedule { model.schedule }
  public var shape: SampleShape { model.shape }

  public func noise(in x: [Float], times: [Int], classes: [Int]) throws -> [Float] {
    let values = model.shape.count
    guard x.count == times.count * values, classes.isEmpty || classes.count == times.count else {
      throw KernelError.shape(
        "Denoiser.noise",
        "\(x.count) values, \(times.count) times and \(classes.count) classes of samples of \(values)")
    }
    var result = [Float](repeating: 0, count: x.count)
    var first = 0
    while first < times.count {
      let rows = min(Self.largest(values), times.count - first)
      let range = first..<first + rows
      let block = try run(
        x[range.lowerBound * values..<range.upperBound * values], times[range],
        classes.isEmpty ? [] : classes[range], program(Self.size(rows)))
      for (i, value) in block.prefix(rows * values).enumerated() { result[first * values + i] = value }
      first += rows
    }
    return result
  }

  private func run(
    _ x: ArraySlice<Float>, _ times: ArraySlice<Int>, _ classes: ArraySlice<Int>, _ program: Compiled
  ) throws -> [Float] {
    let padding = program.graph.rows - times.count
    try program.graph.set(
      x: Array(x) + [Float](repeating: 0, count: padding * model.shape.count),
      times: Array(times) + [Int](repeating: 0, count: padding),
      classes: classes.isEmpty
        ? [] : Array(classes) + [Int](repeating: DiffusionModel.noClass, count: padding),
      of: model, on: program.inference)
    try program.inference.run()
    return try program.inference.values(of: program.graph.eps)
  }

  private func program(_ rows: Int) throws -> Compiled {
    if let known = programs[rows] { return known }
    let tape = Tape()
    let graph = NoiseGraph(model, rows: rows, on: tape)
    let compiled = Compiled(graph: graph, inference: try Inference([graph.eps], on: store))
    programs[rows] = compiled
    return compiled
  }

  /// Rows of the largest program: enough to keep the cores busy, few enough to stay in the caches.
  private static func largest(_ values: Int) -> Int {
    max(16, min(512, (1 << 18) / max(values, 1)) / 64 * 64)
  }

  /// The program that `rows` rows use. Sixteen at least: products of very few rows sum in another order.
  static func size(_ rows: Int) -> Int {
    let step = rows <= 128 ? 16 : 64
    return (rows + step - 1) / step * step
  }
}

extension NoisePredictor {
  /// What one step makes of samples with noise: x0(t) = x̄_t − σ̂_t ε (InPO section 2), `[rows, values]`.
  public func estimates(of x: [Float], times: [Int], classes: [Int]) throws -> [Float] {
    let eps = try noise(in: x, times: times, classes: classes)
    let from = times.map(schedule.level)
    let to = [Double](repeating: 1, count: times.count)
    var out = x
    var span = out.mutableSpan
    try ddimMove(from: from.span, to: to.span, x.span, eps: eps.span, into: &span)
    return out
  }
}
