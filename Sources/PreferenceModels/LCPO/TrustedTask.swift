import PenchantTrain

/// A preference model in training whose labels can be trusted to different degrees.
///
/// The one seam through which LCPO and the robust losses enter a trainable model: it says which pairs a step sees and what
/// it thinks of them, and takes a weight and an order for each. `RobustTraining` does the rest.
public protocol TrustedTask: TrainingTask {
  /// Pairs that are trained on; a pair is named by its place among them.
  var pairCount: Int { get }

  /// The pairs of step `number`.
  mutating func pairs(at number: Int) throws -> [Int]

  /// Log-odds that the present parameters give to the observed order of pairs.
  func margins(of pairs: [Int]) throws -> [Float]

  /// Step `number` on its pairs, each with the weight and in the order that `trust` says: the gradient is the mean of
  /// wᵢ vᵢ ∇softplus(∓uᵢ), w the pair's own weight and v the trust, over what the mean is without trust. nil: every label
  /// as it is.
  mutating func step(_ number: Int, trust: PairTrust?) throws -> StepOutcome
}

extension TrustedTask {
  public mutating func step(_ number: Int) throws -> StepOutcome { try step(number, trust: nil) }
}
