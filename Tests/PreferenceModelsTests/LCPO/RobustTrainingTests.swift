import Foundation
import PenchantData
import PenchantKernels
import PenchantTrain
import TestSupport
import Testing

@testable import PreferenceModels

/// Margins that never move.
private struct StillTask: TrustedTask {
  let known: [Float]
  var pairCount: Int { known.count }
  var stepsPerEpoch: Int { 1 }
  func pairs(at number: Int) -> [Int] { Array(known.indices) }
  func margins(of pairs: [Int]) -> [Float] { pairs.map { known[$0] } }
  func step(_ number: Int, trust: PairTrust?) -> StepOutcome { StepOutcome(loss: 0, learningRate: 0) }
  func validate() -> [(name: String, value: Double)] { [] }
  func checkpointFiles() -> [String: [UInt8]] { [:] }
  func restore(_ files: [String: [UInt8]]) {}
}

/// LCPO and the robust losses inside other models, through `TrustedTask`.
@Suite struct RobustTrainingTests {
  /// The trust of a pair gives its plain loss the slope of the robust loss, whatever the margin. That slope never points to
  /// the order that a label of this reliability denies: with κ above 1 it would, and there is no trust then.
  @Test(arguments: [0.02, 0.3, 0.5, 0.75, 0.9, 0.999], [1.0, 2.5])
  func trustGivesTheMarginalGradient(_ eta: Double, _ slope: Double) {
    let margins: [Float] = [-60, -8, -1.5, -0.01, 0, 0.3, 2, 9, 40]
    let trust = PairTrust(
      margins: margins, reliabilities: [Double](repeating: eta, count: margins.count), slope: slope,
      meanLoss: 0)
    for (i, margin) in margins.enumerated() {
      let u = Double(margin)
      let w = sigmoid(slope * u + log(eta / (1 - eta)))
      let want = eta >= 0.5 ? min(sigmoid(u) - w, 0) : max(sigmoid(u) - w, 0)
      if slope == 1 { #expect(want == sigmoid(u) - w || abs(sigmoid(u) - w) < 1e-15) }
      let v = Double(trust.weight[i])
      let got = trust.isSwapped[i] ? v * sigmoid(u) : -v * sigmoid(-u)
      #expect(v >= 0 && abs(got - want) <= 1e-6 * abs(want) + 1e-9, "u \(u), eta \(eta)")
    }
  }

  /// Margins that mostly deny their labels: the fit that calls most labels wrong is not taken. One of margins that mostly
  /// agree is.
  @Test func mostLabelsAreNeverCalledWrong() throws {
    var robust = RobustConfiguration()
    robust.method = .lcpo
    robust.update = .epoch
    robust.warmup = 0
    robust.slope = 10
    for (share, moves) in [(0.4, false), (0.8, true)] {
      let known = (0..<1000).map { Double($0) < share * 1000 ? Float(1) : -1 }
      var training = try RobustTraining(StillTask(known: known), robust, steps: 3)
      for number in 0..<3 { _ = try training.step(number) }
      #expect((training.reliabilities.eta[0] != 0.9) == moves, "\(share): \(training.reliabilities.eta)")
      #expect(training.reliabilities.eta[0] >= 0.5)
    }
  }

  @Test(arguments: RobustConfiguration.Method.allCases.filter { ![.none, .lcpo, .drdpo].contains($0) })
  func trustGivesTheSlopeOfEveryLoss(_ method: RobustConfiguration.Method) throws {
    var robust = RobustConfiguration()
    robust.method = method
    let loss = try #require(robust.loss)
    let margins: [Float] = [-12, -3, -0.5, 0, 0.4, 1.7, 6, 15]
    var (losses, slopes) = ([Float](repeating: 0, count: 8), [Float](repeating: 0, count: 8))
    var l = losses.mutableSpan
    var g = slopes.mutableSpan
    try preferenceLoss(loss, margins: margins.span, losses: &l, gradient: &g)
    let trust = PairTrust(margins: margins, slopes: slopes, meanLoss: 0)
    for (i, margin) in margins.enumerated() {
      let (u, v) = (Double(margin), Double(trust.weight[i]))
      let got = trust.isSwapped[i] ? v * sigmoid(u) : -v * sigmoid(-u)
      #expect(abs(got - Double(slopes[i])) <= 2e-6 * abs(Double(slopes[i])) + 1e-9, "\(method) at \(u)")
    }
  }

  /// Answers whose worth stands in their words; a third of the judges' labels are turned round, and one judge is contrary.
  private static func pairs(_ count: Int, wrong: [Double]) -> (pairs: [PreferencePair], isRight: [Bool]) {
    var generator = TestGenerator(stream: "robust pairs")
    let good = ["evidence", "reason", "because", "clear"]
    let bad = ["whatever", "lol", "dunno", "meh"]
    let plain = ["the", "house", "tree", "walks", "over", "green", "quiet", "stone"]
    func answer() -> (text: String, worth: Double) {
      var (words, worth) = ([String](), 0.0)
      for _ in 0..<(5 + Int.random(in: 0..<6, using: &generator)) {
        switch Int.random(in: 0..<5, using: &generator) {
        case 0:
          words.append(good.randomElement(using: &generator)!)
          worth += 1
        case 1:
          words.append(bad.randomElement(using: &generator)!)
          worth -= 1
        default: words.append(plain.randomElement(using: &generator)!)
        }
      }
      return (words.joined(separator: " "), worth)
    }
    var (pairs, isRight) = ([PreferencePair](), [Bool]())
    for place in 0..<count {
      let (a, b) = (answer(), answer())
      let judge = place % wrong.count
      let clean = generator.unit() < sigmoid(2 * (a.worth - b.worth))
      let right = generator.unit() >= wrong[judge]
      let first = clean == right
      pairs.append(
        PreferencePair(
          prompt: "?", chosen: first ? a.text : b.text, rejected: first ? b.text : a.text,
          user: "judge \(judge)"))
      isRight.append(right)
    }
    return (pairs, isRight)
  }

  @Test func bradleyTerryFindsTheContraryJudge() throws {
    let (pairs, isRight) = Self.pairs(900, wrong: [0.05, 0.05, 0.3, 0.9])
    let table = PairTable(pairs)
    var configuration = BradleyTerryConfiguration()
    configuration.objective.ridges = [3]
    configuration.features.featuriser.longestCharacters = 0
    let plain = try BradleyTerry(configuration).fit(to: table)
    configuration.robust.method = .lcpo
    let robust = try BradleyTerry(configuration).fit(to: table)
    #expect(plain.labels == nil)
    let labels = try #require(robust.labels)
    let eta = labels.annotators.map(\.reliability)
    #expect(labels.annotators.map(\.name) == ["judge 0", "judge 1", "judge 2", "judge 3"])
    #expect(eta[0] > 0.8 && eta[1] > 0.8 && eta[3] < 0.35 && eta[2] < eta[0], "\(eta)")
    let right = labels.pairs.map { isRight[$0] }
    #expect(LabelAUC.area(labels.confidence, right) > 0.85)
    // The order that the clean preference has, not the one observed.
    func clean(_ fit: BradleyTerry.Fit) -> Double {
      let margins = table.chosen.indices.map { place in
        (isRight[place] ? 1 : -1) * (fit.scores[table.chosen[place]] - fit.scores[table.rejected[place]])
      }
      return PairMetrics(margins: margins).accuracy
    }
    #expect(clean(robust) > clean(plain) + 0.03, "\(clean(robust)) and \(clean(plain))")
  }

  @Test func bradleyTerryNetworkTakesEveryMethod() throws {
    let (pairs, _) = Self.pairs(200, wrong: [0.1, 0.8])
    let table = PairTable(pairs)
    var configuration = BradleyTerryConfiguration()
    configuration.model.head = .mlp
    configuration.model.hidden = [8]
    configuration.model.projection = 16
    configuration.features.featuriser.longestCharacters = 0
    configuration.run.epochs = 2
    var prints: [[Double]] = []
    for method in RobustConfiguration.Method.allCases {
      configuration.robust.method = method
      let fit = try BradleyTerry(configuration, seed: 2).fit(to: table)
      let isFinite = fit.scores.allSatisfy { $0.isFinite }
      #expect(isFinite, "\(method)")
      #expect((fit.labels != nil) == (method == .lcpo))
      prints.append(fit.scores)
    }
    #expect(Set(prints).count == prints.count, "each method trains another model")
  }

  /// η is in the checkpoint: a training that was stopped ends with the bits of one that was not.
  @Test func resumedTrainingHasTheSameReliabilities() throws {
    let (pairs, _) = Self.pairs(200, wrong: [0.1, 0.6, 0.9])
    let table = PairTable(pairs)
    var configuration = BradleyTerryConfiguration()
    configuration.model.head = .mlp
    configuration.model.hidden = [8]
    configuration.model.projection = 16
    configuration.features.featuriser.longestCharacters = 0
    configuration.robust.method = .lcpo
    configuration.robust.warmup = 0
    configuration.run.epochs = 6
    configuration.run.patience = 0
    configuration.run.checkpointEvery = 2
    for update in RobustConfiguration.Update.allCases {
      configuration.robust.update = update
      let system = try BradleyTerry(configuration, seed: 5)
      let whole = try system.fit(to: table)
      let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
        "robust-\(UUID().uuidString)")
      defer { try? FileManager.default.removeItem(at: folder) }
      let run = try RunDirectory.create(folder.path)
      try run.write("config.yaml", "")
      let count = Countdown(7)
      let stopped = try system.fit(
        to: table, trainer: Trainer(configuration.run, run: run, shouldStop: { count.isOver() }))
      #expect(stopped.ending == .interrupted)
      let resumed = try system.fit(to: table, trainer: Trainer(configuration.run, run: run), resume: true)
      #expect(resumed.scores == whole.scores, "\(update)")
      #expect(resumed.labels == whole.labels, "\(update)")
      let three = try Team.with(threads: 3) { try system.fit(to: table) }
      #expect(three.scores == whole.scores && three.labels == whole.labels)
    }
  }

  private final class Countdown: @unchecked Sendable {
    private var left: Int
    init(_ count: Int) { left = count }
    func isOver() -> Bool {
      left -= 1
      return left < 0
    }
  }

  @Test func prefPaletteFindsTheContraryJudge() throws {
    var generator = SyntheticPalette(seed: 4)
    generator.communities = 2
    generator.train = 600
    generator.test = 300
    generator.validation = 50
    generator.width = 16
    let corpus = try generator.corpus()
    var data = corpus.train
    var draws = TestGenerator(stream: "palette noise")
    data.annotator = (0..<data.count).map { UInt32($0 % 3) }
    var isRight: [Bool] = []
    for pair in 0..<data.count {
      let right = draws.unit() >= [0.05, 0.05, 0.9][pair % 3]
      isRight.append(right)
      if !right { (data.chosen[pair], data.rejected[pair]) = (data.rejected[pair], data.chosen[pair]) }
    }
    var configuration = PrefPaletteTests.configuration(epochs: 8)
    let plain = try PrefPalette(configuration, seed: 3).fit(to: data)
    configuration.robust.method = .lcpo
    configuration.robust.step = 0.05
    let (robust, found) = try PrefPalette(configuration, seed: 3).fitWithLabels(
      to: data, annotators: ["a", "b", "contrary"])
    let labels = try #require(found)
    #expect(labels.annotators[2].name == "contrary")
    #expect(
      labels.annotators[2].reliability < 0.5 && labels.annotators[0].reliability > 0.6, "\(labels.annotators)"
    )
    #expect(LabelAUC.area(labels.confidence, isRight) > 0.75)
    func accuracy(_ model: FittedPrefPalette) throws -> Double {
      PairMetrics(margins: try model.margins(corpus.test)).accuracy
    }
    let (with, without) = (try accuracy(robust), try accuracy(plain))
    #expect(with > without, "\(with) and \(without)")
  }

  /// Trust of one everywhere is the plain training, bit for bit in what it learns.
  @Test func fullTrustIsThePlainTraining() throws {
    let data = try PrefPaletteTests.corpus(train: 100).train
    let configuration = PrefPaletteTests.configuration(epochs: 1)
    var plain = try PaletteTask(data, validation: nil, configuration, seed: 1)
    var trusted = try PaletteTask(data, validation: nil, configuration, seed: 1)
    for number in 0..<4 {
      _ = try plain.step(number)
      let count = try trusted.pairs(at: number).count
      _ = try trusted.step(
        number,
        trust: PairTrust(
          weight: [Float](repeating: 1, count: count), isSwapped: [Bool](repeating: false, count: count),
          meanLoss: 0))
    }
    #expect(PrefPaletteTests.bits(plain.parameters) == PrefPaletteTests.bits(trusted.parameters))
  }

  @Test func settingsThatMakeNoSenseAreNamed() throws {
    var configuration = BradleyTerryConfiguration()
    configuration.robust.method = .ropo
    #expect(throws: ConfigurationError.self) { try BradleyTerry(configuration) }
    configuration.robust.method = .rdpo
    configuration.model.head = .mlp
    // A noise rate of one half leaves nothing to learn, and rDPO divides by 1 − 2ε.
    configuration.robust.smoothing = 0.5
    #expect(throws: ConfigurationError.self) { try BradleyTerry(configuration) }
    var palette = PrefPaletteConfiguration()
    palette.robust.method = .lcpo
    palette.objective.margin = .votes
    #expect(throws: ConfigurationError.self) { try PrefPalette(palette) }
    for change in [
      { (r: inout RobustConfiguration) in r.reliability = 1 }, { $0.step = 0 }, { $0.warmup = 2 },
      { $0.slope = 0 }, { $0.pseudoWrong = -1 }, { $0.shape = .nan },
    ] {
      var robust = RobustConfiguration()
      change(&robust)
      #expect(throws: ConfigurationError.self) { try robust.validate() }
    }
  }
}
