import PenchantKernels
import TestSupport
import Testing

@testable import DiffusionAlignment

/// Stored inversions and resumed runs rest on it: what a network says of a row is a function of the row alone, to the bit.
@Suite struct DenoiserTests {
  private static func model(_ shape: SampleShape, classes: Int) throws -> DiffusionModel {
    var configuration = ModelConfiguration()
    configuration.network.channels = [8, 16]
    configuration.network.attention = [1]
    configuration.network.timeWidth = 16
    let model = try DiffusionModel(
      configuration, shape: shape, classNames: (0..<classes).map { "c\($0)" }, seed: 3)
    // A network as it is drawn says nothing: its last layer is zero.
    for parameter in model.store.parameters {
      try model.store.set(parameter, to: normals(parameter.count, parameter.name).map { 0.2 * $0 })
    }
    return model
  }

  @Test(arguments: [
    (SampleShape.point(2), 0), (.point(3), 4), (SampleShape(height: 8, width: 8, channels: 1), 0),
    (SampleShape(height: 8, width: 8, channels: 3), 3),
  ])
  func aRowIsTheSameWhateverIsBesideIt(_ shape: SampleShape, _ classes: Int) throws {
    let denoiser = Denoiser(try Self.model(shape, classes: classes))
    let count = 150
    let x = normals(count * shape.count, "x")
    let times = (0..<count).map { ($0 * 37) % 1000 }
    let labels = (0..<count).map { classes == 0 ? DiffusionModel.noClass : $0 % (classes + 1) - 1 }
    let all = try denoiser.noise(in: x, times: times, classes: labels)
    #expect(all.contains { abs($0) > 0.01 })
    for (first, rows) in [(0, 1), (7, 2), (20, 5), (149, 1), (60, 16), (3, 31), (10, 70), (0, 129)] {
      let range = first * shape.count..<(first + rows) * shape.count
      let part = try denoiser.noise(
        in: Array(x[range]), times: Array(times[first..<first + rows]),
        classes: Array(labels[first..<first + rows]))
      #expect(part == Array(all[range]), "rows \(first) to \(first + rows)")
    }
    // Blocks run side by side, each thread on a program of its own.
    for threads in [1, 2, 3, 7] {
      let again = try Team.with(threads: threads) { () throws in
        try denoiser.noise(in: x, times: times, classes: labels)
      }
      #expect(again == all, "\(threads) threads")
    }
  }

  /// The last row has no such class: its block fails, and the caller hears of it.
  @Test func anErrorInABlockArrives() throws {
    let denoiser = Denoiser(try Self.model(.point(2), classes: 3))
    #expect(throws: KernelError.value("NoiseGraph", "class 3 of a model with 3 classes")) {
      try denoiser.noise(
        in: [Float](repeating: 0, count: 300), times: [Int](repeating: 5, count: 150),
        classes: [Int](repeating: 0, count: 149) + [3])
    }
  }

  @Test func guidanceMixesTwoPredictions() throws {
    let model = try Self.model(.point(2), classes: 2)
    var configuration = SamplingConfiguration()
    configuration.steps = 3
    let plain = try Sampler(configuration, of: Denoiser(model)).samples([0, 1, 0], seed: 1)
    configuration.guidance = 2
    let guided = try Sampler(configuration, of: Denoiser(model)).samples([0, 1, 0], seed: 1)
    #expect(plain != guided && guided.allSatisfy(\.isFinite))
    // Samples without a class have nothing to be guided to.
    let none = [Int](repeating: DiffusionModel.noClass, count: 3)
    let free = try Sampler(configuration, of: Denoiser(model)).samples(none, seed: 1)
    configuration.guidance = 1
    #expect(try Sampler(configuration, of: Denoiser(model)).samples(none, seed: 1) == free)
  }

  @Test func sampleIDependsOnItsPlaceAlone() throws {
    let model = try Self.model(SampleShape(height: 8, width: 8, channels: 1), classes: 0)
    var configuration = SamplingConfiguration()
    configuration.steps = 4
    configuration.eta = 1
    let none = [Int](repeating: DiffusionModel.noClass, count: 40)
    let sampler = Sampler(configuration, of: Denoiser(model))
    let many = try sampler.samples(none, seed: 9)
    #expect(try sampler.samples(Array(none[..<7]), seed: 9) == Array(many[..<(7 * 64)]))
    for threads in [1, 3] {
      #expect(try Team.with(threads: threads) { try sampler.samples(none, seed: 9) } == many)
    }
  }

  @Test func classesOutsideTheModelAreRefused() throws {
    let denoiser = Denoiser(try Self.model(.point(2), classes: 2))
    for label in [2, 1 << 40] {
      #expect(throws: KernelError.self) { try denoiser.noise(in: [0, 0], times: [5], classes: [label]) }
    }
    #expect(throws: KernelError.self) { try denoiser.noise(in: [0], times: [5], classes: []) }
  }
}
