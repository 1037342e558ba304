import PenchantKernels
import PenchantTape

/// A trained gate: which scores count under which prompt.
public struct FittedGate: Sendable, Codable, Equatable {
  public var columns: [String]
  /// Of the state, the hidden layers and the columns.
  public var widths: [Int]
  /// Values by parameter name.
  public var parameters: [String: [Float]]
  public var decorrelation: Decorrelation?
  public var scale: Float
  public var stateMean: [Float]
  public var stateScale: [Float]

  private static let tile = 256

  /// The gate of each state, row-major `[states, columns]`; rows sum to 1.
  ///
  /// - Throws: `KernelError.shape` when the states have another width or a parameter is missing; what the tape throws.
  public func gates(_ states: [Float]) throws -> [Float] {
    let width = stateMean.count
    guard width > 0, states.count.isMultiple(of: width) else {
      throw KernelError.shape("FittedGate", "\(states.count) values for states of \(width)")
    }
    let rows = DenseStates(states, mean: stateMean, scale: stateScale)
    let network = try GateNetwork(widths: widths, rows: FittedGate.tile, seed: 0)
    for parameter in network.store.parameters {
      guard let values = parameters[parameter.name] else {
        throw KernelError.value("FittedGate", "the parameter \"\(parameter.name)\" is missing")
      }
      try network.store.set(parameter, to: values)
    }
    let inference = try Inference([network.gate], on: network.store)
    let count = states.count / width
    var gates: [Float] = []
    for first in stride(from: 0, to: count, by: FittedGate.tile) {
      try inference.set(
        network.state, to: rows.gather((first..<first + FittedGate.tile).map { min($0, count - 1) }))
      try inference.run()
      gates += try inference.values(of: network.gate).prefix(
        min(FittedGate.tile, count - first) * columns.count)
    }
    return gates
  }

  /// R(chosen) - R(rejected) of each pair in log-odds.
  public func margins(_ pairs: ScoredPairs, states: [Float]) throws -> [Double] {
    let gates = try gates(states)
    guard pairs.columns == columns, gates.count == pairs.count * columns.count else {
      throw KernelError.shape(
        "FittedGate.margins",
        "\(gates.count / columns.count) states for \(pairs.count) pairs of \(pairs.width) columns")
    }
    let differences = decorrelation?.applied(to: pairs.differences) ?? pairs.differences
    return (0..<pairs.count).map { row in
      var sum = 0.0
      for i in row * columns.count..<(row + 1) * columns.count { sum += Double(gates[i]) * differences[i] }
      return sum * Double(scale)
    }
  }
}
