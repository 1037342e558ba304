/// Turns texts into rows of numbers: a fitted featuriser, or a sentence encoder.
public protocol TextEncoder: Sendable {
  /// Columns of a row.
  var width: Int { get }
  /// One row a text, in the order of the texts. Same bits for every number of threads.
  func encode(_ texts: [String]) throws -> FeatureMatrix
}

/// An encoder of several layers, whose inner ones can be read too.
///
/// The last layer of a sentence encoder was trained to say what a text is about; layers before it still hold how it is
/// written. Ganesh Jawahar et al., What does BERT learn about the structure of language?, ACL 2019.
public protocol LayeredTextEncoder: TextEncoder {
  var layers: Int { get }
  /// The encoder whose row is the mean over tokens behind layer `layer`, without a scaling.
  ///
  /// - Parameter layer: 1 to `layers`.
  /// - Throws: `DataError` for another layer.
  func reading(layer: Int) throws -> any TextEncoder
}
