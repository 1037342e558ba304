import PenchantData
import PenchantNN
import PenchantTape
import PenchantTrain

/// A trained network: standardised features in, one score out.
public struct MLPHead: Sendable {
  /// Of the input, the hidden layers and the score.
  let widths: [Int]
  /// Values by parameter name.
  let parameters: [String: [Float]]
  let inputMean: [Float]
  let inputScale: [Float]
  public let state: TrainingState

  /// Weights and biases.
  public var parameterCount: Int { parameters.values.map(\.count).reduce(0, +) }

  /// Scores of rows that are not standardised yet.
  func scores(_ rows: DenseRows) throws -> [Double] {
    guard rows.width == widths.first else {
      throw ConfigurationError(
        "the features have \(rows.width) columns, the network was trained on \(widths.first ?? 0)")
    }
    var rows = rows
    rows.standardise(inputMean, inputScale)
    let network = try MLPNetwork(widths: widths, dropout: 0, seed: 0)
    try network.load(parameters)
    return try network.scores(rows)
  }
}

/// The network with its memory.
struct MLPNetwork {
  let widths: [Int]
  let mlp: MLP
  let store: ParameterStore
  private static let tile = 256
  private let inference: Inference
  private let input: Tensor
  private let output: Tensor

  init(widths: [Int], dropout: Float, seed: UInt64) throws {
    self.widths = widths
    var layout = ParameterLayout()
    mlp = MLP(widths, activation: .relu, dropout: dropout, named: "mlp", in: &layout)
    store = try ParameterStore(layout, seed: seed)
    let tape = Tape()
    input = tape.input("features", [Self.tile, widths[0]])
    output = mlp(input)
    inference = try Inference([output], on: store)
  }

  func load(_ parameters: [String: [Float]]) throws {
    for parameter in store.parameters {
      guard let values = parameters[parameter.name], values.allSatisfy(\.isFinite) else {
        throw CheckpointError("the parameter \"\(parameter.name)\" is missing or not finite")
      }
      try store.set(parameter, to: values)
    }
  }

  func save() throws -> [String: [Float]] {
    var values: [String: [Float]] = [:]
    for parameter in store.parameters { values[parameter.name] = try store.copy(of: parameter) }
    return values
  }

  /// Tiles of one size, so that one program serves all; the last is filled up with its first row.
  func scores(_ rows: DenseRows) throws -> [Double] {
    var scores: [Double] = []
    scores.reserveCapacity(rows.count)
    var tile = [Float](repeating: 0, count: Self.tile * rows.width)
    for start in stride(from: 0, to: rows.count, by: Self.tile) {
      let filled = min(Self.tile, rows.count - start)
      rows.gather((0..<Self.tile).map { $0 < filled ? start + $0 : start }, into: &tile)
      try inference.set(input, to: tile)
      try inference.run()
      scores += try inference.values(of: output).prefix(filled).map(Double.init)
    }
    return scores
  }
}
