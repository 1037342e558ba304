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
  ///   - trainer: run directory, progress and interruption; its configuration is replaced by the one of this model.
  ///   - resume: goes on from the last checkpoint of the run.
  public func fit(
    to sequences: ItemSequences, validating validation: NextItemCases? = nil, with trainer: Trainer? = nil,
    resume: Bool = false
  ) throws -> FittedSequenceModel<Configuration> {
    if let validation, validation.itemCount != sequences.itemCount {
      throw ConfigurationError(
        "validation has a catalogue of \(validation.itemCount) items, training one of \(sequences.itemCount)"
      )
    }
    var task = try SequenceTask(sequences, validation: validation, configuration, seed: seed)
    var trainer = trainer ?? Trainer(configuration.run)
    trainer.configuration = configuration.run
    let start = TrainingState(
      seed: seed, configuration: try configuration.canonicalText().checksum, data: sequences.checksum())
    let result = try trainer.train(&task, from: start, resume: resume)
    return FittedSequenceModel(
      configuration: configuration, seed: seed, itemCounts: ItemPopularity(sequences).counts,
      parameters: try task.store.copies(), state: result.state)
  }
}

/// A trained sequential recommender.
public struct FittedSequenceModel<Configuration: SequenceConfiguration>: Sendable {
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

  /// Scores whole batches of histories.
  public func scorer() throws -> HistoryScorer { try HistoryScorer(self) }

  /// Metrics over held-out cases, ranked among the whole catalogue.
  public func evaluate(_ cases: NextItemCases, masked: Bool = false) throws -> NextItemMetrics {
    let (network, store) = try network()
    return try NextItemValidation(cases, network: network, store: store).metrics(masked: masked)
  }
}
