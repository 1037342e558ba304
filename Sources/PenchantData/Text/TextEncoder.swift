/// Turns texts into rows of numbers: a fitted featuriser, or a sentence encoder.
public protocol TextEncoder: Sendable {
  /// Columns of a row.
  var width: Int { get }
  /// One row a text, in the order of the texts. Same bits for every number of threads.
  func encode(_ texts: [String]) throws -> FeatureMatrix
}
