import Foundation

/// How a training ended.
public enum TrainingEnding: Sendable, Equatable {
  case finished
  /// The watched metric did not get better for `patience` validations.
  case stoppedEarly
  /// Somebody asked to stop; the checkpoint is saved.
  case interrupted
}

/// What came out of a training.
public struct TrainingResult: Sendable {
  public var ending: TrainingEnding
  public var state: TrainingState
  /// Steps that were left out because a value was not finite.
  public var skipped: Int
}

/// A loss or gradient that is not finite.
public struct NonFiniteError: Error, Sendable, Equatable, CustomStringConvertible {
  public let tensor: String
  public let step: Int
  public var description: String {
    "step \(step): \"\(tensor)\" is not finite; the state before this step is kept\n"
      + "  use a smaller learning rate, check the data for extreme values, or --on-nonfinite skip"
  }
}

/// Drives a task: epochs, validation, early stopping, checkpoints, resumption, interruption.
///
/// At the end the task holds the parameters of the best validation (or the last ones when there is no validation split).
public struct Trainer: Sendable {
  public var configuration: TrainerConfiguration
  /// Where metrics and checkpoints go; nil keeps everything in memory.
  public var run: RunDirectory?
  public var progress: ProgressLine
  /// Asked after every step.
  public var shouldStop: @Sendable () -> Bool

  public init(
    _ configuration: TrainerConfiguration, run: RunDirectory? = nil,
    progress: ProgressLine = ProgressLine(style: .silent),
    shouldStop: @escaping @Sendable () -> Bool = { Interrupt.isRequested }
  ) {
    self.configuration = configuration
    self.run = run
    self.progress = progress
    self.shouldStop = shouldStop
  }

  /// Trains `task` from `start`, or from the last whole checkpoint of the run when `resume` is set.
  ///
  /// - Throws: `ConfigurationError`, `NonFiniteError`, `FileError`, and what the task throws.
  public func train(
    _ task: inout some TrainingTask, from start: TrainingState, resume: Bool = false
  ) throws -> TrainingResult {
    try configuration.validate()
    var state = start
    let store = run?.checkpoints(keep: configuration.keepCheckpoints)
    var bestFiles: [String: [UInt8]]?
    if resume, let store, let checkpoint = store.loadLast(warn: { progress.warn($0) }) {
      try checkMatch(checkpoint.state, start)
      try task.restore(checkpoint.files)
      state = checkpoint.state
      if state.bestStep != nil { bestFiles = store.loadBest(warn: { progress.warn($0) })?.files }
    }
    try run?.metrics.rewind(to: state.step)

    let stepsPerEpoch = max(1, task.stepsPerEpoch)
    let total = configuration.total(stepsPerEpoch: stepsPerEpoch)
    let validateEvery = configuration.validateEvery > 0 ? configuration.validateEvery : stepsPerEpoch
    let before = run?.metrics.read().last?.wall ?? 0
    let started = ProgressLine.clock()
    var wall: Double { before + ProgressLine.clock() - started }
    var ending = TrainingEnding.finished
    var skipped = 0
    var saved = state.step == 0 ? -1 : state.step
    let stopping = EarlyStopping(
      configuration: configuration, validateEvery: validateEvery, stepsPerEpoch: stepsPerEpoch)
    var watched: Double?
    var validates = true

    func save(isBest: Bool = false) throws {
      guard let store, isBest || saved != state.step else { return }
      try store.save(Checkpoint(state: state, files: task.checkpointFiles()), isBest: isBest)
      saved = state.step
    }
    func log(_ split: String, _ values: [(name: String, value: Double)]) throws {
      let epoch = Double(state.step) / Double(stepsPerEpoch)
      try run?.metrics.append(
        MetricsLine(
          step: state.step, epoch: epoch, wall: wall, split: split,
          metrics: Dictionary(values.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })))
    }

    while state.step < total {
      if stopping.isDue(state) {
        ending = .stoppedEarly
        break
      }
      let outcome = try task.step(state.step)
      if let tensor = outcome.nonFinite {
        let error = NonFiniteError(tensor: tensor, step: state.step)
        switch configuration.onNonfinite {
        case .stop:
          if state.step > 0 { try save() }
          throw error
        case .skip: skipped += 1
        case .report:
          skipped += 1
          progress.warn("step \(state.step): \"\(tensor)\" is not finite; the step is left out")
        }
      } else {
        state.lossSum += outcome.loss
        state.lossCount += 1
      }
      state.step += 1
      var shown = [(name: "loss", value: outcome.loss)]
      if let watched { shown.append((configuration.watch, watched)) }
      if let best = state.best { shown.append(("best", best)) }
      let earliest = validates ? stopping.earliestEnd(state) : nil
      progress.report("step", state.step, of: total, orEarlier: earliest, shown)

      if state.step % configuration.logEvery == 0 || state.step == total, state.lossCount > 0 {
        var values = [
          (name: "loss", value: state.lossSum / Double(state.lossCount)),
          ("learning_rate", outcome.learningRate),
        ]
        if let norm = outcome.gradientNorm { values.append(("gradient_norm", norm)) }
        try log("train", values)
        state.lossSum = 0
        state.lossCount = 0
      }
      if state.step % validateEvery == 0 || state.step == total {
        let metrics = try task.validate()
        validates = !metrics.isEmpty
        watched = metrics.first { $0.name == configuration.watch }?.value
        if let watched {
          try log("validation", metrics)
          if stopping.judge(watched, &state) {
            bestFiles = try task.checkpointFiles()
            try save(isBest: true)
          }
        } else if validates {
          throw ConfigurationError(
            "run.watch is \"\(configuration.watch)\"; validation gives \(metrics.map(\.name).joined(separator: ", "))"
          )
        }
      }
      if state.step % configuration.checkpointEvery == 0 { try save() }
      if shouldStop(), state.step < total {
        ending = .interrupted
        break
      }
    }
    progress.finishLine()
    try save()
    if ending == .stoppedEarly, let text = stopping.summary(state) {
      progress.note(text)
    }
    if ending != .interrupted, let bestFiles { try task.restore(bestFiles) }
    return TrainingResult(ending: ending, state: state, skipped: skipped)
  }

  private func checkMatch(_ saved: TrainingState, _ start: TrainingState) throws {
    guard saved.configuration == start.configuration else {
      throw ConfigurationError(
        "the checkpoint was made with another configuration; resume with the run's own config.yaml")
    }
    guard saved.data == start.data else {
      throw ConfigurationError("the checkpoint was made with other data; resume with the same file")
    }
    guard saved.seed == start.seed else {
      throw ConfigurationError(
        "the checkpoint was made with seed \(saved.seed), this run has seed \(start.seed)")
    }
  }
}
