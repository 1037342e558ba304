import Foundation
import TestSupport
import Testing

@testable import DiffusionAlignment

/// Real pictures (InPO section 14 C): digits of 8 × 8 pixels, moved towards thicker strokes and towards closed loops by three
/// methods, at equal pairs and at equal network calls, three seeds. Prints reward, win rate over the start, class accuracy and
/// Fréchet distance at looks: the frontier of reward against distance.
///
///     PENCHANT_LONG=1 swift test -c release -Xswiftc -enable-testing --filter DigitStudy
@Suite(.serialized) struct DigitStudy {
  private static let isLong = ProcessInfo.processInfo.environment["PENCHANT_LONG"] != nil
  private static let file = "digits-8x8/digits.csv.gz"
  private static let drawn = 300

  private struct Judge {
    let reward: PictureReward
    let classifier: LinearClassifier
    let frechet: FrechetDistance
    let start: [Double]

    /// Reward, win rate, class accuracy, Fréchet distance.
    func measures(_ samples: SampleSet) throws -> [Double] {
      let rewards = try reward.scores(samples)
      let wins = zip(rewards, start).reduce(0.0) { $0 + ($1.0 > $1.1 ? 1 : $1.0 == $1.1 ? 0.5 : 0) }
      return [
        rewards.reduce(0, +) / Double(rewards.count), wins / Double(rewards.count),
        try classifier.accuracy(samples), try frechet.distance(to: samples),
      ]
    }
  }

  @Test(
    .enabled(if: isLong && SharedData.has(file), "PENCHANT_LONG, and the data digits-8x8"),
    arguments: [(PictureReward.ink, 0.02), (.loops, 0.3)])
  func frontier(_ reward: PictureReward, _ temperature: Double) throws {
    let digits = try SampleReader.read(SharedData.path(Self.file), size: SampleShape("8x8"), range: 0...16)
    var settings = DiffusionConfiguration()
    settings.run.steps = 2000
    settings.optimizer.rows = 48
    settings.optimizer.learningRate = 2e-3
    settings.sampling.steps = 10
    settings.sampling.guidance = 2
    let start = try Diffusion(settings, seed: 1).fit(digits).model
    let scores = try reward.scores(digits)
    print("\(reward): \(scores.reduce(0, +) / Double(digits.count)) in the data")

    var configuration = AlignmentConfiguration()
    configuration.objective.beta = 200
    configuration.optimizer.rows = 16
    configuration.optimizer.learningRate = 3e-5
    configuration.run.validateEvery = 25
    configuration.run.patience = 0
    configuration.held = 0
    configuration.sampling = settings.sampling
    configuration.watching.samples = Self.drawn
    configuration.watching.reward = reward.rawValue
    let methods: [(String, Int, (inout AlignmentConfiguration) -> Void)] = [
      ("dpo", 400, { $0.objective.method = .dpo }),
      ("inpo, stable", 400, { $0.objective.preset = .stable }),
      ("inpo, faithful", 400, { $0.objective.preset = .faithful }),
    ]
    for (name, steps, change) in methods {
      var looks: [Int: [[Double]]] = [:]
      for seed in UInt64(1)...3 {
        let pairs = try PreferenceDraw.pairs(
          digits, reward: scores, temperature: temperature, count: 4096, seed: seed)
        var own = configuration
        own.run.steps = steps
        change(&own)
        var judge: Judge?
        _ = try Alignment(own, seed: seed).fit(pairs, from: start, data: digits) { step, samples in
          let known =
            try judge
            ?? Judge(
              reward: reward, classifier: LinearClassifier(fitting: digits),
              frechet: FrechetDistance(from: digits),
              start: reward.scores(samples))
          judge = known
          // 150 steps of InPO cost as many network calls as 400 of Diffusion-DPO.
          if [0, 25, 50, 100, 150, 200, 400].contains(step) {
            looks[step, default: []].append(try known.measures(samples))
          }
        }
      }
      for step in looks.keys.sorted() {
        let seeds = looks[step] ?? []
        let cells = (0..<4).map { part -> String in
          let values = seeds.map { $0[part] }
          let mean = values.reduce(0, +) / Double(values.count)
          let spread = ((values.max() ?? 0) - (values.min() ?? 0)) / 2
          return String(format: "%.3f±%.3f", mean, spread)
        }
        print("\(reward) \(name) \(step): \(cells.joined(separator: " / "))")
      }
      // Both of a win rate and a class accuracy are shares; whatever a method does, its samples stay numbers.
      #expect(looks.values.joined().allSatisfy { $0.allSatisfy(\.isFinite) })
      #expect(
        (looks[400] ?? []).allSatisfy { $0[0] > (looks[0]?[0][0] ?? .infinity) },
        "\(name) moved the wrong way")
    }
  }
}
