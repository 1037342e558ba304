import PenchantKernels
import PenchantTape

/// A network that says which noise is in a sample.
public protocol NoiseNetwork: Sendable {
  /// Width of the time features that it reads.
  var timeWidth: Int { get }
  /// Rows of its table of classes, the last of which stands for "no class"; 0 when it has no classes.
  var classRows: Int { get }

  /// The features of times, `[times, timeWidth]`; by default cosines and sines as Stable Diffusion has them.
  func waves(_ times: [Double]) throws(KernelError) -> [Float]

  /// The prediction `[rows, values]`.
  ///
  /// - Parameters:
  ///   - x: samples with noise, `[rows, values]`.
  ///   - times: cosines and sines of each row's time, `[rows, timeWidth]`.
  ///   - classes: `[rows]`, with a number below `classRows` each; nil for a network without classes.
  func callAsFunction(_ x: Tensor, times: Tensor, classes: Ids?) -> Tensor
}

extension NoiseNetwork {
  public func waves(_ times: [Double]) throws(KernelError) -> [Float] {
    var waves = [Float](repeating: 0, count: times.count * timeWidth)
    var span = waves.mutableSpan
    try timeEmbedding(times.span, width: timeWidth, into: &span)
    return waves
  }
}
