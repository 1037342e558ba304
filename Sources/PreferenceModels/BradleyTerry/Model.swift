import Foundation
import PenchantData
import PenchantKernels
import PenchantTrain

/// A Bradley–Terry reward model: every text gets a score, and P(a is preferred to b) = sigmoid(score(a) - score(b)).
///
/// ```swift
/// let pairs = try PairReader("pairs.jsonl").pairs()
/// let fitted = try BradleyTerry().fit(to: PairTable(pairs)).model
/// let chance = try fitted.probability("a text", over: "another")
/// ```
/// Bradley and Terry 1952; as a model of rewards, Ouyang et al. 2022, equation 1.
public struct BradleyTerry: Sendable {
  public let configuration: BradleyTerryConfiguration
  public let seed: UInt64
  let encoder: (any TextEncoder)?

  /// - Parameter encoder: makes embeddings that are added to the built-in features.
  /// - Throws: `ConfigurationError`.
  public init(
    _ configuration: BradleyTerryConfiguration = BradleyTerryConfiguration(), seed: UInt64 = 0,
    encoder: (any TextEncoder)? = nil
  ) throws {
    try configuration.validate()
    self.configuration = configuration
    self.seed = seed
    self.encoder = encoder
  }

  /// Fits to all pairs of `table`, or to those in `train`.
  ///
  /// - Parameters:
  ///   - embeddings: rows made elsewhere, one a text of `table.texts`.
  ///   - trainer: where an MLP logs and saves.
  public func fit(
    to table: PairTable, train: [Int]? = nil, embeddings: FeatureMatrix? = nil, trainer: Trainer? = nil,
    resume: Bool = false
  ) throws -> Fit {
    let texts = try PreparedTexts(table, configuration.features, encoder: encoder, embeddings: embeddings)
    return try fit(texts, train ?? Array(0..<table.count), trainer: trainer, resume: resume)
  }

  /// A fitted model with what the fit knows besides.
  public struct Fit: Sendable {
    public var model: FittedBradleyTerry
    /// Calibrated scores of all texts of the table, those of pairs that were not trained on too.
    public var scores: [Double]
    /// Features of all texts of the table.
    let rows: FeatureMatrix
    public var ending: TrainingEnding
    /// What `robust.method` lcpo found of the training labels.
    public var labels: LabelReport?
  }

  func fit(_ texts: PreparedTexts, _ train: [Int], trainer: Trainer? = nil, resume: Bool = false) throws
    -> Fit
  {
    guard !train.isEmpty else { throw ConfigurationError("there is no pair to train on") }
    let (pipeline, rows) = try texts.fit(train)
    switch configuration.model.head {
    case .linear:
      let (head, temperature, scores, labels) = try fitLinear(texts.table, train, rows)
      let model = FittedBradleyTerry(
        configuration: configuration, seed: seed, pipeline: pipeline, head: .linear(head),
        temperature: temperature)
      return Fit(
        model: model, scores: scores.map { $0 / temperature }, rows: rows, ending: .finished, labels: labels)
    case .mlp:
      return try fitMLP(texts.table, train, rows, pipeline, trainer: trainer, resume: resume)
    }
  }

  /// Scores of all texts, not calibrated, by linear fits to pairs with other weights; features and penalty stay.
  ///
  /// - Parameter factors: of each fit, what every pair of the table counts.
  func scores(_ texts: PreparedTexts, _ train: [Int], counting factors: [[Float]], ridge: Double) throws
    -> [[Double]]
  {
    let table = texts.table
    let space = try LinearSpace(texts.fit(train).rows)
    let start = try space.fit(PairSelection(table, train), ridge: ridge, tolerance: 1e-3).coefficients
    return try parallelMap(factors.count) { draw in
      let counted = train.filter { factors[draw][$0] > 0 }
      return try space.fit(
        PairSelection(table, counted, factors: factors[draw]), ridge: ridge, tolerance: 1e-4, from: start
      ).scores
    }
  }

  private func fitMLP(
    _ table: PairTable, _ train: [Int], _ features: FeatureMatrix, _ pipeline: FeaturePipeline,
    trainer: Trainer?, resume: Bool
  ) throws -> Fit {
    let share = configuration.data.validation
    let held = Int((Double(train.count) * share).rounded())
    let split =
      held > 0 && held < train.count
      ? try Split.random(count: train.count, testFraction: share, seed: seed)
      : Split(name: "", train: Array(train.indices), test: [])
    let (inside, validation) = (split.train.map { train[$0] }, split.test.map { train[$0] })
    var rows = DenseRows(features, projection: configuration.model.projection)
    let (mean, scale) = rows.moments(table.texts(ofPairs: inside))
    rows.standardise(mean, scale)
    let base = try MLPTask(
      rows: rows, table: table, train: inside, validation: validation, configuration: configuration,
      seed: seed)
    let run = configuration.run
    let annotators = inside.map { UInt32(table.user[$0]) }
    var training = try RobustTraining(
      base, configuration.robust, annotators: annotators, weights: inside.map { Double(table.weight[$0]) },
      steps: run.total(stepsPerEpoch: base.stepsPerEpoch))
    var state = TrainingState(seed: seed)
    state.configuration = try checksum()
    let result = try (trainer ?? Trainer(configuration.run)).train(&training, from: state, resume: resume)
    let task = training.base
    let labels = try training.labels(pairs: inside, names: table.users)
    let scores = try task.scores()
    let temperature =
      configuration.objective.calibrate
      ? TemperatureScaling(
        fitting: PairSelection(table, validation).margins(scores),
        weights: validation.map { Double(table.weight[$0]) }
      ).temperature : 1
    let head = MLPHead(
      widths: task.widths, parameters: try task.parameters(), inputMean: mean, inputScale: scale,
      state: result.state)
    let model = FittedBradleyTerry(
      configuration: configuration, seed: seed, pipeline: pipeline, head: .mlp(head), temperature: temperature
    )
    return Fit(
      model: model, scores: scores.map { $0 / temperature }, rows: features, ending: result.ending,
      labels: labels)
  }

  /// A resumed training must have the same settings.
  private func checksum() throws -> String {
    XXHash64.hex(Array(try ConfigurationLayers<BradleyTerryConfiguration>.text(configuration).utf8))
  }

  private func fitLinear(
    _ table: PairTable, _ train: [Int], _ rows: FeatureMatrix
  ) throws -> (LinearHead, temperature: Double, scores: [Double], labels: LabelReport?) {
    let space = try LinearSpace(rows)
    let search = try space.search(
      table, train, ridges: configuration.objective.ridges, folds: configuration.objective.folds, seed: seed,
      calibrate: configuration.objective.calibrate)
    let soft = try softLabels(table, train, space, ridge: search.ridge)
    let pairs = PairSelection(table, train, right: soft?.right)
    let solution = try space.fit(pairs, ridge: search.ridge)
    let weights = try space.features.weights(coefficients: solution.coefficients)
    let head = LinearHead(
      weights: weights.map(Float.init),
      standardErrors: try space.standardErrors(
        pairs, ridge: search.ridge, at: solution.scores)?.map(Float.init),
      ridge: search.ridge, heldOutLoss: search.losses, newtonSteps: solution.newtonSteps,
      converged: solution.converged)
    // κ fits the chance of the clean preference; the temperature of the search would fit that of the observed label.
    let temperature =
      configuration.objective.calibrate ? soft?.report.map { 1 / $0.slope } ?? search.temperature : 1
    return (head, temperature, solution.scores, soft?.report)
  }
}

/// Weights of a linear model and how they were found.
public struct LinearHead: Sendable {
  /// One a feature: n-grams, style columns, embedding.
  public let weights: [Float]
  /// One a weight, from the curvature of the penalised likelihood; nil for more than 1024 features.
  public let standardErrors: [Float]?
  public let ridge: Double
  /// Log-loss of held-out folds for each ridge that was tried.
  public let heldOutLoss: [Double: Double]
  public let newtonSteps: Int
  public let converged: Bool
}

/// A fitted reward model.
public struct FittedBradleyTerry: Sendable {
  enum Head: Sendable {
    case linear(LinearHead)
    case mlp(MLPHead)
  }
  public let configuration: BradleyTerryConfiguration
  public let seed: UInt64
  let pipeline: FeaturePipeline
  let head: Head
  /// Scores are divided by this, so that sigmoid(margin) is a chance.
  public let temperature: Double

  /// The weights of a linear head.
  public var linear: LinearHead? { if case .linear(let head) = head { head } else { nil } }

  /// Pairs as a table of the texts that this model scores: responses, or prompt and response.
  public func table(_ pairs: [PreferencePair]) -> PairTable { configuration.features.table(pairs) }

  /// One score a text, calibrated; only differences mean something.
  public func score(_ texts: [String]) throws -> [Double] {
    try score(pipeline.features(texts))
  }

  /// The chance that `first` is preferred to `second`.
  public func probability(_ first: String, over second: String) throws -> Double {
    let scores = try score([first, second])
    return sigmoid(scores[0] - scores[1])
  }

  func score(_ rows: FeatureMatrix) throws -> [Double] {
    switch head {
    case .linear(let head):
      guard rows.width == head.weights.count else {
        throw ConfigurationError(
          "the features have \(rows.width) columns, the model was fitted to \(head.weights.count)")
      }
      return try FeatureProducts(rows).scores(weights: head.weights.map(Double.init)).map { $0 / temperature }
    case .mlp(let head):
      return try head.scores(DenseRows(rows, projection: configuration.model.projection)).map {
        $0 / temperature
      }
    }
  }

  /// The features that speak most for and against a text: name, weight.
  public func strongest(_ count: Int) -> [(name: String, weight: Float)] {
    guard let head = linear, let featuriser = pipeline.featuriser else { return [] }
    let first = featuriser.width - StyleFeatures.names.count
    guard head.weights.count >= featuriser.width else { return [] }
    var named: [(name: String, weight: Float)] = []
    for column in first..<featuriser.width {
      named.append((featuriser.columnName(column), head.weights[column]))
    }
    named.sort { abs($0.weight) == abs($1.weight) ? $0.name < $1.name : abs($0.weight) > abs($1.weight) }
    return Array(named.prefix(count))
  }
}
