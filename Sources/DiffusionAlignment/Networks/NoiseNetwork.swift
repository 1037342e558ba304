import PenchantTape

/// A network that says which noise is in a sample.
public protocol NoiseNetwork: Sendable {
  /// Width of the time features that it reads.
  var timeWidth: Int { get }
  /// Rows of its table of classes, the last of which stands for "no class"; 0 when it has no classes.
  var classRows: Int { get }

  /// The prediction `[rows, values]`.
  ///
  /// - Parameters:
  ///   - x: samples with noise, `[rows, values]`.
  ///   - times: cosines and sines of each row's time, `[rows, timeWidth]`.
  ///   - classes: `[rows]`, with a number below `classRows` each; nil for a network without classes.
  func callAsFunction(_ x: Tensor, times: Tensor, classes: Ids?) -> Tensor
}
