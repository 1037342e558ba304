import PenchantData
import PenchantTrain

/// Popularity has nothing to set.
public struct PopularityConfiguration: RecommenderConfiguration {
  public static let system = "popularity"

  public init() {}
  public func validate() throws(ConfigurationError) {}

  public func fit(
    _ split: SequenceSplit, seed: UInt64, ranked: SeenItems, with trainer: Trainer, resume: Bool
  ) throws -> (model: PopularityModel, ending: TrainingEnding) {
    (PopularityModel(split.train), .finished)
  }
}

extension PopularityModel: FittedRecommender {
  public func scorer(histories: Int) throws -> PopularityModel { self }

  public func add(to file: inout SafeTensorsWriter) throws {
    file.metadata["system"] = PopularityConfiguration.system
    file.metadata["format"] = "1"
    try file.add(ItemCountsTensor.name, shape: [itemCount], itemCounts)
  }

  public init(reading file: SafeTensors) throws { self.init(itemCounts: try ItemCountsTensor.read(file)) }
}
