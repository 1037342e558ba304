import PenchantData
import PenchantKernels
import PenchantTrain

/// Pairs from several files over one table of distinct texts, with what each text answers.
struct PaletteTable: Sendable {
  let pairs: [PreferencePair]
  let table: PairTable
  /// One a text: the prompt under which it first stands.
  let contexts: [String]

  init(_ pairs: [PreferencePair], _ features: BradleyTerryConfiguration.Features) {
    self.pairs = pairs
    table = features.table(pairs)
    contexts = Self.contexts(table, pairs)
  }

  static func contexts(_ table: PairTable, _ pairs: [PreferencePair]) -> [String] {
    var contexts = [String?](repeating: nil, count: table.texts.count)
    for (place, pair) in pairs.enumerated() {
      for text in [table.chosen[place], table.rejected[place]] where contexts[text] == nil {
        contexts[text] = pair.prompt
      }
    }
    return contexts.map { $0 ?? "" }
  }

  /// Some of the pairs as the preference model reads them.
  ///
  /// - Parameter communities: the names in the order of the model.
  /// - Throws: `ConfigurationError` for a pair of a community that is not among them.
  func data(_ rows: [Int], _ texts: PaletteTexts, attributes: [String], communities: [String]) throws
    -> PaletteData
  {
    let places = Dictionary(uniqueKeysWithValues: communities.enumerated().map { ($1, UInt32($0)) })
    let votes = rows.compactMap { row in
      pairs[row].chosenVotes.flatMap { chosen in pairs[row].rejectedVotes.map { Float(chosen - $0) } }
    }
    return try PaletteData(
      texts: texts, attributes: attributes, communities: communities,
      chosen: rows.map { UInt32(table.chosen[$0]) },
      rejected: rows.map { UInt32(table.rejected[$0]) },
      community: try rows.map { row throws(ConfigurationError) in
        let name = table.communities[table.community[row]]
        guard let place = places[name] else {
          throw ConfigurationError("no community \"\(name)\" in the model")
        }
        return place
      }, post: rows.map { UInt32(table.post[$0]) }, weight: rows.map { table.weight[$0] },
      votes: votes.count == rows.count ? votes : [],
      annotator: table.users.count > 1 ? rows.map { UInt32(table.user[$0]) } : [])
  }

  /// The communities of some of the pairs, sorted.
  func communities(_ rows: [Int]) -> [String] {
    Set(rows.map { table.community[$0] }).sorted().map { table.communities[$0] }
  }

  /// What a fold of the content model keeps together, one a text.
  func groups(_ unit: PaletteSplit.Unit) -> [Int] {
    guard unit == .post else { return Array(table.texts.indices) }
    return firsts(table.post)
  }

  /// The communities of the texts.
  var textCommunities: [Int] { firsts(table.community) }

  private func firsts(_ values: [Int]) -> [Int] {
    var result = [Int](repeating: -1, count: table.texts.count)
    for pair in 0..<table.count {
      for text in [table.chosen[pair], table.rejected[pair]] where result[text] < 0 {
        result[text] = values[pair]
      }
    }
    return result
  }
}
