import Foundation
import PenchantKernels
import PenchantTape
import TestSupport

/// A small seeded generator (SplitMix64) for test values.
package struct Draw {
  private var state: UInt64
  package init(_ seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 }

  package mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
  package mutating func below(_ count: Int) -> Int { Int(next() % UInt64(count)) }
  package mutating func uniform(_ range: ClosedRange<Float> = -1...1) -> Float {
    range.lowerBound + (range.upperBound - range.lowerBound) * Float(next() >> 40) * 0x1p-24
  }
  package mutating func floats(_ count: Int, _ range: ClosedRange<Float> = -1...1) -> [Float] {
    (0..<count).map { _ in uniform(range) }
  }
}

/// A recording with the values it will run on: the same for the C program and the Double interpreter.
package final class Graph {
  package var layout = ParameterLayout()
  package let tape = Tape()
  package var draw: Draw
  package var parameters: [Parameter: [Float]] = [:]
  package var inputs: [(Tensor, [Float])] = []
  package var ids: [(Ids, [UInt32])] = []
  package var masks: [(Mask, [UInt8])] = []

  package init(seed: UInt64) { draw = Draw(seed) }

  /// A parameter: gradients are checked with respect to each.
  package func parameter(_ shape: Shape, _ range: ClosedRange<Float> = -1...1) -> Tensor {
    let parameter = layout.add("p\(parameters.count)", shape, .zeros)
    parameters[parameter] = draw.floats(shape.count, range)
    return tape.parameter(parameter)
  }

  /// Takes the parameters that layers have added to a layout, with drawn values.
  package func adopt(_ layers: ParameterLayout) {
    layout = layers
    for entry in layers.entries {
      parameters[entry.parameter] = draw.floats(entry.parameter.count, -0.7...0.7)
    }
  }

  package func input(_ shape: Shape, _ range: ClosedRange<Float> = -1...1) -> Tensor {
    let tensor = tape.input("x\(inputs.count)", shape)
    inputs.append((tensor, draw.floats(shape.count, range)))
    return tensor
  }

  package func ids(_ shape: Shape, below count: Int, skipping: Bool = false) -> Ids {
    let ids = tape.ids("ids\(self.ids.count)", shape)
    let values = (0..<shape.count).map { _ in
      skipping && draw.below(4) == 0 ? UInt32.max : UInt32(draw.below(count))
    }
    self.ids.append((ids, values))
    return ids
  }

  /// Places of items in rankings: a permutation of each row, the last few of some rows unranked.
  package func places(_ rows: Int, _ items: Int) -> Ids {
    let ids = tape.ids("places\(self.ids.count)", [rows, items])
    var values: [UInt32] = []
    for row in 0..<rows {
      var order = (0..<items).map(UInt32.init)
      for i in stride(from: items - 1, to: 0, by: -1) { order.swapAt(i, draw.below(i + 1)) }
      values += order.map { row % 2 == 1 && $0 > 1 ? .max : $0 }
    }
    self.ids.append((ids, values))
    return ids
  }

  /// Sequences of the given lengths behind each other.
  package func packing(_ lengths: [Int], longest: Int) -> Packing {
    let offsets = tape.ids("offsets\(ids.count)", [lengths.count + 1])
    ids.append((offsets, lengths.reduce(into: [0]) { $0.append(($0.last ?? 0) + UInt32($1)) }))
    return Packing(offsets: offsets, longest: longest)
  }

  /// Sequences of the given lengths, and what each query of each of them has seen.
  package func prefixes(_ lengths: [Int], seen: [[Int]]) -> Prefixes {
    let offsets = packing(lengths, longest: lengths.max() ?? 1).offsets
    let first = packing(seen.map(\.count), longest: 1).offsets
    let counts = tape.ids("seen\(ids.count)", [seen.joined().count])
    ids.append((counts, seen.joined().map(UInt32.init)))
    return Prefixes(offsets: offsets, first: first, seen: counts)
  }

  package func mask(_ shape: Shape) -> Mask {
    let mask = tape.mask("mask\(masks.count)", shape)
    masks.append((mask, (0..<shape.count).map { _ in draw.below(4) == 0 ? 0 : 1 }))
    return mask
  }

  // MARK: Running

  package func store() throws -> ParameterStore {
    let store = try ParameterStore(layout)
    for (parameter, values) in parameters { try store.set(parameter, to: values) }
    return store
  }

  package func feed(_ program: some Executing) throws {
    for (tensor, values) in inputs { try program.set(tensor, to: values) }
    for (ids, values) in ids { try program.set(ids, to: values) }
    for (mask, values) in masks { try program.set(mask, to: values) }
  }

  package func interpreter(_ tape: Tape) -> DoubleInterpreter {
    var interpreter = DoubleInterpreter(tape)
    for (id, slot) in tape.slots.enumerated() {
      if case .parameter(let parameter) = slot.source {
        interpreter.values[id] = parameters[parameter]?.map(Double.init)
      }
    }
    for (tensor, values) in inputs { interpreter.values[tensor.id] = values.map(Double.init) }
    for (tensor, values) in ids { interpreter.ids[tensor.id] = values }
    for (tensor, values) in masks { interpreter.masks[tensor.id] = values }
    return interpreter
  }

  /// Loss and gradients in Double from the recorded gradient graph.
  package func reference(_ loss: Tensor) throws -> (loss: Double, gradients: [Parameter: [Double]]) {
    let graph = try GradientGraph(loss, layout: layout)
    let values = try interpreter(graph.tape).run()
    var gradients: [Parameter: [Double]] = [:]
    for (id, parameter) in graph.gradients { gradients[parameter] = values[id] }
    return (values[loss.id]?[0] ?? .nan, gradients)
  }

  /// The loss in Double with one number of one parameter moved.
  package func loss(_ loss: Tensor, moving parameter: Parameter, _ index: Int, by step: Double) throws
    -> Double
  {
    var interpreter = interpreter(loss.tape)
    let id = loss.tape.parameter(parameter).id
    interpreter.values[id]?[index] += step
    return try interpreter.run()[loss.id]?[0] ?? .nan
  }

  /// Loss and gradients of the C program.
  package func compiled(_ loss: Tensor, _ options: CompileOptions = CompileOptions()) throws -> (
    loss: Float, gradients: [Parameter: [Float]], facts: Program.Facts
  ) {
    let store = try store()
    let step = try TrainingStep(loss, optimizer: try Optimizer(.sgd(0), for: store), options: options)
    try feed(step)
    let outcome = try step.run()
    var gradients: [Parameter: [Float]] = [:]
    for parameter in store.parameters { gradients[parameter] = try step.gradient(of: parameter) }
    return (outcome.loss, gradients, step.facts)
  }
}

/// Largest difference in units of the largest reference value (at least `floor`).
package func distance(_ values: [Double], _ reference: [Double], floor: Double = 1e-3) -> Double {
  let scale = max(reference.map(abs).max() ?? 0, floor)
  return zip(values, reference).map { abs($0 - $1) }.max().map { $0.isNaN ? .infinity : $0 / scale } ?? 0
}
