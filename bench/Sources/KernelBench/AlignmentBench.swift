import DiffusionAlignment
import PenchantTrain

extension BenchCase {
  /// Steps of InPO on points from a fresh model, 64 pairs each, inverted by the model itself; and inversion alone.
  static let alignment = [
    BenchCase(name: "inpo_2d 50 steps of 64 pairs", work: Work(flops: 50 * 128 * 2 * 41_600 * (6.4 + 1 + 3)))
    {
      let ring = try RingOfGaussians()
      let samples = try ring.samples(4096, seed: 1)
      let pairs = try PreferenceDraw.pairs(
        samples, reward: (0..<samples.count).map { Double(samples.values[2 * $0 + 1]) }, temperature: 0.3,
        count: 4096, seed: 1)
      let start = try FittedDiffusion(
        DiffusionModel(ModelConfiguration(), shape: .point(2), seed: 1), seed: 1)
      var configuration = AlignmentConfiguration()
      configuration.objective.preset = .faithful
      configuration.held = 0
      configuration.run.steps = 50
      // One look at two samples: what is timed are the steps.
      configuration.run.validateEvery = 50
      configuration.watching.samples = 2
      configuration.watching.reward = "coordinate:1"
      configuration.sampling.steps = 1
      let alignment = try Alignment(configuration, seed: 1)
      let few = samples.samples(0..<64)
      return { _ = try alignment.fit(pairs, from: start, data: few) }
    },
    inversion("inversion_2d 1024 mixed times", shrinks: true),
    inversion("inversion_2d 1024 mixed times, full grid", shrinks: false),
  ]

  /// A row is done when its time is reached, or, as code for one time does it, the whole grid is walked by every row.
  private static func inversion(_ name: String, shrinks: Bool) -> BenchCase {
    BenchCase(name: name, work: Work(flops: 1024 * (shrinks ? 6.5 : 11) * 2 * 41_600)) {
      let samples = try RingOfGaussians().samples(1024, seed: 1)
      let model = try DiffusionModel(ModelConfiguration(), shape: .point(2), seed: 1)
      let inverter = Inverter(with: Denoiser(model))
      let times = (0..<1024).map { shrinks ? $0 * 977 % 1000 : 999 }
      let rows = (0..<1024).map(UInt64.init)
      return { _ = try inverter.invert(samples.values, times: times, classes: [], seed: 1, rows: rows) }
    }
  }
}
