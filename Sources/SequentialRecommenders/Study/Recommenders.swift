import PenchantData

/// The systems of this module, by name.
public enum Recommenders {
  public static let all: [any RecommenderConfiguration.Type] = [
    SASRecConfiguration.self, BERT4RecConfiguration.self, GRU4RecConfiguration.self, ReaRecConfiguration.self,
    PopularityConfiguration.self, MarkovConfiguration.self,
    ItemNeighboursConfiguration.self,
  ]

  /// What every other model has to beat.
  public static let baselines: [any RecommenderConfiguration.Type] = [
    PopularityConfiguration.self, MarkovConfiguration.self, ItemNeighboursConfiguration.self,
  ]

  public static func named(_ name: String) -> (any RecommenderConfiguration.Type)? {
    all.first { $0.system == name }
  }

  /// The model in a file, of whichever system.
  ///
  /// - Throws: `DataError` for a system that is not known, and what the model's own reader throws.
  static func model(_ file: SafeTensors) throws -> any FittedRecommender {
    let name = try file.text("system")
    guard let type = named(name) else {
      throw DataError(
        file: file.file, field: "system", "this is a model of \"\(clipped(name, 40))\"",
        expected: "one of \(quotedList(all.map { $0.system }))")
    }
    func read<Configuration: RecommenderConfiguration>(_ type: Configuration.Type) throws
      -> any FittedRecommender
    {
      try Configuration.Fitted(reading: file)
    }
    return try read(type)
  }
}
