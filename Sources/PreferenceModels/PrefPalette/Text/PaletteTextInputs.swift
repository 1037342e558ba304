import PenchantData
import PenchantTrain

/// What attribute heads of a text model see of a text: the embedding of a sentence encoder with style columns, or the
/// built-in n-grams, which have them.
struct PaletteTextInputs: Sendable {
  /// nil with a sentence encoder.
  let featuriser: FittedFeaturiser?
  let inputs: AttributeInputs

  init(featuriser: FittedFeaturiser, withContext: Bool) {
    self.featuriser = featuriser
    inputs = AttributeInputs(featuriser, withContext: withContext)
  }

  init(encoder: any TextEncoder, withContext: Bool) {
    featuriser = nil
    inputs = AttributeInputs(encoder, withContext: withContext, withStyle: true)
  }

  /// - Parameter texts: what the n-grams are counted in, without an encoder.
  init(
    _ configuration: TextPaletteConfiguration, encoder: (any TextEncoder)?, countedIn texts: @autoclosure () -> [String]
  ) throws {
    let withContext = configuration.attributes.withContext
    if let encoder {
      self.init(encoder: encoder, withContext: withContext)
    } else {
      self.init(
        featuriser: try TextFeaturiser(configuration.features.featuriser).fit(texts()), withContext: withContext)
    }
  }

  /// What a gate sees of what is asked, a row a context.
  func contextStates(_ contexts: [String]) throws -> DenseRows {
    DenseRows(try AttributeInputs(inputs.encoder).features(contexts), projection: 64)
  }
}
