import PenchantTape
import PenchantTrain

/// A backbone: layers that turn packed histories into states, and the table of items that states are scored against.
public protocol SequenceNetwork: Sendable {
  var layout: ParameterLayout { get }
  var itemCount: Int { get }
  /// Floats of a state.
  var width: Int { get }
  /// Rows of the longest history that is read, with the row that asks for the next item when there is one.
  var longest: Int { get }
  /// `[itemCount, width]`: the score of an item is the inner product of its row with a state, plus its bias.
  var table: Parameter { get }
  /// `[itemCount]`, or none.
  var bias: Parameter? { get }
  /// Whether a masked row behind the last item asks for the next one; else the state of the last item does.
  var asksByMask: Bool { get }

  /// What a state is where it is scored against the table, `[…, width]`; by default itself.
  func query(_ state: Tensor) -> Tensor

  /// States `[rows, width]`.
  func states(_ inputs: PackedInputs) -> Tensor
  /// What scores the item that follows each question's history, `[questions, width]`; by default the state of its last row.
  func answers(_ inputs: PackedInputs, _ questions: Questions) -> Tensor
}

extension SequenceNetwork {
  public var bias: Parameter? { nil }
  public func query(_ state: Tensor) -> Tensor { state }
  public var asksByMask: Bool { false }
  public func answers(_ inputs: PackedInputs, _ questions: Questions) -> Tensor {
    states(inputs).embedding(questions.last)
  }
  /// Items of the longest history that is read.
  var longestHistory: Int { longest - (asksByMask ? 1 : 0) }
}

/// What can be set of a recommender that is a backbone with an objective, and what it makes.
public protocol SequenceConfiguration: RecommenderConfiguration {
  var run: TrainerConfiguration { get set }
  func network(itemCount: Int) -> any SequenceNetwork
  var training: SequenceTraining { get }
  /// As `FittedRecommender.follower`, of a model of this configuration.
  func follower(of model: FittedSequenceModel<Self>) throws -> SASRecRecommender?
  /// As `FittedRecommender.exhibits`, of a model of this configuration.
  func exhibits(
    of model: FittedSequenceModel<Self>, _ split: SequenceSplit, ranked: SeenItems, seed: UInt64,
    own: MeasuredModel, peers: [MeasuredModel]
  ) throws -> [RecommenderExhibit]
}

extension SequenceConfiguration {
  public func follower(of model: FittedSequenceModel<Self>) throws -> SASRecRecommender? { nil }

  public func exhibits(
    of model: FittedSequenceModel<Self>, _ split: SequenceSplit, ranked: SeenItems, seed: UInt64,
    own: MeasuredModel, peers: [MeasuredModel]
  ) throws -> [RecommenderExhibit] { [] }

  public func fit(
    _ split: SequenceSplit, seed: UInt64, ranked: SeenItems, with trainer: Trainer, resume: Bool
  ) throws -> (model: FittedSequenceModel<Self>, ending: TrainingEnding) {
    try SequenceModel(self, seed: seed).train(
      on: split.train, vectors: split.vectors,
      validating: split.validation.count > 0 ? split.validation : nil, ranked: ranked, with: trainer,
      resume: resume)
  }
}

/// How a backbone is trained.
public struct SequenceTraining: Sendable {
  public var objective: NextItemObjective
  /// Which items are hidden and predicted; nil predicts the next item at every position.
  public var cloze: Cloze?
  /// Items of a window that repeat the one before.
  public var context: Int
  /// Rows a step.
  public var rows: Int
  public var optimizer: OptimizerConfiguration
  /// Epochs over which parameters are averaged, exponentially; the average is validated and kept. 0 for none.
  public var averagedEpochs = 0.0
  /// How items are made where they are not learnt one by one.
  public var text = ItemText()
  /// Whether every prefix of a history is a sample of its own that asks for the item behind it alone, as a network must be
  /// trained whose states see what follows them.
  public var everyPrefix = false
}

/// Hiding items of a history so that both sides of it predict them (Devlin et al. 2019; Sun et al. 2019).
public struct Cloze: Codable, Sendable, Equatable {
  /// Share of the items that is hidden; at least one of a history.
  public var share: Float = 0.2
  /// Share of the histories that hide their last item alone, as prediction does.
  public var last: Float = 0.2
  public init() {}
}
