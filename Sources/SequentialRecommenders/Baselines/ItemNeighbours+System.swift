import PenchantData
import PenchantKernels
import PenchantTrain

/// What can be set of item-based neighbours; a list is what validation chooses from.
public struct ItemNeighboursConfiguration: RecommenderConfiguration {
  public static let system = "itemknn"

  public struct Model: Codable, Sendable, Equatable {
    /// Similar items that are kept of each.
    public var neighbours = ItemNeighbours.Configuration().neighbours
    /// λ: how many users a similarity of rare items is short of.
    public var shrinkage = [0.0, 10, 50]
    /// What an item counts for, relative to the one after it.
    public var decay = [0.5, 0.8, 1]
    public init() {}
  }
  public var model = Model()

  public init() {}

  public func validate() throws(ConfigurationError) {
    guard model.neighbours >= 1 else {
      throw ConfigurationError("model.neighbours must be 1 or more, found \(model.neighbours)")
    }
    guard !model.shrinkage.isEmpty, model.shrinkage.allSatisfy({ $0 >= 0 && $0.isFinite }) else {
      throw ConfigurationError(
        "model.shrinkage must be a list of numbers from 0, found \(model.shrinkage)")
    }
    guard !model.decay.isEmpty, model.decay.allSatisfy({ $0 > 0 && $0 <= 1 }) else {
      throw ConfigurationError(
        "model.decay must be a list of numbers above 0 to 1, found \(model.decay)")
    }
  }

  public func fit(
    _ split: SequenceSplit, seed: UInt64, ranked: SeenItems, with trainer: Trainer, resume: Bool
  ) throws -> (model: ItemNeighbours, ending: TrainingEnding) {
    let together = try CoOccurrences(split.train)
    let grid = model.decay.flatMap { decay in
      model.shrinkage.map {
        ItemNeighbours.Configuration(neighbours: model.neighbours, shrinkage: $0, decay: decay)
      }
    }
    let chosen = try BaselineChoice.configuration(
      grid, on: split.validation, seen: ranked, seed: seed, shouldStop: trainer.shouldStop
    ) { try ItemNeighbours(together, $0) }
    return (try ItemNeighbours(together, chosen ?? grid[0]), chosen == nil ? .interrupted : .finished)
  }
}

extension ItemNeighbours: FittedRecommender {
  public func scorer(histories: Int) throws -> ItemNeighbours { self }

  public func add(to file: inout SafeTensorsWriter) throws {
    file.metadata["system"] = ItemNeighboursConfiguration.system
    file.metadata["format"] = "1"
    file.metadata["configuration"] = try canonical(configuration)
    try file.add(ItemCountsTensor.name, shape: [itemCount], itemCounts)
    try file.add("neighbours.starts", shape: [itemCount + 1], starts)
    try file.add("neighbours.items", shape: [neighbours.count], neighbours.map(\.item))
    try file.add("neighbours.similarities", shape: [neighbours.count], neighbours.map(\.similarity))
  }

  public init(reading file: SafeTensors) throws {
    let configuration = try file.value("configuration", Configuration.self)
    try configuration.validate()
    let counts = try ItemCountsTensor.read(file)
    let items = try file.places("neighbours.items", below: counts.count)
    let similarities = try file.floats("neighbours.similarities", shape: [items.count], finite: true)
    self.init(
      starts: try file.starts("neighbours.starts", rows: counts.count, end: items.count),
      zip(items, similarities).map { Neighbour(item: $0, similarity: $1) }, itemCounts: counts, configuration)
  }

  public func exhibits(
    _ split: SequenceSplit, ranked: SeenItems, seed: UInt64, own: MeasuredModel, peers: [MeasuredModel]
  ) -> [RecommenderExhibit] {
    [
      RecommenderExhibit(
        title: "What validation chose", header: ["setting", "value"],
        rows: [
          ["shrinkage (λ)", "\(configuration.shrinkage)"],
          ["decay over the history", "\(configuration.decay)"],
        ])
    ]
  }
}
