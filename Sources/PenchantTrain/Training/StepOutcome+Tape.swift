import PenchantTape

extension StepOutcome {
  /// Runs one step of a tape. A tensor that is not finite is an outcome, not an error: parameters are as before.
  public init(running training: TrainingStep, rate: Double) throws(TapeError) {
    do throws(TapeError) {
      let outcome = try training.run()
      self.init(
        loss: Double(outcome.loss), learningRate: outcome.learningRate, gradientNorm: outcome.gradientNorm)
    } catch {
      guard case .nonFinite(let tensor, _) = error else { throw error }
      self.init(loss: .nan, learningRate: rate, nonFinite: tensor)
    }
  }
}
