import ArgumentParser

/// Options of systems that learn from a log of interactions; every one is a setting of the section `log`, or a file.
struct LogOptions: ParsableArguments {
  @Option(help: "Events that every user and item must have; 0, the default, keeps all (log.core).")
  var core: Int?

  @Option(help: "leave-one-out, time, or file: the parts that the log names (log.split).")
  var split: String?

  @Option(help: "Lowest rating that counts as an event (log.rating).")
  var rating: Double?

  @Flag(help: "Decide by ranks without the items of the history (log.ranked: masked); both are always shown.")
  var masked = false

  @Option(help: "Descriptions of items: titles for recommendations and the report.")
  var items: String?

  /// Those that were used.
  var given: [String] {
    [
      core.map { _ in "--core" }, split.map { _ in "--split" }, rating.map { _ in "--rating" },
      masked ? "--masked" : nil, items.map { _ in "--items" },
    ].compactMap(\.self)
  }

  /// As settings.
  var settings: [(key: String, value: String)] {
    [
      core.map { ("log.core", "\($0)") }, split.map { ("log.split", quoted($0)) },
      rating.map { ("log.rating", "\($0)") }, masked ? ("log.ranked", "masked") : nil,
    ].compactMap(\.self)
  }
}
