import Foundation
import PenchantKernels
import PenchantTape
import PenchantTrain

/// A sequential recommender that has not been trained.
public struct SequenceModel<Configuration: SequenceConfiguration>: Sendable {
  public static var system: String { Configuration.system }
  public let configuration: Configuration
  public let seed: UInt64

  /// - Throws: `ConfigurationError` for a setting that cannot be.
  public init(_ configuration: Configuration, seed: UInt64 = 0) throws(ConfigurationError) {
    try configuration.validate()
    self.configuration = configuration
    self.seed = seed
  }

  /// Trains on histories; early stopping watches `validation`.
  ///
  /// - Parameters:
  ///   - vectors: of the items, for a configuration that makes them from texts.
  ///   - ranked: which items the targets of `validation` are ranked against.
  ///   - trainer: run directory, progress and interruption; its configuration is replaced by the one of this model.
  ///   - resume: goes on from the last checkpoint of the run.
  /// - Returns: the model, and how the training ended: an interrupted one can be resumed.
  /// - Throws: `ConfigurationError` when catalogues differ, nothing can be trained on or a checkpoint belongs to another
  ///   training; `NonFiniteError` when it diverges.
  public func train(
    on sequences: ItemSequences, vectors: ItemVectors? = nil, validating validation: NextItemCases? = nil,
    ranked: SeenItems = .unmasked, with trainer: Trainer? = nil, resume: Bool = false
  ) throws -> (model: FittedSequenceModel<Configuration>, ending: TrainingEnding) {
    if let validation, validation.itemCount != sequences.itemCount {
      throw ConfigurationError(
        "validation has a catalogue of \(validation.itemCount) items, training one of \(sequences.itemCount)"
      )
    }
    var task = try SequenceTask(
      sequences, vectors: vectors, validation: validation, ranked: ranked, configuration, seed: seed)
    var trainer = trainer ?? Trainer(configuration.run)
    trainer.configuration = configuration.run
    let start = TrainingState(
      seed: seed, configuration: (try configuration.canonicalText() + ranked.rawValue).checksum,
      data: vectors.map { (sequences.checksum() + $0.checksum()).checksum } ?? sequences.checksum())
    let result = try trainer.train(&task, from: start, resume: resume)
    let model = FittedSequenceModel(
      configuration: configuration, seed: seed, itemCounts: sequences.itemCounts(),
      parameters: try task.parameters(), state: result.state)
    return (model, result.ending)
  }

  /// The model of `train`.
  public func fit(
    to sequences: ItemSequences, validating validation: NextItemCases? = nil, with trainer: Trainer? = nil,
    resume: Bool = false
  ) throws -> FittedSequenceModel<Configuration> {
    try train(on: sequences, validating: validation, with: trainer, resume: resume).model
  }
}

/// A trained sequential recommender.
public struct FittedSequenceModel<Configuration: SequenceConfiguration>: FittedRecommender {
  public let configuration: Configuration
  public let seed: UInt64
  /// How often each item stood in the training histories, `[itemCount]`.
  public let itemCounts: [UInt32]
  /// Values by parameter name.
  public let parameters: [String: [Float]]
  /// How the training went.
  public let state: TrainingState

  public var itemCount: Int { itemCounts.count }
  public var parameterCount: Int { parameters.values.reduce(0) { $0 + $1.count } }

  init(
    configuration: Configuration, seed: UInt64, itemCounts: [UInt32], parameters: [String: [Float]],
    state: TrainingState
  ) {
    self.configuration = configuration
    self.seed = seed
    self.itemCounts = itemCounts
    self.parameters = parameters
    self.state = state
  }

  func network() throws -> (network: any SequenceNetwork, store: ParameterStore) {
    let network = configuration.network(itemCount: itemCount)
    return (network, try store(network.layout))
  }

  func store(_ layout: ParameterLayout) throws -> ParameterStore {
    let store = try ParameterStore(layout)
    for parameter in store.parameters {
      guard let values = parameters[parameter.name] else {
        throw CheckpointError("the parameter \"\(parameter.name)\" is missing")
      }
      try store.set(parameter, to: values)
    }
    return store
  }

  /// Log of how often each item was seen.
  var logPopularity: [Float] { itemCounts.map { Float(log(Double(max(1, $0)))) } }

  /// Scores histories, at most `histories` in one run of the network; each run costs as much, however many there are.
  public func scorer(histories: Int = 64) throws -> HistoryScorer {
    try HistoryScorer(self, histories: histories)
  }

  public func follower() throws -> SASRecRecommender? { try configuration.follower(of: self) }

  public func exhibits(
    _ split: SequenceSplit, ranked: SeenItems, seed: UInt64, own: MeasuredModel, peers: [MeasuredModel]
  ) throws -> [RecommenderExhibit] {
    try configuration.exhibits(
      of: self, split, ranked: ranked, seed: seed, own: own, peers: peers)
  }
}
