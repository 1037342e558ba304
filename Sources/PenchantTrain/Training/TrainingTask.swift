/// What a model gives the trainer: one step at a time, addressed by its number.
///
/// A step is a function of (state, number): which pairs it sees and which units it drops follow from the seed and the
/// number alone. That is what lets a resumed training have the bits of an uninterrupted one.
public protocol TrainingTask {
  /// Steps in one pass over the data.
  var stepsPerEpoch: Int { get }

  /// Does step `number` (from 0). When the loss or a gradient is not finite, the parameters and the optimiser stay as they
  /// were, and the outcome names the tensor.
  mutating func step(_ number: Int) throws -> StepOutcome

  /// Metrics on the validation split; empty when there is none.
  mutating func validate() throws -> [(name: String, value: Double)]

  /// The files of a checkpoint: `model.safetensors`, `optimizer.safetensors`.
  func checkpointFiles() throws -> [String: [UInt8]]

  /// Puts parameters and optimiser back.
  mutating func restore(_ files: [String: [UInt8]]) throws
}

/// What one step did.
public struct StepOutcome: Sendable, Equatable {
  public var loss: Double
  public var learningRate: Double
  /// Length of the gradient before clipping, nil when it was not measured.
  public var gradientNorm: Double?
  /// The first tensor that was not finite; nil when the step was applied.
  public var nonFinite: String?

  public init(loss: Double, learningRate: Double, gradientNorm: Double? = nil, nonFinite: String? = nil) {
    self.loss = loss
    self.learningRate = learningRate
    self.gradientNorm = gradientNorm
    self.nonFinite = nonFinite
  }
}

/// What to do when a loss or gradient is not finite. None of them lets the value into the parameters.
public enum NonFinitePolicy: String, Codable, Sendable, CaseIterable {
  /// Save the state before the step, stop, name tensor and step.
  case stop
  /// Leave the step out.
  case skip
  /// Leave the step out and warn.
  case report
}
