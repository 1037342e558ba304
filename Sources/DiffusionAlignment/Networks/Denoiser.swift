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
/// Rows are cut into blocks of a few fixed sizes, so that the shrinking sets of an inversion need few programs. Blocks run side
/// by side, a thread each: that is one meeting of the threads a call instead of one a layer. A row's result does not depend on
/// the rows beside it.
public final class Denoiser: NoisePredictor {
  public let model: DiffusionModel
  public let store: ParameterStore
  /// By size; one a thread.
  private var programs: [Int: [Compiled]] = [:]

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
    let (values, width) = (model.shape.count, model.network.timeWidth)
    guard x.count == times.count * values, classes.isEmpty || classes.count == times.count else {
      throw KernelError.shape(
        "Denoiser.noise",
        "\(x.count) values, \(times.count) times and \(classes.count) classes of samples of \(values)")
    }
    // Whole units of rows, so that every block fills a program.
    let padding = Self.units(times.count) * Self.unit - times.count
    let x = padding == 0 ? x : x + [Float](repeating: 0, count: padding * values)
    let times = padding == 0 ? times : times + [Int](repeating: 0, count: padding)
    let classes =
      padding == 0 || classes.isEmpty
      ? classes : classes + [Int](repeating: DiffusionModel.noClass, count: padding)
    let waves = try model.waves(times)
    let blocks = Self.blocks(times.count, values)
    let members = values > Self.wide ? 1 : max(1, min(Team.size, blocks.count))
    let programs = try blocks.map { try program($0.count, members) }
    var result = [Float](repeating: 0, count: x.count)
    try result.withUnsafeMutableBufferPointer { result in
      nonisolated(unsafe) let (out, programs, model) = (result, programs, model)
      try Team.each(blocks.count, members: members) { number, member in
        let (block, program) = (blocks[number], programs[number][member])
        let places = Self.scaled(block, values)
        try program.graph.set(
          x: x.span.extracting(places), times: times[block],
          waves: waves.span.extracting(Self.scaled(block, width)),
          classes: classes.isEmpty ? [] : classes[block], of: model, on: program.inference)
        try program.inference.run()
        try program.inference.withValues(of: program.graph.eps) { eps in
          for i in 0..<places.count { out[places.lowerBound + i] = eps[i] }
        }
      }
    }
    result.removeLast(padding * values)
    return result
  }

  private static func scaled(_ rows: Range<Int>, _ width: Int) -> Range<Int> {
    rows.lowerBound * width..<rows.upperBound * width
  }

  /// The program for `rows` rows, once for each of `members` threads at least.
  private func program(_ rows: Int, _ members: Int) throws -> [Compiled] {
    while programs[rows, default: []].count < members {
      let tape = Tape()
      let graph = NoiseGraph(model, rows: rows, on: tape)
      programs[rows, default: []].append(
        Compiled(graph: graph, inference: try Inference([graph.eps], on: store)))
    }
    return programs[rows, default: []]
  }

  /// Values of a sample from which the threads share a block: memory of its own for each would be much.
  private static let wide = 4096

  /// Programs have a multiple of this many rows: products of very few rows sum in another order.
  private static let unit = 16

  private static func units(_ rows: Int) -> Int { (rows + unit - 1) / unit }

  /// Blocks of `rows` rows, whole units, of much the same size: few enough for the memory of one to stay in a thread's cache.
  private static func blocks(_ rows: Int, _ values: Int) -> [Range<Int>] {
    let most = max(1, min(2, (1 << 10) / max(values, 1)))
    let all = units(rows)
    let count = (all + most - 1) / most
    return (0..<count).map { number in
      number * all / count * unit..<(number + 1) * all / count * unit
    }
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
