import PenchantData
import PenchantKernels
import PenchantNN
import PenchantTape
import PenchantTrain

/// Training of all heads at once: a step has a batch of pairs of every attribute, and a head learns from its own.
///
/// Loss of PrefPalette's attribute predictor (Li et al. 2025): mean softplus(−(s(more) − s(less))).
struct HeadTask: TrainingTask {
  private let rows: DenseRows
  private let pairs: [AttributePairs.Pair]
  /// Places in `pairs` to train on, by attribute.
  private let own: [[Int]]
  private let validation: [AttributePairs.Pair]
  /// The texts of `validation`, whose pairs count places among them.
  private let validationRows: DenseRows
  private let configuration: AttributeHeadConfiguration
  private let seed: UInt64
  private let batch: Int

  private let store: ParameterStore
  private let weight: Parameter
  private let direction: Parameter
  private let optimizer: Optimizer
  private let training: TrainingStep
  private let input: Tensor
  private let weights: Tensor
  private var buffer: [Float]
  private var orders: [[UInt32]] = []
  private var orderedEpoch = -1

  init(
    rows: DenseRows, pairs: [AttributePairs.Pair], attributes: Int, train: [Int], validation: [Int],
    configuration: AttributeHeadConfiguration, seed: UInt64
  ) throws {
    self.rows = rows
    self.pairs = pairs
    self.configuration = configuration
    self.seed = seed
    var own = [[Int]](repeating: [], count: attributes)
    for place in train { own[pairs[place].attribute].append(place) }
    self.own = own
    let used = Set(validation.flatMap { [pairs[$0].more, pairs[$0].less] }).sorted()
    let places = Dictionary(uniqueKeysWithValues: used.enumerated().map { ($1, $0) })
    validationRows = rows.selecting(used)
    self.validation = validation.map { place in
      var pair = pairs[place]
      pair.more = places[pair.more] ?? 0
      pair.less = places[pair.less] ?? 0
      return pair
    }
    batch = min(configuration.batchSize, own.map(\.count).max() ?? 1)

    // The bias is the weight of a last input that is 1 everywhere.
    let (k, m, d) = (attributes, configuration.width, rows.width + 1)
    var layout = ParameterLayout()
    weight = layout.add("heads.weight", [k, m, d], .fanIn(rows.width))
    direction = layout.add("heads.direction", [k, m, 1], .fanIn(m))
    store = try ParameterStore(layout, seed: seed)
    optimizer = try Optimizer(
      .adamW(Double(configuration.learningRate), decay: Double(configuration.decay)), for: store, seed: seed)
    let tape = Tape()
    input = tape.input("texts", [k, 2 * batch, d])
    weights = tape.input("weights", [k, batch])
    let vectors = input.matmul(tape.parameter(weight), transposingOther: true).gelu()
    let scores = vectors.matmul(tape.parameter(direction))
    let loss = Loss.bradleyTerry(
      chosen: scores.slice(axis: 1, from: 0, count: batch).reshaped([k, batch]),
      rejected: scores.slice(axis: 1, from: batch, count: batch).reshaped([k, batch]), weights: weights)
    training = try TrainingStep(loss, optimizer: optimizer)
    buffer = [Float](repeating: 1, count: k * 2 * batch * d)
  }

  var stepsPerEpoch: Int { max(1, ((own.map(\.count).max() ?? 1) + batch - 1) / batch) }

  mutating func step(_ number: Int) throws -> StepOutcome {
    let epoch = number / stepsPerEpoch
    if epoch != orderedEpoch {
      orders = try own.indices.map { attribute in
        try permutation(
          own[attribute].count, seed: seed, stream: Self.stream &+ UInt64(attribute) << 32 &+ UInt64(epoch))
      }
      orderedEpoch = epoch
    }
    let first = number % stepsPerEpoch * batch
    let d = rows.width + 1
    var weight = [Float](repeating: 0, count: own.count * batch)
    for attribute in own.indices {
      let order = orders[attribute]
      for place in 0..<batch where first + place < order.count {
        let pair = pairs[own[attribute][Int(order[first + place])]]
        weight[attribute * batch + place] = pair.weight
        let at = (attribute * 2 * batch + place) * d
        rows.copy(pair.more, to: at, of: &buffer)
        rows.copy(pair.less, to: at + batch * d, of: &buffer)
      }
    }
    // The loss is the mean over the pairs that count, however many attributes have run out of pairs.
    let total = weight.reduce(0, +)
    if total > 0 {
      let scale = Float(weight.count) / total
      for place in weight.indices { weight[place] *= scale }
    }
    try training.set(input, to: buffer)
    try training.set(weights, to: weight)
    return try StepOutcome(running: training, rate: optimizer.rate)
  }

  mutating func validate() throws -> [(name: String, value: Double)] {
    guard !validation.isEmpty else { return [] }
    let k = own.count
    let scores = try parameters().scores(validationRows)
    let margins = validation.map {
      Double(scores[$0.more * k + $0.attribute]) - Double(scores[$0.less * k + $0.attribute])
    }
    return PairMetrics(margins: margins, weights: validation.map { Double($0.weight) }).named
  }

  func parameters() throws -> HeadWeights {
    let (k, m, d) = (own.count, configuration.width, rows.width)
    let joint = try store.copy(of: weight)
    var weights = HeadWeights(
      attributes: k, width: m, inputs: d, weight: [], bias: [], direction: try store.copy(of: direction))
    weights.weight.reserveCapacity(k * m * d)
    for row in 0..<k * m {
      weights.weight += joint[row * (d + 1)..<row * (d + 1) + d]
      weights.bias.append(joint[row * (d + 1) + d])
    }
    return weights
  }

  func checkpointFiles() throws -> [String: [UInt8]] {
    try TapeFiles.files(
      store, optimizer, metadata: ["system": FittedAttributeHeads.system, "seed": String(seed)])
  }

  mutating func restore(_ files: [String: [UInt8]]) throws {
    try TapeFiles.restore(files, into: store, optimizer)
  }

  private static let stream: UInt64 = 0x4845_4144_0000_0000
}
