import Foundation
import TestSupport
import Testing

@testable import DiffusionAlignment

/// Real pictures (InPO section 14 C): digits of 8 × 8 pixels and MNIST, moved towards thicker strokes and towards closed loops
/// by three methods, at equal pairs and at equal network calls, three seeds. Prints reward, win rate over the start, class
/// accuracy and Fréchet distance at looks: the frontier of reward against distance.
///
///     PENCHANT_LONG=1 swift test -c release -Xswiftc -enable-testing --filter PictureStudy
///
/// Digits take ten minutes a reward on two free cores, MNIST three quarters of an hour; `PENCHANT_STUDY` names one case,
/// `PENCHANT_METHOD` one method; into the folder `PENCHANT_GRIDS` go grids of pictures of the first seed at every look.
@Suite(.serialized) struct PictureStudy {
  struct Case: Sendable, CustomTestStringConvertible {
    let file: String
    let size: String
    var range: ClosedRange<Float>? = nil
    let reward: PictureReward
    let temperature: Double
    /// Steps of InPO, of Diffusion-DPO, and between looks.
    let steps: (inpo: Int, dpo: Int)
    let learningRate: Double
    let every: Int
    let drawn: Int

    var testDescription: String { "\(file.prefix { $0 != "/" }) \(reward)" }

    static func digits(_ reward: PictureReward, _ temperature: Double) -> Case {
      Case(
        file: "digits-8x8/digits.csv.gz", size: "8x8", range: 0...16, reward: reward,
        temperature: temperature, steps: (400, 400),
        learningRate: 3e-5, every: 25, drawn: 300)
    }

    static func mnist(_ reward: PictureReward, _ temperature: Double) -> Case {
      Case(
        file: "mnist-10k/t10k-images-idx3-ubyte.gz", size: "28x28", reward: reward,
        temperature: temperature, steps: (150, 400),
        learningRate: 1e-5, every: 50, drawn: 200)
    }
  }

  static let cases = [
    Case.digits(.ink, 0.02), .digits(.loops, 0.3), .mnist(.ink, 0.02), .mnist(.loops, 0.3),
  ]

  /// Cases that were asked for and have their data.
  private static let asked = cases.filter { study in
    let environment = ProcessInfo.processInfo.environment
    return environment["PENCHANT_LONG"] != nil && SharedData.has(study.file)
      && (environment["PENCHANT_STUDY"] ?? study.testDescription) == study.testDescription
  }

  private struct Judge {
    let reward: PictureReward
    let classifier: LinearClassifier
    let frechet: FrechetDistance

    /// Reward, win rate, class accuracy, Fréchet distance.
    func measures(_ samples: SampleSet, start: [Double]) throws -> [Double] {
      let rewards = try reward.scores(samples)
      let wins = zip(rewards, start).reduce(0.0) { $0 + ($1.0 > $1.1 ? 1 : $1.0 == $1.1 ? 0.5 : 0) }
      return [
        rewards.reduce(0, +) / Double(rewards.count), wins / Double(rewards.count),
        try classifier.accuracy(samples), try frechet.distance(to: samples),
      ]
    }
  }

  @Test(
    .enabled(if: !asked.isEmpty, "PENCHANT_LONG, and the data digits-8x8 or mnist-10k"), arguments: asked)
  func frontier(_ study: Case) throws {
    let pictures = try SampleReader.read(
      SharedData.path(study.file), size: SampleShape(study.size), range: study.range)
    // A linear classifier of 3,000 pictures is as good as one of 10,000, and a third of the time.
    let judge = try Judge(
      reward: study.reward,
      classifier: LinearClassifier(fitting: pictures.samples(0..<min(3000, pictures.count))),
      frechet: FrechetDistance(from: pictures))
    var settings = DiffusionConfiguration()
    settings.run.steps = 2000
    settings.optimizer.rows = 48
    settings.optimizer.learningRate = 2e-3
    settings.sampling.steps = 10
    settings.sampling.guidance = 2
    let start = try Diffusion(settings, seed: 1).fit(pictures).model
    let scores = try study.reward.scores(pictures)
    print("\(study.testDescription): \(scores.reduce(0, +) / Double(pictures.count)) in the data")

    var configuration = AlignmentConfiguration()
    configuration.objective.beta = 200
    configuration.optimizer.rows = 16
    configuration.optimizer.learningRate = study.learningRate
    configuration.run.validateEvery = study.every
    configuration.run.patience = 0
    configuration.held = 0
    configuration.sampling = settings.sampling
    configuration.watching.samples = study.drawn
    configuration.watching.reward = study.reward.rawValue
    let methods: [(String, Int, (inout AlignmentConfiguration) -> Void)] = [
      ("dpo", study.steps.dpo, { $0.objective.method = .dpo }),
      ("inpo, stable", study.steps.inpo, { $0.objective.preset = .stable }),
      ("inpo, faithful", study.steps.inpo, { $0.objective.preset = .faithful }),
    ]
    let only = ProcessInfo.processInfo.environment["PENCHANT_METHOD"]
    for (name, steps, change) in methods where name == only ?? name {
      var looks: [Int: [[Double]]] = [:]
      for seed in UInt64(1)...3 {
        let pairs = try PreferenceDraw.pairs(
          pictures, reward: scores, temperature: study.temperature, count: 4096, seed: seed)
        var own = configuration
        own.run.steps = steps
        change(&own)
        var first: [Double]?
        _ = try Alignment(own, seed: seed).fit(pairs, from: start, data: pictures) { step, samples in
          let known = try first ?? study.reward.scores(samples)
          first = known
          // 150 steps of InPO cost as many network calls as 400 of Diffusion-DPO.
          if [0, 25, 50, 100, 150, 200, 400].contains(step) {
            looks[step, default: []].append(try judge.measures(samples, start: known))
            if seed == 1, let folder = ProcessInfo.processInfo.environment["PENCHANT_GRIDS"] {
              let file = "\(study.testDescription), \(name), \(step).png"
              let grid = try PictureGrid(columns: 12).bitmap(samples, rows: Array(0..<96))
              try Data(grid.png()).write(to: URL(filePath: folder).appending(path: file))
            }
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
        print("\(study.testDescription) \(name) \(step): \(cells.joined(separator: " / "))")
      }
      // Both of a win rate and a class accuracy are shares; whatever a method does, its samples stay numbers.
      #expect(looks.values.joined().allSatisfy { $0.allSatisfy(\.isFinite) })
      #expect(
        (looks[steps] ?? []).allSatisfy { $0[0] > (looks[0]?[0][0] ?? .infinity) },
        "\(name) moved the wrong way")
    }
  }
}
