import Foundation
import Synchronization
import TestSupport
import Testing
import PenchantKernels

@testable import PenchantTrain

/// A task whose parameter is a number that every step changes in a way that depends on all steps before.
struct ToyTask: TrainingTask {
  var stepsPerEpoch = 7
  var value = 0.5
  var losses: [Double] = []
  var poisoned: Set<Int> = []
  var validation: [Double] = []

  mutating func step(_ number: Int) throws -> StepOutcome {
    if poisoned.contains(number) {
      return StepOutcome(loss: .nan, learningRate: 0.1, nonFinite: "mlp.0.weight")
    }
    var draws = Philox(seed: 4, stream: UInt64(number))
    value = sin(value * 3 + draws.uniform())
    return StepOutcome(loss: value * value, learningRate: 0.1, gradientNorm: abs(value))
  }
  mutating func validate() throws -> [(name: String, value: Double)] {
    if validation.isEmpty { return [("log_loss", abs(value)), ("accuracy", 1 - abs(value))] }
    return [("log_loss", validation.removeFirst())]
  }
  func checkpointFiles() throws -> [String: [UInt8]] {
    ["model.safetensors": withUnsafeBytes(of: value) { Array($0) }, "optimizer.safetensors": [1, 2, 3]]
  }
  mutating func restore(_ files: [String: [UInt8]]) throws {
    guard let bytes = files["model.safetensors"], bytes.count == 8 else { throw CheckpointError("no model") }
    value = bytes.withUnsafeBytes { $0.loadUnaligned(as: Double.self) }
  }
}

@Suite struct TrainerTests {
  static func folder() -> String {
    FileManager.default.temporaryDirectory.appendingPathComponent("penchant-\(UUID().uuidString)").path
  }

  static func directory(_ folder: String) throws -> RunDirectory {
    let run = try RunDirectory.create(folder)
    try run.write("config.yaml", "a: 1\n")
    return run
  }

  @Test func stoppedThreeTimesAndResumedHasTheSameBits() throws {
    var configuration = TrainerConfiguration()
    configuration.epochs = 9
    configuration.patience = 0
    configuration.checkpointEvery = 5
    let whole = Self.folder()
    let broken = Self.folder()
    defer { for path in [whole, broken] { try? FileManager.default.removeItem(atPath: path) } }

    var task = ToyTask()
    let result = try Trainer(configuration, run: Self.directory(whole)).train(
      &task, from: TrainingState(seed: 1))
    #expect(result.ending == .finished && result.state.step == 63)

    let run = try Self.directory(broken)
    var draws = Philox(seed: testSeed)
    var at = 0
    for _ in 0..<3 {
      at += 1 + draws.index(below: 18)
      let stop = Counter(limit: at - (run.checkpoints().loadLast()?.state.step ?? 0))
      var part = ToyTask()
      let ending = try Trainer(configuration, run: run, shouldStop: { stop.hit() })
        .train(&part, from: TrainingState(seed: 1), resume: true).ending
      #expect(ending == .interrupted)
      #expect(run.checkpoints().loadLast()?.state.step == at)
    }
    var last = ToyTask()
    let resumed = try Trainer(configuration, run: run).train(
      &last, from: TrainingState(seed: 1), resume: true)
    #expect(last.value == task.value)
    #expect(resumed.state == result.state)
    func lines(_ run: RunDirectory) -> [MetricsLine] {
      run.metrics.read().map {
        var l = $0
        l.wall = 0
        return l
      }
    }
    #expect(try lines(RunDirectory.open(whole)) == lines(run))
  }

  final class Counter: Sendable {
    private let left: Mutex<Int>
    init(limit: Int) { left = Mutex(limit) }
    func hit() -> Bool {
      left.withLock {
        $0 -= 1
        return $0 <= 0
      }
    }
  }

  @Test func earlyStoppingKeepsTheBest() throws {
    var configuration = TrainerConfiguration()
    configuration.epochs = 50
    configuration.patience = 3
    var task = ToyTask()
    task.validation = [0.5, 0.4, 0.45, 0.41, 0.42, 0.1]
    let result = try Trainer(configuration).train(&task, from: TrainingState(seed: 1))
    #expect(result.ending == .stoppedEarly)
    #expect(result.state.best == 0.4 && result.state.bestStep == 14 && result.state.step == 35)
    var upToBest = ToyTask()
    for step in 0..<14 { _ = try upToBest.step(step) }
    #expect(task.value == upToBest.value)
  }

  @Test func nonFiniteStopsWithTensorAndStepAndSavesNothingPoisoned() throws {
    let folder = Self.folder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    var task = ToyTask()
    task.poisoned = [11]
    let run = try Self.directory(folder)
    #expect(throws: NonFiniteError(tensor: "mlp.0.weight", step: 11)) {
      try Trainer(TrainerConfiguration(), run: run).train(&task, from: TrainingState(seed: 1))
    }
    #expect(run.checkpoints().loadLast()?.state.step == 11)
    #expect("\(NonFiniteError(tensor: "mlp.0.weight", step: 11))".contains("mlp.0.weight"))
  }

  @Test(arguments: [NonFinitePolicy.skip, .report]) func nonFiniteStepIsLeftOut(_ policy: NonFinitePolicy)
    throws
  {
    var configuration = TrainerConfiguration()
    configuration.epochs = 3
    configuration.onNonfinite = policy
    var task = ToyTask()
    task.poisoned = [4, 5]
    let result = try Trainer(configuration).train(&task, from: TrainingState(seed: 1))
    #expect(result.skipped == 2 && result.state.step == 21)
  }

  @Test func resumingAnotherRunIsRefused() throws {
    let folder = Self.folder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let run = try Self.directory(folder)
    var configuration = TrainerConfiguration()
    configuration.epochs = 1
    var task = ToyTask()
    _ = try Trainer(configuration, run: run).train(
      &task, from: TrainingState(seed: 1, configuration: "a", data: "b"))
    for start in [
      TrainingState(seed: 2, configuration: "a", data: "b"),
      TrainingState(seed: 1, configuration: "x", data: "b"),
      TrainingState(seed: 1, configuration: "a", data: "x"),
    ] {
      #expect(throws: ConfigurationError.self) {
        try Trainer(configuration, run: run).train(&task, from: start, resume: true)
      }
    }
  }

  @Test func occupiedAndMissingRunsAreRefused() throws {
    let folder = Self.folder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    #expect(throws: RunError.missing(folder)) { try RunDirectory.open(folder) }
    _ = try Self.directory(folder)
    #expect(throws: RunError.occupied(folder)) { try RunDirectory.create(folder) }
  }

  @Test func tornLastLineIsLeftOut() throws {
    let folder = Self.folder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let log = try Self.directory(folder).metrics
    for step in 1...3 {
      try log.append(
        MetricsLine(
          step: step, epoch: 0, wall: 0, split: "train", metrics: ["loss": step == 2 ? .infinity : 1]))
    }
    var bytes = try SystemFiles().read(log.path)
    bytes.removeLast(9)
    try SystemFiles().write(bytes, to: log.path)
    #expect(log.read().map(\.step) == [1, 2])
    #expect(log.read()[1].metrics["loss"] == .infinity)
    try log.rewind(to: 1)
    try log.append(MetricsLine(step: 9, epoch: 0, wall: 0, split: "train", metrics: [:]))
    #expect(log.read().map(\.step) == [1, 9])
  }

  @Test func progressIsPlainOffATerminal() {
    let text = Mutex("")
    let time = Mutex(0.0)
    let line = ProgressLine(
      style: .plain, now: { time.withLock { $0 } }, write: { s in text.withLock { $0 += s } })
    line.report("step", 1, of: 100, [("loss", 0.5132)])
    time.withLock { $0 = 2 }
    line.report("step", 50, of: 100, [("loss", 0.4)])
    time.withLock { $0 = 8 }
    line.report("step", 99, of: 100, [("loss", 0.3)])
    line.report("step", 100, of: 100, [("loss", 0.2)])
    #expect(
      text.withLock { $0 } == """
        step      1  loss 0.5132
        step     99  loss 0.3000  12.2 it/s  eta 00:01
        step    100  loss 0.2000  12.4 it/s

        """)
    #expect(ProgressLine.duration(3725) == "1:02:05")
  }

  /// With early stopping nobody knows the end: the line says the range, and what the range depends on.
  @Test func progressShowsTheWatchedMetricAndWhenItMayEnd() throws {
    let text = Mutex("")
    let time = Mutex(0.0)
    let tick: @Sendable () -> Double = {
      time.withLock { seconds in
        seconds += 10
        return seconds
      }
    }
    let line = ProgressLine(style: .plain, now: tick, write: { s in text.withLock { $0 += s } })
    var configuration = TrainerConfiguration()
    configuration.epochs = 50
    configuration.patience = 3
    var task = ToyTask()
    task.validation = [0.5, 0.4, 0.45, 0.41, 0.42]
    _ = try Trainer(configuration, progress: line).train(&task, from: TrainingState(seed: 1))
    let lines = text.withLock { $0 }.split(separator: "\n").map(String.init)
    // 7 steps an epoch, 10 seconds a step: the first validation and 3 more, or 50 epochs.
    #expect(lines[1].hasSuffix("0.1 it/s  eta 04:20 to 58:00"), "\(lines[1])")
    // After the third epoch: two more.
    #expect(lines[21].contains("log_loss 0.4500  best 0.4000  0.1 it/s  eta 02:10 to 54:40"), "\(lines[21])")
    #expect(lines.last == "stopped after epoch 5: log_loss was best after epoch 2, 0.4000")
  }

  @Test func aRedrawnLineIsNotWrapped() {
    let text = Mutex("")
    let line = ProgressLine(style: .redrawn, now: { 0 }, write: { s in text.withLock { $0 += s } })
    line.report("step", 1, of: 2, [("loss", 0.5)])
    #expect(text.withLock { $0 }.hasPrefix("\r\u{1B}[K\u{1B}[?7l"))
    #expect(text.withLock { $0 }.hasSuffix("\u{1B}[?7h"))
  }
}
