import PenchantData
import PenchantNN
import PenchantTape
import PenchantTrain

/// Training of the network on pairs, a batch a step.
struct MLPTask: TrustedTask {
  private let rows: DenseRows
  private let chosen: [Int]
  private let rejected: [Int]
  private let weight: [Float]
  private let validation: PairSelection
  private let network: MLPNetwork
  private let optimizer: Optimizer
  private let training: TrainingStep
  private let inputs: (chosen: Tensor, rejected: Tensor, weight: Tensor)
  private var batcher: Batcher
  private let batchSize: Int
  private let seed: UInt64
  /// The step the batcher stands at.
  private var position = 0
  private var drawn: (number: Int, batch: Batcher.Batch)?
  private var buffer: (chosen: [Float], rejected: [Float])

  init(
    rows: DenseRows, table: PairTable, train: [Int], validation: [Int],
    configuration: BradleyTerryConfiguration, seed: UInt64
  ) throws {
    self.rows = rows
    self.seed = seed
    chosen = train.map { table.chosen[$0] }
    rejected = train.map { table.rejected[$0] }
    weight = train.map { table.weight[$0] }
    self.validation = PairSelection(table, validation)
    batchSize = min(configuration.optimizer.batchSize, train.count)
    batcher = try Batcher(count: train.count, batchSize: batchSize, seed: seed)
    network = try MLPNetwork(
      widths: [rows.width] + configuration.model.hidden + [1], dropout: configuration.model.dropout,
      seed: seed)
    let total =
      configuration.run.total(stepsPerEpoch: batcher.batchesPerEpoch)
    var settings = OptimizerConfiguration.adamW(
      Double(configuration.optimizer.learningRate), decay: Double(configuration.optimizer.weightDecay))
    settings.schedule = .cosine(
      peak: Double(configuration.optimizer.learningRate),
      warmup: Int(Float(total) * configuration.optimizer.warmup), steps: total)
    settings.clip = configuration.optimizer.clip > 0 ? Double(configuration.optimizer.clip) : nil
    optimizer = try Optimizer(settings, for: network.store, seed: seed)

    // The loss of equation 1 of Ouyang et al. 2022: the mean of -log sigmoid(r(chosen) - r(rejected)).
    let tape = Tape()
    inputs = (
      tape.input("chosen", [batchSize, rows.width]), tape.input("rejected", [batchSize, rows.width]),
      tape.input("weight", [batchSize])
    )
    let loss = Loss.bradleyTerry(
      chosen: network.mlp(inputs.chosen), rejected: network.mlp(inputs.rejected), weights: inputs.weight)
    training = try TrainingStep(loss, optimizer: optimizer)
    let size = batchSize * rows.width
    buffer = ([Float](repeating: 0, count: size), [Float](repeating: 0, count: size))
  }

  var stepsPerEpoch: Int { batcher.batchesPerEpoch }
  var pairCount: Int { chosen.count }

  private mutating func batch(at number: Int) throws -> Batcher.Batch {
    if let drawn, drawn.number == number { return drawn.batch }
    if number != position {
      let cursor = Batcher.Cursor(epoch: number / stepsPerEpoch, position: number % stepsPerEpoch * batchSize)
      batcher = try Batcher(count: chosen.count, batchSize: batchSize, seed: seed, from: cursor)
    }
    let batch = try batcher.next()
    position = number + 1
    drawn = (number, batch)
    return batch
  }

  mutating func pairs(at number: Int) throws -> [Int] {
    let batch = try batch(at: number)
    return Array(batch.indices[..<batch.filled])
  }

  /// Without dropout.
  func margins(of pairs: [Int]) throws -> [Float] {
    let scores = try network.scores(
      rows.selecting(pairs.map { chosen[$0] } + pairs.map { rejected[$0] }))
    return pairs.indices.map { Float(scores[$0] - scores[pairs.count + $0]) }
  }

  mutating func step(_ number: Int, trust: PairTrust?) throws -> StepOutcome {
    let batch = try batch(at: number)
    func isSwapped(_ place: Int) -> Bool { place < batch.filled && trust?.isSwapped[place] ?? false }
    let first = batch.indices.enumerated().map { isSwapped($0) ? rejected[$1] : chosen[$1] }
    let second = batch.indices.enumerated().map { isSwapped($0) ? chosen[$1] : rejected[$1] }
    rows.gather(first, into: &buffer.chosen)
    rows.gather(second, into: &buffer.rejected)
    try training.set(inputs.chosen, to: buffer.chosen)
    try training.set(inputs.rejected, to: buffer.rejected)
    try training.set(
      inputs.weight,
      to: batch.indices.enumerated().map { place, pair in
        place < batch.filled ? weight[pair] * (trust?.weight[place] ?? 1) : 0
      })
    return try StepOutcome(running: training, rate: optimizer.rate)
  }

  mutating func validate() throws -> [(name: String, value: Double)] {
    guard !validation.chosen.isEmpty else { return [] }
    let scores = try network.scores(rows)
    return PairMetrics(margins: validation.margins(scores), weights: validation.weight).named
  }

  /// Scores of all rows with the present parameters.
  func scores() throws -> [Double] { try network.scores(rows) }
  func parameters() throws -> [String: [Float]] { try network.save() }
  var widths: [Int] { network.widths }

  func checkpointFiles() throws -> [String: [UInt8]] {
    try TapeFiles.files(
      network.store, optimizer, metadata: ["system": FittedBradleyTerry.system, "seed": String(seed)])
  }

  mutating func restore(_ files: [String: [UInt8]]) throws {
    drawn = nil
    try TapeFiles.restore(files, into: network.store, optimizer)
  }
}
