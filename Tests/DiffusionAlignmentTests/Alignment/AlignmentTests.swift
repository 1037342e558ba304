import Foundation
import PenchantData
import PenchantKernels
import PenchantTape
import PenchantTrain
import Synchronization
import TestSupport
import Testing

@testable import DiffusionAlignment

@Suite(.serialized) struct AlignmentTests {
  /// A model of the ring that has hardly learnt anything, and pairs that prefer points above.
  private static func problem(
    steps: Int = 30, width: Int = 32
  ) throws -> (start: FittedDiffusion, pairs: SamplePairs, data: SampleSet) {
    let data = try RingOfGaussians().samples(512, seed: 3)
    var configuration = DiffusionConfiguration()
    configuration.model.network.width = width
    configuration.run.steps = steps
    configuration.optimizer.rows = 64
    let start = try Diffusion(configuration, seed: 1).fit(data).model
    let pairs = try PreferenceDraw.pairs(
      data, reward: (0..<data.count).map { Double(data.values[2 * $0 + 1]) }, temperature: 0.3, count: 256,
      seed: 4)
    return (start, pairs, data)
  }

  private static func configuration(_ method: AlignmentMethod, steps: Int = 6) -> AlignmentConfiguration {
    var configuration = AlignmentConfiguration()
    configuration.objective.method = method
    configuration.optimizer.rows = 8
    configuration.rollout.steps = 4
    configuration.run.steps = steps
    configuration.run.validateEvery = 3
    configuration.run.checkpointEvery = 2
    configuration.watching.samples = 16
    configuration.watching.reward = "coordinate:1"
    configuration.sampling.steps = 4
    return configuration
  }

  private static func numbers(_ model: FittedDiffusion) throws -> [Float] {
    try model.model.store.parameters.flatMap { try model.model.store.copy(of: $0) }
  }

  @Test(arguments: AlignmentMethod.allCases)
  func everyMethodHasTheSameBitsForAnyThreads(_ method: AlignmentMethod) throws {
    let (start, pairs, data) = try Self.problem()
    for preset in method.inverts ? AlignmentConfiguration.Preset.allCases : [.stable] {
      var configuration = Self.configuration(method)
      configuration.objective.preset = preset
      let alignment = try Alignment(configuration, seed: 5)
      let runs = try [1, 2, 3, 5].map { threads in
        try Team.with(threads: threads) {
          try Self.numbers(alignment.fit(pairs, from: start, data: data).model)
        }
      }
      #expect(runs.allSatisfy { $0 == runs[0] })
      #expect(try runs[0] != Self.numbers(start) && runs[0].allSatisfy(\.isFinite))
    }
  }

  @Test(arguments: [AlignmentMethod.inpo, .ddpo])
  func aStoppedRunResumesWithTheSameBits(_ method: AlignmentMethod) throws {
    let (start, pairs, data) = try Self.problem()
    let alignment = try Alignment(Self.configuration(method), seed: 5)
    let whole = try Self.numbers(alignment.fit(pairs, from: start, data: data).model)
    let folder = NSTemporaryDirectory() + "alignment-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    // Stops after the look of step 3.
    let run = try RunDirectory.create(folder)
    try run.write("config.yaml", "")
    struct Stop: Error {}
    #expect(throws: Stop.self) {
      try alignment.fit(pairs, from: start, data: data, run: run) { step, _ in if step == 3 { throw Stop() } }
    }
    let resumed = try alignment.fit(pairs, from: start, data: data, run: run, resume: true)
    #expect(try Self.numbers(resumed.model) == whole)
  }

  @Test func thePolicyAtItsStartPrefersNothing() throws {
    let (start, pairs, _) = try Self.problem()
    let policy = Denoiser(try start.model.copy())
    let reward = ImplicitReward(policy: policy, reference: Denoiser(start.model))
    #expect(try reward.margins(pairs).allSatisfy { $0 == 0 })
  }

  @Test func trainingAModelResumesAndSaves() throws {
    let data = try RingOfGaussians().samples(256, seed: 3, labelled: true)
    var configuration = DiffusionConfiguration()
    configuration.model.network.width = 24
    configuration.run.steps = 12
    configuration.run.validateEvery = 4
    configuration.run.checkpointEvery = 3
    configuration.optimizer.rows = 32
    for prediction in ModelConfiguration.Prediction.allCases {
      configuration.model.prediction = prediction
      let diffusion = try Diffusion(configuration, seed: 9)
      let whole = try diffusion.fit(data)
      let threaded = try Team.with(threads: 3) { try Self.numbers(diffusion.fit(data).model) }
      #expect(try threaded == Self.numbers(whole.model))
      let again = try FittedDiffusion(bytes: whole.model.bytes(), name: "memory")
      #expect(
        try again.samples(again.classes(20), seed: 4) == whole.model.samples(whole.model.classes(20), seed: 4)
      )
      #expect(again.model.classNames.count == 8)
      let loss = try #require(whole.heldLoss)
      #expect(loss.isFinite && loss > 0)
    }
  }

  @Test func brokenModelFilesAreNamed() throws {
    let (start, _, _) = try Self.problem(steps: 1)
    let bytes = try start.bytes()
    for cut in [0, 7, 40, bytes.count / 2, bytes.count - 1] {
      #expect(throws: (any Error).self) { try FittedDiffusion(bytes: Array(bytes[..<cut]), name: "cut") }
    }
    var other = ModelConfiguration()
    other.network.width = 33
    let wider = FittedDiffusion(try DiffusionModel(other, shape: .point(2)), seed: 1)
    // The numbers of one architecture under the description of another.
    let file = try SafeTensors(bytes: bytes)
    var mixed = SafeTensorsWriter(metadata: try SafeTensors(bytes: wider.bytes()).metadata)
    for parameter in start.model.store.parameters {
      try mixed.add(parameter.name, shape: parameter.shape.extents, file.floats(parameter.name))
    }
    expectDataError("layers.0.weight") { _ = try FittedDiffusion(bytes: mixed.bytes(), name: "mixed") }
  }

  @Test func pairsThatDoNotFitAreRefused() throws {
    let (start, pairs, _) = try Self.problem(steps: 1)
    let alignment = try Alignment(Self.configuration(.inpo))
    let pictures = SamplePairs(
      samples: SampleSet(
        shape: SampleShape(height: 2, width: 2, channels: 1), values: [0, 0, 0, 0, 1, 1, 1, 1]),
      winners: [0], losers: [1])
    expectDataError("2×2", "2 coordinates") { try alignment.check(pictures, from: start) }
    var broken = pairs
    broken.samples.values[3] = .nan
    expectDataError("not finite") { try alignment.check(broken, from: start) }
    expectDataError("no pairs") { try alignment.check(pairs.pairs([]), from: start) }
  }
}
