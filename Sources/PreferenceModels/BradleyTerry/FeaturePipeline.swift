import Foundation
import PenchantData
import PenchantKernels
import PenchantTrain

/// Texts in, rows of features out: n-grams, style columns, embeddings of an encoder, side by side.
struct FeaturePipeline: Sendable {
  let configuration: BradleyTerryConfiguration.Features
  let featuriser: FittedFeaturiser?
  let encoder: (any TextEncoder)?

  func features(_ texts: [String]) throws -> FeatureMatrix {
    let builtin = featuriser.map { $0.encode(texts) }
    let embeddings = try encoder.map { try $0.encode(texts) }
    return try Self.join(builtin, embeddings, weight: configuration.encoderWeight)
  }

  /// Columns of `builtin`, then those of `embeddings` with rows scaled to the length `weight`.
  static func join(_ builtin: FeatureMatrix?, _ embeddings: FeatureMatrix?, weight: Float) throws
    -> FeatureMatrix
  {
    guard let embeddings else {
      guard let builtin else {
        throw ConfigurationError(
          "features.builtin is false and features.encoder is empty: there is nothing to learn from")
      }
      return builtin
    }
    let (rows, own) = (embeddings.rows, embeddings.denseWidth)
    let before = builtin?.denseWidth ?? 0
    let width = before + own
    var dense = [Float](repeating: 0, count: rows * width)
    for row in 0..<rows {
      if let builtin {
        for column in 0..<before { dense[row * width + column] = builtin.dense[row * before + column] }
      }
      var squares = 0.0
      for column in 0..<own {
        let value = Double(embeddings.dense[row * own + column])
        squares += value * value
      }
      let scale = squares > 0 ? weight / Float(squares.squareRoot()) : 0
      for column in 0..<own {
        dense[row * width + before + column] = embeddings.dense[row * own + column] * scale
      }
    }
    guard let builtin else { return try FeatureMatrix(rows: rows, width: width, dense: dense) }
    return try FeatureMatrix(
      rows: rows, sparseWidth: builtin.sparseWidth, rowStarts: builtin.rowStarts, columns: builtin.columns,
      values: builtin.values, denseWidth: width, dense: dense)
  }
}

/// The texts of a data set with everything that does not depend on a split: n-gram counts, embeddings.
struct PreparedTexts: Sendable {
  let table: PairTable
  let configuration: BradleyTerryConfiguration.Features
  let analysis: TextAnalysis?
  let encoder: (any TextEncoder)?
  let embeddings: FeatureMatrix?

  /// - Parameter embeddings: rows made elsewhere, one a text of `table`; then no encoder runs.
  init(
    _ table: PairTable, _ configuration: BradleyTerryConfiguration.Features, encoder: (any TextEncoder)?,
    embeddings: FeatureMatrix? = nil
  ) throws {
    self.table = table
    self.configuration = configuration
    self.encoder = encoder
    analysis = configuration.builtin ? try TextFeaturiser(configuration.featuriser).analyse(table.texts) : nil
    if let embeddings {
      guard embeddings.rows == table.texts.count, embeddings.sparseWidth == 0 else {
        throw ConfigurationError("\(embeddings.rows) embeddings for \(table.texts.count) texts")
      }
      self.embeddings = embeddings
    } else {
      self.embeddings = try encoder.map { try $0.encode(table.texts) }
    }
  }

  /// Rows for all texts, with document counts and deviations from the texts of the given pairs only.
  func fit(_ train: [Int]) throws -> (pipeline: FeaturePipeline, rows: FeatureMatrix) {
    let featuriser = analysis.map { $0.fit(table.texts(ofPairs: train)) }
    let builtin = analysis.flatMap { analysis in featuriser.map { $0.encode(analysis) } }
    return (
      FeaturePipeline(configuration: configuration, featuriser: featuriser, encoder: encoder),
      try FeaturePipeline.join(builtin, embeddings, weight: configuration.encoderWeight)
    )
  }
}
