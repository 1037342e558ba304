import ArgumentParser
import PenchantData
import PenchantTrain
import PreferenceModels

/// Options of `penchant predict par`: which shaping, and where references come from.
struct ShapingOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "predict par: \(RewardShaping.Kind.allCases.map(\.rawValue).joined(separator: ", ")).",
      valueName: "kind"))
  var shaping: String?

  @Option(help: "predict par: k, the slope of bounded shapings.")
  var slope: Double?

  @Option(help: "predict par: JSON lines with \"prompt_id\" and \"references\", for lines that bring none.")
  var references: String?

  /// Refuses for other systems what only this one reads.
  func refuse(for system: String) throws {
    let given = [
      shaping.map { _ in "--shaping" }, slope.map { _ in "--slope" }, references.map { _ in "--references" },
    ].compactMap(\.self)
    if let first = given.first { throw ConfigurationError("\(first) means nothing for a run of \(system)") }
  }

  /// The stream of a run, or that of the options alone.
  func stream(of model: FittedPAR?) throws -> ShapingStream {
    var table: [String: [Float]] = [:]
    if let references {
      var reader = try ScoredReader(references)
      table = try reader.table()
    }
    guard let model else {
      var chosen = RewardShaping()
      if let shaping {
        guard let kind = RewardShaping.Kind(rawValue: shaping) else {
          let kinds = RewardShaping.Kind.allCases.map(\.rawValue)
          let hint =
            nearestName(to: shaping, among: kinds).map { "did you mean \"\($0)\"?" }
            ?? "shapings: \(kinds.joined(separator: ", "))"
          throw ConfigurationError("\"\(clipped(shaping, 40))\" is not a shaping\n  \(hint)")
        }
        chosen.kind = kind
      }
      if let slope { chosen.slope = slope }
      return try ShapingStream(chosen, table: table)
    }
    guard shaping == nil, slope == nil else {
      throw ConfigurationError(
        "the run has a shaping of its own; --shaping and --slope go with penchant predict par")
    }
    return try model.stream(table: table)
  }
}
