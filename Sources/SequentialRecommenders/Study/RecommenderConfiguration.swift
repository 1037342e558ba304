import PenchantData
import PenchantTrain

/// What can be set of a recommender, and how it learns from a split log. A system is added by a type of this kind and its
/// line in `Recommenders.all`.
public protocol RecommenderConfiguration: Codable, Sendable, Equatable {
  associatedtype Fitted: FittedRecommender
  /// Its name in files and on the command line.
  static var system: String { get }

  /// Whether and how items are made from what is written of them; by default they are not.
  var text: ItemText { get }

  /// The defaults.
  init()

  /// - Throws: `ConfigurationError` that names the setting, what it must be and what was found.
  func validate() throws(ConfigurationError)

  /// Learns from the training part; settings are chosen, and training is stopped, by the validation cases alone.
  ///
  /// - Parameters:
  ///   - ranked: which items the targets of validation are ranked against.
  ///   - trainer: run directory, progress and interruption; its configuration is replaced by the one of the model.
  ///   - resume: goes on from the last checkpoint of the run.
  /// - Returns: the model, and how the training ended: an interrupted one can be resumed.
  func fit(
    _ split: SequenceSplit, seed: UInt64, ranked: SeenItems, with trainer: Trainer, resume: Bool
  ) throws -> (model: Fitted, ending: TrainingEnding)

  /// Models of this kind that are trained beside it so that its gain can be told from luck; none unless told.
  ///
  /// - Parameter seed: of the model itself.
  func peers(seed: UInt64) -> [RecommenderPeer<Self>]
}

/// A model that another one of the same system is compared with.
public struct RecommenderPeer<Configuration: Sendable>: Sendable {
  /// For tables, and with `-` for blanks the folder of its checkpoints.
  public var name: String
  public var configuration: Configuration
  public var seed: UInt64
}

extension RecommenderConfiguration {
  public var text: ItemText { ItemText() }

  public func peers(seed: UInt64) -> [RecommenderPeer<Self>] { [] }
}

/// A recommender that has learnt: it scores the catalogue for a history, and can be kept in a file.
public protocol FittedRecommender: Sendable {
  associatedtype Scorer: SequenceScorer

  /// How often each item stood in the training histories, `[itemCount]`; item j stands at j - 1.
  var itemCounts: [UInt32] { get }

  /// - Parameter histories: how many are asked for at once at most; more are possible, in several turns.
  func scorer(histories: Int) throws -> Scorer

  /// What follows a history event by event at the cost of one row each; nil for a model that reads its history anew.
  func follower() throws -> SASRecRecommender?

  /// Adds the tensors of the model, and metadata of which "system" is the name of its configuration.
  func add(to file: inout SafeTensorsWriter) throws

  /// - Throws: `DataError` naming file and field when something is missing, has another shape or is not finite.
  init(reading file: SafeTensors) throws

  /// What there is to show of the model besides its metrics; none unless told.
  ///
  /// - Parameters:
  ///   - own: where the model puts the test targets.
  ///   - peers: the same of `RecommenderConfiguration.peers`, in their order.
  func exhibits(
    _ split: SequenceSplit, ranked: SeenItems, seed: UInt64, own: MeasuredModel, peers: [MeasuredModel]
  ) throws -> [RecommenderExhibit]
}

extension FittedRecommender {
  public var itemCount: Int { itemCounts.count }

  public func follower() throws -> SASRecRecommender? { nil }

  public func exhibits(
    _ split: SequenceSplit, ranked: SeenItems, seed: UInt64, own: MeasuredModel, peers: [MeasuredModel]
  ) throws -> [RecommenderExhibit] { [] }

  /// The model as a safetensors file.
  public func bytes() throws -> [UInt8] {
    var file = SafeTensorsWriter()
    try add(to: &file)
    return file.bytes()
  }

  public init(bytes: [UInt8], name: String) throws {
    try self.init(reading: SafeTensors(bytes: bytes, name: name))
  }
}
