import PenchantData
import PenchantKernels
import PenchantTrain

/// What can be set of the Markov model; a list is what validation chooses from.
public struct MarkovConfiguration: RecommenderConfiguration {
  public static let system = "markov"

  public struct Model: Codable, Sendable, Equatable {
    /// λ: how many transitions popularity counts for.
    public var smoothing = MarkovModel.Configuration.grid.map(\.smoothing)
    public init() {}
  }
  public var model = Model()

  public init() {}

  public func validate() throws(ConfigurationError) {
    guard !model.smoothing.isEmpty, model.smoothing.allSatisfy({ $0 > 0 && $0.isFinite }) else {
      throw ConfigurationError(
        "model.smoothing must be a list of numbers above 0, found \(model.smoothing)")
    }
  }

  public func fit(
    _ split: SequenceSplit, seed: UInt64, ranked: SeenItems, with trainer: Trainer, resume: Bool
  ) throws -> (model: MarkovModel, ending: TrainingEnding) {
    let grid = self.model.smoothing.map { MarkovModel.Configuration(smoothing: $0) }
    let first = try MarkovModel(split.train, grid[0])
    func model(_ configuration: MarkovModel.Configuration) -> MarkovModel {
      MarkovModel(first.transitions, itemCounts: first.itemCounts, configuration)
    }
    let chosen = try BaselineChoice.configuration(
      grid, on: split.validation, seen: ranked, seed: seed, shouldStop: trainer.shouldStop, fit: model)
    return (model(chosen ?? grid[0]), chosen == nil ? .interrupted : .finished)
  }
}

extension MarkovModel: FittedRecommender {
  public func scorer(histories: Int) throws -> MarkovModel { self }

  public func add(to file: inout SafeTensorsWriter) throws {
    file.metadata["system"] = MarkovConfiguration.system
    file.metadata["format"] = "1"
    file.metadata["configuration"] = try canonical(configuration)
    try file.add(ItemCountsTensor.name, shape: [itemCount], itemCounts)
    try file.add("transitions.starts", shape: [itemCount + 1], transitions.starts)
    try file.add("transitions.items", shape: [transitions.columns.count], transitions.columns)
    try file.add("transitions.counts", shape: [transitions.counts.count], transitions.counts)
  }

  public init(reading file: SafeTensors) throws {
    let configuration = try file.value("configuration", Configuration.self)
    try configuration.validate()
    let counts = try ItemCountsTensor.read(file)
    let columns = try file.places("transitions.items", below: counts.count)
    let transitions = CountMatrix(
      starts: try file.starts("transitions.starts", rows: counts.count, end: columns.count), columns: columns,
      counts: try file.places("transitions.counts", below: Int(UInt32.max)))
    guard transitions.counts.count == columns.count else {
      throw DataError(
        file: file.file, field: "transitions.counts",
        "\(transitions.counts.count) counts of \(columns.count) transitions")
    }
    self.init(transitions, itemCounts: counts, configuration)
  }

  public func exhibits(
    _ split: SequenceSplit, ranked: SeenItems, seed: UInt64, own: MeasuredModel, peers: [MeasuredModel]
  ) -> [RecommenderExhibit] {
    [
      RecommenderExhibit(
        title: "What validation chose", header: ["setting", "value"],
        rows: [["weight of popularity (λ)", "\(configuration.smoothing)"]])
    ]
  }
}
