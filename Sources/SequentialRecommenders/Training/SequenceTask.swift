import PenchantKernels
import PenchantTape
import PenchantTrain

/// Training of a causal backbone: a block of packed histories a step, a target at every position.
struct SequenceTask: TrainingTask {
  let network: SASRecNetwork
  let store: ParameterStore
  private let optimizer: Optimizer
  private let training: TrainingStep
  private let objective: RecordedObjective
  private let inputs: PackedInputs
  private let popularity: ItemPopularity
  private let validation: NextItemValidation?
  private let seed: UInt64
  private let metadata: [String: String]
  private var stream: PackedStream

  init(
    _ sequences: ItemSequences, validation: NextItemCases?, _ configuration: SASRecConfiguration, seed: UInt64,
    metadata: [String: String] = [:]
  ) throws {
    let windows = TrainingWindows(
      sequences, longest: configuration.model.longest, context: configuration.context)
    guard !windows.isEmpty else {
      throw ConfigurationError(
        "there is nothing to train on: no history has two items (\(sequences.count) histories)")
    }
    self.seed = seed
    self.metadata = metadata
    stream = try PackedStream(windows, rows: configuration.optimizer.rows, seed: seed)
    popularity = ItemPopularity(sequences)
    let network = SASRecNetwork(itemCount: sequences.itemCount, configuration.model)
    let store = try ParameterStore(network.layout, seed: seed)
    self.network = network
    self.store = store
    optimizer = try Optimizer(configuration.tapeOptimizer, for: store, seed: seed)
    let tape = Tape()
    inputs = PackedInputs(tape, rows: stream.block.rows, longest: configuration.model.longest)
    objective = RecordedObjective(
      configuration.objective,
      states: network.states(inputs.items, places: inputs.places, packing: inputs.packing),
      table: tape.parameter(network.items.weight))
    training = try TrainingStep(objective.loss, optimizer: optimizer)
    self.validation = try validation.map { try NextItemValidation($0, network: network, store: store) }
  }

  var stepsPerEpoch: Int { stream.blocksPerEpoch }

  mutating func step(_ number: Int) throws -> StepOutcome {
    try stream.advance(to: number)
    try inputs.set(stream.block, on: training)
    try objective.set(stream.block, on: training, popularity: popularity, seed: seed, number: number)
    return try StepOutcome(running: training, rate: optimizer.rate)
  }

  mutating func validate() throws -> [(name: String, value: Double)] {
    guard let validation else { return [] }
    return try validation.metrics().named
  }

  func checkpointFiles() throws -> [String: [UInt8]] {
    try TapeFiles.files(store, optimizer, metadata: metadata)
  }

  mutating func restore(_ files: [String: [UInt8]]) throws {
    try TapeFiles.restore(files, into: store, optimizer)
  }
}

/// What a program reads of packed histories.
struct PackedInputs {
  let items: Ids
  let places: Ids
  let packing: Packing

  init(_ tape: Tape, rows: Int, longest: Int) {
    items = tape.ids("items", [rows])
    places = tape.ids("places", [rows])
    packing = Packing(offsets: tape.ids("offsets", [rows + 1]), longest: longest)
  }

  func set(_ block: PackedHistories, on program: some Executing) throws(TapeError) {
    try program.set(items, to: block.items)
    try program.set(places, to: block.places)
    try program.set(packing.offsets, to: block.offsets)
  }
}
