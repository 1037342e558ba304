import PenchantData
import PenchantTrain

/// What attribute heads of a text model see of a text.
public struct PaletteTextInputs: Sendable {
  public enum Reading: String, Codable, Sendable, CaseIterable {
    /// `encoder` where there is one; else `ngrams`, or `words` when rules are the teacher: their few phrases are all that
    /// n-grams would learn.
    case auto
    /// Words of the attributes' lists, and style columns.
    case words
    /// Those, and hashed n-grams.
    case ngrams
    /// Those, and the sentence encoder: the layer half way, which holds more of how a text is written than the last, where it
    /// shows its layers.
    case encoder
  }

  let reading: Reading
  /// Of `ngrams`.
  let featuriser: FittedFeaturiser?
  let inputs: AttributeInputs

  private init(
    _ reading: Reading, _ encoder: (any TextEncoder)?, _ attributes: [Attribute], withContext: Bool
  ) {
    self.reading = reading
    featuriser = encoder as? FittedFeaturiser
    // n-grams come with style columns.
    inputs = AttributeInputs(
      encoder, withContext: withContext, withStyle: reading != .ngrams, lexicalOf: attributes)
  }

  /// - Parameter texts: what n-grams are counted in.
  init(
    _ configuration: TextPaletteConfiguration.Attributes, teacher: String, _ attributes: [Attribute],
    encoder: (any TextEncoder)?, featuriser: TextFeaturiser.Configuration, countedIn texts: [String]
  ) throws {
    var reading = configuration.reading
    if reading == .auto {
      reading = encoder != nil ? .encoder : teacher == RuleRewriter().teacher ? .words : .ngrams
    }
    switch reading {
    case .auto, .words: self.init(.words, nil, attributes, withContext: false)
    case .ngrams:
      self.init(
        .ngrams, try TextFeaturiser(featuriser).fit(texts), attributes, withContext: configuration.withContext
      )
    case .encoder:
      guard let encoder else {
        throw ConfigurationError(
          "attributes.reading is encoder, and features.encoder names none\n  give --encoder FOLDER")
      }
      self.init(.encoder, try Self.style(of: encoder), attributes, withContext: configuration.withContext)
    }
  }

  /// As it was fitted.
  init(
    _ reading: Reading, _ attributes: [Attribute], encoder: (any TextEncoder)?, withContext: Bool,
    file: SafeTensors,
    prefix: String
  ) throws {
    switch reading {
    case .auto, .words: self.init(.words, nil, attributes, withContext: false)
    case .ngrams:
      self.init(.ngrams, try FittedFeaturiser(file, prefix: prefix), attributes, withContext: withContext)
    case .encoder:
      guard let encoder else {
        throw DataError(
          file: file.file, field: "features.encoder",
          "the heads read a sentence encoder, and the model names none")
      }
      self.init(.encoder, try Self.style(of: encoder), attributes, withContext: withContext)
    }
  }

  private static func style(of encoder: any TextEncoder) throws -> any TextEncoder {
    guard let layered = encoder as? any LayeredTextEncoder, layered.layers > 0 else { return encoder }
    return try layered.reading(layer: layered.middleLayer)
  }
}
