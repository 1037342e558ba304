import PenchantKernels
import PenchantTape
import PenchantTrain

/// Training of a backbone: a block of packed histories a step.
struct SequenceTask: TrainingTask {
  let store: ParameterStore
  /// What is validated and kept: the store itself, or the moving average of its values.
  private let kept: ParameterStore
  private let optimizer: Optimizer
  private let training: TrainingStep
  private let objective: any RecordedLoss
  private let inputs: PackedInputs
  private let popularity: ItemPopularity
  private let validation: NextItemValidation?
  /// Makes the items of `kept` where they are not learnt one by one.
  private let items: TextItems.Writer?
  private let seed: UInt64
  private let metadata: [String: String]
  private var stream: PackedStream

  init(
    _ sequences: ItemSequences, vectors: ItemVectors? = nil, validation: NextItemCases?,
    ranked: SeenItems = .unmasked,
    _ configuration: some SequenceConfiguration, seed: UInt64, metadata: [String: String] = [:]
  ) throws {
    let network = configuration.network(itemCount: sequences.itemCount)
    let settings = configuration.training
    let windows = TrainingWindows(
      sequences, longest: network.longest - (settings.cloze == nil ? 0 : 1), context: settings.context,
      everyPrefix: settings.everyPrefix)
    guard !windows.isEmpty else {
      throw ConfigurationError(
        "there is nothing to train on: no history has two items (\(sequences.count) histories)")
    }
    self.seed = seed
    self.metadata = metadata
    stream = try PackedStream(windows, rows: settings.rows, cloze: settings.cloze, seed: seed)
    popularity = ItemPopularity(sequences)
    let text = try Self.text(settings.text, vectors, network)
    let layout = text?.layout ?? network.layout
    let store = try ParameterStore(layout, seed: seed)
    self.store = store
    var optimizing = settings.optimizer
    let averagedSteps = settings.averagedEpochs * Double(stream.blocksPerEpoch)
    if averagedSteps > 1 { optimizing.average = 1 - 1 / averagedSteps }
    let kept = averagedSteps > 1 ? try ParameterStore(layout, seed: seed) : store
    self.kept = kept
    optimizer = try Optimizer(optimizing, for: store, seed: seed)
    items = try text?.writer(kept)
    let tape = Tape()
    text?.bind(on: tape)
    inputs = PackedInputs(tape, rows: stream.block.rows, longest: network.longest)
    objective =
      (network as? any LossRecording)?.record(inputs, rows: stream.block.rows, on: tape)
      ?? RecordedObjective(
        settings.objective, states: network.query(network.states(inputs)),
        table: tape.parameter(network.table),
        bias: network.bias.map(tape.parameter))
    training = try TrainingStep(objective.loss, optimizer: optimizer)
    self.validation = try validation.map {
      try NextItemValidation($0, ranked: ranked, network: network, store: kept)
    }
  }

  var stepsPerEpoch: Int { stream.blocksPerEpoch }

  mutating func step(_ number: Int) throws -> StepOutcome {
    try stream.advance(to: number)
    try inputs.set(stream.block, on: training)
    try objective.set(stream.block, on: training, popularity: popularity, seed: seed, number: number)
    return try StepOutcome(running: training, rate: optimizer.rate)
  }

  private static func text(
    _ text: ItemText, _ vectors: ItemVectors?, _ network: any SequenceNetwork
  ) throws -> TextItems? {
    guard text.form != .none, let network = network as? any ItemTableNetwork else { return nil }
    guard let vectors else {
      throw ConfigurationError(
        "text.form is \(text.form.rawValue), which makes items from what is written of them, but nothing is known of the items"
          + "\n  pass --items FILE with their titles or texts")
    }
    guard vectors.itemCount == network.itemCount else {
      throw ConfigurationError(
        "there are vectors of \(vectors.itemCount) items, but the catalogue has \(network.itemCount)")
    }
    return TextItems(text, vectors, for: network)
  }

  mutating func validate() throws -> [(name: String, value: Double)] {
    guard let validation else { return [] }
    try settle()
    return try validation.metrics()
  }

  /// Brings what is kept up to date.
  private func settle() throws {
    try optimizer.copyAverage(to: kept)
    try items?.write()
  }

  /// All values that are kept, by name.
  func parameters() throws -> [String: [Float]] {
    try settle()
    return try kept.copies()
  }

  func checkpointFiles() throws -> [String: [UInt8]] {
    try TapeFiles.files(store, optimizer, metadata: metadata)
  }

  mutating func restore(_ files: [String: [UInt8]]) throws {
    try TapeFiles.restore(files, into: store, optimizer)
  }
}

/// What a program reads of packed histories.
public struct PackedInputs {
  /// `[rows]`, from 0; `UInt32.max` for a hidden item.
  public let items: Ids
  /// `[rows]`, the place of each item in its history.
  public let places: Ids
  /// `[rows]`, 0 for a hidden item, `UInt32.max` for any other.
  public let hidden: Ids
  public let packing: Packing

  init(_ tape: Tape, rows: Int, longest: Int) {
    items = tape.ids("items", [rows])
    places = tape.ids("places", [rows])
    hidden = tape.ids("hidden", [rows])
    packing = Packing(offsets: tape.ids("offsets", [rows + 1]), longest: longest)
  }

  func set(_ block: PackedHistories, on program: some Executing) throws(TapeError) {
    try program.set(items, to: block.items)
    try program.set(places, to: block.places)
    try program.set(hidden, to: block.items.map { $0 == UInt32.max ? 0 : UInt32.max })
    try program.set(packing.offsets, to: block.offsets)
  }
}
