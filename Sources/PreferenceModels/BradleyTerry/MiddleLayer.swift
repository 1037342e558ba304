import PenchantData
import PenchantTrain

/// A middle layer of a sentence encoder as columns: the last layer says what a text is about, a middle one how it is
/// written, which readers reward too (docs/bradley-terry.md has the figures).
struct MiddleLayer: Sendable {
  let encoder: any TextEncoder
  /// Root-mean-square length of a row.
  let weight: Float

  /// nil when the settings want none, or the encoder shows no layers and no certain one is asked for.
  ///
  /// - Throws: `ConfigurationError` when the layer asked for is not there.
  init?(_ configuration: BradleyTerryConfiguration.Features, of encoder: (any TextEncoder)?) throws {
    guard configuration.middleWeight > 0, let encoder else { return nil }
    guard let layered = encoder as? any LayeredTextEncoder, layered.layers > 0 else {
      guard configuration.middleLayer == 0 else {
        throw ConfigurationError(
          "features.middle_layer is \(configuration.middleLayer), but the encoder shows no layers")
      }
      return nil
    }
    let layer =
      configuration.middleLayer == 0 ? (layered.layers + 1) / 2 : configuration.middleLayer
    guard layer <= layered.layers else {
      throw ConfigurationError(
        "features.middle_layer must be 0 to \(layered.layers), the layers of the encoder, found \(layer)")
    }
    self.encoder = try layered.reading(layer: layer)
    weight = configuration.middleWeight
  }

  /// Fitted to the training texts among `rows`, one row of `encoder` a text.
  func fit(_ rows: FeatureMatrix, _ train: [Int]) -> FittedMiddleLayer {
    let (mean, scale) = DenseRows(rows, projection: 0).moments(train)
    return FittedMiddleLayer(layer: self, mean: mean, scale: scale)
  }
}

/// A middle layer with the mean and 1 / standard deviation of each of its columns over the training texts.
struct FittedMiddleLayer: Sendable {
  let layer: MiddleLayer
  let mean: [Float]
  let scale: [Float]

  func encode(_ texts: [String]) throws -> FeatureMatrix { try standardised(layer.encoder.encode(texts)) }

  /// Every column standardised, then all by one factor, so that a row's mean square length is the weight's.
  func standardised(_ rows: FeatureMatrix) throws -> FeatureMatrix {
    var columns = DenseRows(rows, projection: 0)
    columns.standardise(mean, scale)
    let factor = layer.weight / Float(max(1, columns.width)).squareRoot()
    return try FeatureMatrix(
      rows: columns.count, width: columns.width, dense: columns.values.map { $0 * factor })
  }
}

// MARK: - Files

extension FittedMiddleLayer {
  private static let meanName = "middle.mean"
  private static let scaleName = "middle.scale"

  func add(to file: inout SafeTensorsWriter) throws(DataError) {
    try file.add(Self.meanName, shape: [mean.count], mean)
    try file.add(Self.scaleName, shape: [scale.count], scale)
  }

  /// nil when the model was fitted without one.
  init?(_ file: SafeTensors, _ layer: MiddleLayer?) throws {
    guard file.entry(Self.meanName) != nil else { return nil }
    guard let layer else {
      throw DataError(
        file: file.file, field: Self.meanName,
        "the model reads a middle layer, but the encoder that was opened shows no layers")
    }
    self.layer = layer
    mean = try file.floats(Self.meanName, shape: [layer.encoder.width], finite: true)
    scale = try file.floats(Self.scaleName, shape: [layer.encoder.width], finite: true)
  }
}
