import PenchantData
import PenchantKernels
import PenchantNN
import PenchantTape
import PenchantTrain

/// Scores mixed by a gate that sees the prompt: R = scale · g · r', g = softmax(MLP(prompt state)), trained by Bradley-Terry
/// while the scores stand still (ArmoRM, Wang et al. 2024). A gate has no signs: turn a column around when less of it is
/// better.
public struct ScoreGate: Sendable, Codable, Equatable {
  public var hidden = [64]
  public var learningRate = 5e-3
  public var decay = 1e-4
  public var epochs = 20
  public var batchSize = 128
  /// Largest norm of a gradient.
  public var clip = 1.0
  /// Log-odds per unit of an even mixture times the number of columns; `nil` is that number, so that an even gate gives every column weight 1.
  public var scale: Double?

  public init() {}

  /// - Parameters:
  ///   - pairs: differences of standardised scores.
  ///   - states: what the gate sees, row-major `[pairs, stateWidth]`; standardised inside.
  ///   - decorrelation: taken out of the scores first.
  /// - Throws: `KernelError.shape` when counts do not fit, `.value` for a setting out of range or no pairs; what the tape
  ///   throws.
  public func fit(
    _ pairs: ScoredPairs, states: [Float], stateWidth: Int, decorrelation: Decorrelation? = nil, seed: UInt64
  ) throws -> FittedGate {
    guard pairs.count > 0, stateWidth > 0, states.count == pairs.count * stateWidth,
      decorrelation.map({ $0.factors.count == pairs.width }) ?? true
    else {
      throw KernelError.shape(
        "ScoreGate.fit",
        "\(states.count) values for the states of \(pairs.count) pairs, \(stateWidth) each; \(pairs.width) columns, \(decorrelation?.factors.count ?? 0) to decorrelate"
      )
    }
    guard epochs > 0, batchSize > 0, learningRate > 0, hidden.allSatisfy({ $0 > 0 }),
      states.allSatisfy(\.isFinite)
    else {
      throw KernelError.value("ScoreGate", "a setting is not positive, or a state is not finite")
    }
    let rows = DenseStates(states, width: stateWidth)
    let differences = (decorrelation?.applied(to: pairs.differences) ?? pairs.differences).map(Float.init)
    let width = pairs.width
    let size = min(batchSize, pairs.count)
    let factor = Float(scale ?? Double(width))
    let network = try GateNetwork(widths: [stateWidth] + hidden + [width], rows: size, seed: seed)
    let difference = network.tape.input("difference", [size, width])
    let weight = network.tape.input("weight", [size])
    let zero = network.tape.input("zero", [size])
    let margin = (network.gate * difference).sumAlongRows() * factor
    let loss = Loss.bradleyTerry(chosen: margin, rejected: zero, weights: weight)

    var batcher = try Batcher(count: pairs.count, batchSize: size, seed: seed)
    var settings = OptimizerConfiguration.adamW(learningRate, decay: decay)
    let total = epochs * batcher.batchesPerEpoch
    settings.schedule = .cosine(
      peak: learningRate, warmup: total / 33, steps: total, floor: learningRate / 10)
    settings.clip = clip
    let step = try TrainingStep(loss, optimizer: Optimizer(settings, for: network.store, seed: seed))
    try step.set(zero, to: [Float](repeating: 0, count: size))
    for _ in 0..<total {
      let batch = try batcher.next()
      try step.set(network.state, to: rows.gather(batch.indices))
      try step.set(difference, to: batch.indices.flatMap { differences[$0 * width..<($0 + 1) * width] })
      try step.set(weight, to: zip(batch.indices, batch.weights).map { Float(pairs.weight[$0]) * $1 })
      try step.run()
    }
    return FittedGate(
      columns: pairs.columns, widths: network.widths, parameters: try network.parameters(),
      decorrelation: decorrelation, scale: factor, stateMean: rows.mean, stateScale: rows.scale)
  }
}

/// Standardised rows.
struct DenseStates {
  let width: Int
  private let values: [Float]
  let mean: [Float]
  let scale: [Float]

  /// Standardises by its own mean and deviation; a constant column becomes 0.
  init(_ states: [Float], width: Int) {
    let rows = max(1, states.count / width)
    var (sum, square) = ([Double](repeating: 0, count: width), [Double](repeating: 0, count: width))
    for (place, value) in states.enumerated() { sum[place % width] += Double(value) }
    let mean = sum.map { $0 / Double(rows) }
    for (place, value) in states.enumerated() {
      let deviation = Double(value) - mean[place % width]
      square[place % width] += deviation * deviation
    }
    self.init(
      states, mean: mean.map(Float.init),
      scale: square.map { $0 > 1e-12 * Double(rows) ? Float((Double(rows) / $0).squareRoot()) : 0 })
  }

  init(_ states: [Float], mean: [Float], scale: [Float]) {
    width = mean.count
    self.mean = mean
    self.scale = scale
    values = states.enumerated().map { ($1 - mean[$0 % mean.count]) * scale[$0 % mean.count] }
  }

  func gather(_ rows: [Int]) -> [Float] { rows.flatMap { values[$0 * width..<($0 + 1) * width] } }
}

/// softmax(MLP(state)) on a tape that more may be recorded on.
struct GateNetwork {
  let widths: [Int]
  let store: ParameterStore
  let tape: Tape
  let state: Tensor
  let gate: Tensor

  init(widths: [Int], rows: Int, seed: UInt64) throws {
    self.widths = widths
    var layout = ParameterLayout()
    let network = MLP(widths, activation: .relu, named: "gate", in: &layout)
    store = try ParameterStore(layout, seed: seed)
    tape = Tape()
    state = tape.input("state", [rows, widths[0]])
    gate = network(state).softmax()
  }

  func parameters() throws -> [String: [Float]] {
    var values: [String: [Float]] = [:]
    for parameter in store.parameters { values[parameter.name] = try store.copy(of: parameter) }
    return values
  }
}
