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
    let cross: CrossFit
  }

  /// - Parameter group: what a fold keeps together, one a text of the table: the text itself, its post, its community.
  static func fit(
    _ texts: PreparedTexts, train: [Int], group: [Int], _ configuration: TextPaletteConfiguration,
    seed: UInt64
  ) throws -> Fit {
    let whole = try BradleyTerry(configuration.contentModel, seed: seed, encoder: texts.encoder).fit(
      texts, train)
    let cross = try CrossFit(
      texts, train: train, group: group, folds: configuration.content.folds, whole.model, seed: seed)
    let projection = try PaletteProjection(
      whole.rows, inside: cross.inside, columns: configuration.content.width - 1)
    let scores = try cross.scores(
      counting: [[Float](repeating: 1, count: texts.table.count)], whole: [whole.scores])[0]
    return Fit(
      content: PaletteContent(reward: whole.model, projection: projection),
      columns: join(scores, try projection(whole.rows), projection.columns), scores: whole.scores,
      cross: cross)
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
}
