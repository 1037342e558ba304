import PenchantData
import PenchantKernels
import PenchantTrain

/// What the preference model reads of a text besides its attributes, h `[d]`: the score of a content-only Bradley–Terry
/// model in log-odds, then principal components of the text's features.
///
/// With the score as its first column, "content and attributes" starts where the best content-only model ends, so that a
/// gain over it is one of the attributes.
struct PaletteContent: Sendable {
  let reward: FittedBradleyTerry
  let projection: PaletteProjection

  var width: Int { 1 + projection.columns }

  /// h of any texts, `[N, d]`.
  func columns(_ texts: [String]) throws -> [Float] {
    let rows = try reward.pipeline.features(texts)
    return Self.join(try reward.score(rows), try projection(rows), projection.columns)
  }

  /// Content of the texts of a table, fitted to some of its pairs.
  struct Fit {
    var content: PaletteContent
    /// h of all texts, `[N, d]`; that of a training text has a score by a model that has not seen it.
    var columns: [Float]
    /// Scores of all texts by the content model of all training pairs: for pairs that were not trained on.
    var scores: [Double]
  }

  /// - Parameter group: what a fold keeps together, one a text of the table: the text itself, its post, its community.
  static func fit(
    _ texts: PreparedTexts, train: [Int], group: [Int], _ configuration: TextPaletteConfiguration, seed: UInt64
  ) throws -> Fit {
    let table = texts.table
    let whole = try BradleyTerry(configuration.contentModel, seed: seed, encoder: texts.encoder).fit(texts, train)
    let inside = table.texts(ofPairs: train)
    var scores = whole.scores
    let centre = inside.map { scores[$0] }.sum() / Double(max(1, inside.count))
    let fold = try folds(group, inside, configuration.content.folds, seed: seed)
    // The ridge that all pairs chose; choosing anew in every fold costs a search each.
    var fixed = configuration.contentModel
    fixed.objective.ridges = [whole.model.linear?.ridge ?? 1]
    fixed.objective.calibrate = false
    let outside = try BradleyTerry(fixed, seed: seed, encoder: texts.encoder)
    let (temperature, count) = (whole.model.temperature, configuration.content.folds)
    let unseen = try parallelMap(count) { part -> [Double]? in
      let pairs = train.filter { fold[table.chosen[$0]] != part && fold[table.rejected[$0]] != part }
      return pairs.isEmpty ? nil : try outside.fit(texts, pairs).scores
    }
    for (part, values) in unseen.enumerated() {
      guard let values else { continue }
      // Models of two folds have each an origin of their own.
      let origin = inside.map { values[$0] }.sum() / Double(inside.count)
      for text in inside where fold[text] == part { scores[text] = centre + (values[text] - origin) / temperature }
    }
    let rows = try whole.model.pipeline.features(table.texts)
    let projection = try PaletteProjection(rows, inside: inside, columns: configuration.content.width - 1)
    return Fit(
      content: PaletteContent(reward: whole.model, projection: projection),
      columns: join(scores, try projection(rows), projection.columns), scores: whole.scores)
  }

  /// The fold of each text; texts of a group are in one.
  private static func folds(_ group: [Int], _ inside: [Int], _ count: Int, seed: UInt64) throws -> [Int] {
    let groups = Set(inside.map { group[$0] }).sorted()
    let order = try permutation(groups.count, seed: seed, stream: stream)
    var fold = [Int: Int](minimumCapacity: groups.count)
    for (place, name) in order.enumerated() { fold[groups[Int(name)]] = place % count }
    return group.map { fold[$0] ?? -1 }
  }

  private static func join(_ scores: [Double], _ components: [Float], _ columns: Int) -> [Float] {
    var values: [Float] = []
    values.reserveCapacity(scores.count * (1 + columns))
    for (row, score) in scores.enumerated() {
      values.append(Float(score))
      values += components[row * columns..<(row + 1) * columns]
    }
    return values
  }

  private static let stream: UInt64 = 0x504C_434F_0000_0000
}
