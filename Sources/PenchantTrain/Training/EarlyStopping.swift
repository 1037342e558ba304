/// When a training ends before its last step: by a metric that does not get better.
struct EarlyStopping {
  let configuration: TrainerConfiguration
  /// Steps between validations.
  let validateEvery: Int
  /// At least 1.
  let stepsPerEpoch: Int

  /// Whether `patience` validations brought nothing better.
  func isDue(_ state: TrainingState) -> Bool {
    configuration.patience > 0 && state.waited >= configuration.patience
  }

  /// Where the training ends when nothing gets better from here on; nil when it does not end early.
  func earliestEnd(_ state: TrainingState) -> Int? {
    guard configuration.patience > 0 else { return nil }
    let more = state.best == nil ? configuration.patience + 1 : configuration.patience - state.waited
    return (state.step / validateEvery + more) * validateEvery
  }

  /// Counts a validation; true when its value is the best so far.
  func judge(_ value: Double, _ state: inout TrainingState) -> Bool {
    let isBetter =
      state.best.map { configuration.higherIsBetter ? value > $0 : value < $0 } ?? value.isFinite
    state.waited = isBetter ? 0 : state.waited + 1
    if isBetter {
      state.best = value
      state.bestStep = state.step
    }
    return isBetter
  }

  /// What a person reads at the end.
  func summary(_ state: TrainingState) -> String? {
    guard let best = state.best, let bestStep = state.bestStep else { return nil }
    func epoch(_ step: Int) -> Int { (step + stepsPerEpoch - 1) / stepsPerEpoch }
    return "stopped after epoch \(epoch(state.step)): \(configuration.watch) was best after epoch "
      + "\(epoch(bestStep)), \(ProgressLine.number(best))"
  }
}
