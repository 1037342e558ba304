import Foundation
import PenchantData
import PenchantKernels
import PenchantTrain

/// Texts in, rows of features out: n-grams, style columns, embeddings of an encoder, one of its middle layers, side by side.
struct FeaturePipeline: Sendable {
  let configuration: BradleyTerryConfiguration.Features
  let featuriser: FittedFeaturiser?
  let encoder: (any TextEncoder)?
  let middle: FittedMiddleLayer?

  func features(_ texts: [String]) throws -> FeatureMatrix {
    let embeddings = try configuration.encoderWeight > 0 ? encoder?.encode(texts) : nil
    let parts = [
      try embeddings.map { try Self.scaled($0, to: configuration.encoderWeight) }, try middle?.encode(texts),
    ]
    return try Self.join(featuriser.map { $0.encode(texts) }, parts.compactMap(\.self))
  }

  /// Rows made as long as `length`.
  static func scaled(_ rows: FeatureMatrix, to length: Float) throws -> FeatureMatrix {
    let width = rows.denseWidth
    var dense = rows.dense
    for row in 0..<rows.rows {
      var squares = 0.0
      for place in row * width..<(row + 1) * width { squares += Double(dense[place]) * Double(dense[place]) }
      let scale = squares > 0 ? length / Float(squares.squareRoot()) : 0
      for place in row * width..<(row + 1) * width { dense[place] *= scale }
    }
    return try FeatureMatrix(rows: rows.rows, width: width, dense: dense)
  }

  /// Columns of `builtin`, then those of `parts`, which are dense.
  static func join(_ builtin: FeatureMatrix?, _ parts: [FeatureMatrix]) throws -> FeatureMatrix {
    guard let first = builtin ?? parts.first else {
      throw ConfigurationError(
        "features.builtin is false and no encoder is read: there is nothing to learn from")
    }
    if parts.isEmpty || (builtin == nil && parts.count == 1) { return first }
    let all = (builtin.map { [$0] } ?? []) + parts
    let width = all.map(\.denseWidth).reduce(0, +)
    var dense: [Float] = []
    dense.reserveCapacity(first.rows * width)
    for row in 0..<first.rows {
      for part in all { dense += part.dense[row * part.denseWidth..<(row + 1) * part.denseWidth] }
    }
    guard let builtin else { return try FeatureMatrix(rows: first.rows, width: width, dense: dense) }
    return try FeatureMatrix(
      rows: builtin.rows, sparseWidth: builtin.sparseWidth, rowStarts: builtin.rowStarts,
      columns: builtin.columns, values: builtin.values, denseWidth: width, dense: dense)
  }
}

/// The texts of a data set with everything that does not depend on a split: n-gram counts, embeddings.
struct PreparedTexts: Sendable {
  let table: PairTable
  let configuration: BradleyTerryConfiguration.Features
  let analysis: TextAnalysis?
  let encoder: (any TextEncoder)?
  /// Scaled to their length.
  let embeddings: FeatureMatrix?
  let middle: MiddleLayer?
  /// As the layer gives them: a split standardises them by its training texts.
  let middleRows: FeatureMatrix?

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
    }
    let rows = try configuration.encoderWeight > 0 ? embeddings ?? encoder?.encode(table.texts) : nil
    self.embeddings = try rows.map { try FeaturePipeline.scaled($0, to: configuration.encoderWeight) }
    middle = try embeddings == nil ? MiddleLayer(configuration, of: encoder) : nil
    middleRows = try middle?.encoder.encode(table.texts)
  }

  /// Rows for all texts, with document counts, means and deviations from the texts of the given pairs only.
  func fit(_ train: [Int]) throws -> (pipeline: FeaturePipeline, rows: FeatureMatrix) {
    let texts = table.texts(ofPairs: train)
    let featuriser = analysis.map { $0.fit(texts) }
    let builtin = analysis.flatMap { analysis in featuriser.map { $0.encode(analysis) } }
    let fitted = middleRows.flatMap { rows in middle.map { $0.fit(rows, texts) } }
    let standardised = try middleRows.flatMap { rows in try fitted.map { try $0.standardised(rows) } }
    return (
      FeaturePipeline(
        configuration: configuration, featuriser: featuriser, encoder: encoder, middle: fitted),
      try FeaturePipeline.join(builtin, [embeddings, standardised].compactMap(\.self))
    )
  }
}
