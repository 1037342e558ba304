import Foundation
import PenchantKernels
import PenchantTrain
import TestSupport
import Testing

@testable import SequentialRecommenders

/// Training, scoring and serving of ReaRec.
@Suite struct ReaRecTests {
  static func configuration(
    _ method: ReaRecConfiguration.Method, _ change: (inout ReaRecConfiguration) -> Void = { _ in }
  ) -> ReaRecConfiguration {
    var c = ReaRecConfiguration()
    (c.model.width, c.model.heads, c.model.inner, c.model.longest) = (16, 2, 24, 8)
    (c.model.dropout, c.reasoning.dropout, c.reasoning.method) = (0.1, 0.1, method)
    (c.optimizer.rows, c.optimizer.learningRate) = (128, 1e-2)
    (c.run.epochs, c.run.patience) = (12, 0)
    change(&c)
    return c
  }

  @Test(.enabled(if: isOptimised, "runs in release"), arguments: ReaRecConfiguration.Method.allCases)
  func learnsARing(_ method: ReaRecConfiguration.Method) throws {
    let (train, cases) = try SASRecTests.ring(300, items: 40)
    let model = try ReaRec(Self.configuration(method), seed: 3).fit(to: train, validating: cases)
    let places = try FullRanking().evaluate(model.scorer(), on: cases).unmasked.places
    let ndcg = try places.mean(RankingMetric(.ndcg, at: 10))
    #expect(ndcg > 0.95, "\(method): \(ndcg)")
    let read = try FittedReaRec(bytes: model.bytes(), name: "m")
    #expect(try FullRanking().evaluate(read.scorer(), on: cases).unmasked.places == places)
    #expect(throws: (any Error).self) { try FittedSASRec(bytes: model.bytes(), name: "m") }
  }

  @Test(.enabled(if: isOptimised, "runs in release")) func learnsARingFromBothSides() throws {
    let (train, cases) = try SASRecTests.ring(150, items: 40)
    let configuration = Self.configuration(.prl) {
      $0.reasoning.backbone = .bert4rec
      $0.optimizer.rows = 512
      $0.run.epochs = 8
    }
    let model = try ReaRec(configuration, seed: 3).fit(to: train, validating: cases)
    let places = try FullRanking().evaluate(model.scorer(), on: cases).unmasked.places
    #expect(try places.mean(RankingMetric(.ndcg, at: 10)) > 0.9)
  }

  /// 13.1, 7.
  @Test(arguments: [ReaRecConfiguration.Method.erl, .prl])
  func sameBitsForAnyNumberOfThreads(_ method: ReaRecConfiguration.Method) throws {
    let (train, cases) = try SASRecTests.ring(120, items: 50)
    let configuration = Self.configuration(method) { $0.run.steps = 12 }
    let models = try [1, 2, 3].map { threads in
      try Team.with(threads: threads) {
        try ReaRec(configuration, seed: 3).fit(to: train, validating: cases).parameters
      }
    }
    for other in models.dropFirst() { #expect(other == models[0]) }
  }

  @Test func resumedInTheMiddleOfAnEpochHasTheSameBits() throws {
    let (train, cases) = try SASRecTests.ring(120, items: 50, longest: 30)
    let configuration = Self.configuration(.prl) {
      $0.run.epochs = 2
      $0.run.checkpointEvery = 5
    }
    let whole = try ReaRec(configuration, seed: 8).fit(to: train, validating: cases)
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("penchant-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let run = try RunDirectory.create(folder)
    let left = Countdown(7)
    _ = try ReaRec(configuration, seed: 8).fit(
      to: train, validating: cases, with: Trainer(configuration.run, run: run, shouldStop: { left.isOver() }),
      resume: true)
    let resumed = try ReaRec(configuration, seed: 8).fit(
      to: train, validating: cases, with: Trainer(configuration.run, run: run), resume: true)
    #expect(resumed.parameters == whole.parameters)
  }

  @Test func everyPrefixIsASampleOfItsOwn() throws {
    let sequences = try PackingTests.sequences(PackingTests.lengths(60))
    let windows = TrainingWindows(sequences, longest: 10, context: 0, everyPrefix: true)
    var targets: [Int] = []
    for window in try windows.windows(epoch: 1, seed: 5) {
      #expect((1...10).contains(window.count) && window.context == window.count - 1)
      let target = window.start + window.count
      let user = try #require(sequences.offsets.lastIndex { $0 <= window.start })
      #expect(target < sequences.offsets[user + 1])
      #expect(window.count == min(10, target - sequences.offsets[user]))
      targets.append(target)
    }
    let expected = (0..<sequences.count).flatMap { sequences.offsets[$0]..<sequences.offsets[$0 + 1] }
      .filter { !sequences.offsets.contains($0) }
    #expect(targets.sorted() == expected)
    var stream = try PackedStream(windows, rows: 256, seed: 4)
    for number in 0..<stream.blocksPerEpoch {
      try stream.advance(to: number)
      #expect(stream.block.sequences <= Questions.most(256))
    }
  }

  @Test func stepsAreReportedOneByOne() throws {
    let (train, cases) = try SASRecTests.ring(100, items: 40)
    let metrics = [try RankingMetric(.ndcg, at: 10), try RankingMetric(.recall, at: 10)]
    let configuration = Self.configuration(.erl) { $0.run.steps = 10 }
    let model = try ReaRec(configuration, seed: 3).fit(to: train)
    let replica = try FullRanking().evaluate(PopularityModel(train), on: cases).unmasked.places
    let report = try model.stepReport(
      on: cases, metrics: metrics, replicas: [replica, replica, replica])
    let whole = try FullRanking().evaluate(model.scorer(), on: cases).unmasked.places
    #expect(report.values.count == 3 && report.model == metrics.map { whole.mean($0) })
    #expect(report.oracle.steps == report.values.map { $0[0] } && report.oracle.nullGain == 0)
    for step in 0..<3 {
      #expect(abs(report.similarity[step][step] - 1) < 1e-9 && report.divergence[step][step] == 0)
      for other in 0..<3 where other != step {
        #expect(abs(report.similarity[step][other]) <= 1 && report.divergence[step][other] > 0)
      }
    }
    #expect(throws: ConfigurationError.self) { try model.stepReport(on: cases, metrics: []) }
    #expect(throws: KernelError.self) {
      try model.stepReport(on: cases, metrics: metrics, replicas: [replica])
    }
  }

  @Test func aStudyShowsTheGainOverTheBaseAndTheNullOfTheOracle() throws {
    let log = try StudyTests.prepared()
    func outcome(_ bases: Int) throws -> RecommenderResult {
      let configuration = Self.configuration(.prl) {
        ($0.run.steps, $0.run.patience, $0.reasoning.bases) = (20, 0, bases)
      }
      return try #require(try RecommenderStudy(configuration, seed: 2).run(on: log)).result
    }
    let result = try outcome(3)
    #expect(result.models.map(\.name).prefix(4) == ["rearec", "base", "base 2", "base 3"])
    #expect(
      result.exhibits.map(\.title) == [
        "Gain over the base", "What each step is worth", "How much the steps differ",
      ])
    let gains = try #require(result.exhibits.first)
    // A line a base and metric, in which the difference is that of the two means.
    #expect(gains.rows.count == 12 && gains.rows.allSatisfy { $0.count == gains.header.count })
    let first = gains.rows[0].compactMap(Double.init)
    #expect(abs(first[1] - first[0] - first[2]) < 2e-4)
    #expect(abs(first[1] - (result.metrics["ndcg@10"] ?? .nan)) < 1e-4)
    let steps = result.exhibits[1]
    #expect(steps.rows.map { $0[0] }.suffix(2) == ["best step a case", "best base a case"])
    #expect(steps.plot?.lines.first?.values.count == 3)
    // The first base is what a training without thoughts and the same seed gives.
    var base = Self.configuration(.prl) { ($0.run.steps, $0.run.patience) = (20, 0) }
    (base.reasoning.steps, base.reasoning.bases) = (0, 0)
    let alone = try #require(try RecommenderStudy(base, seed: 2).run(on: log)).result
    #expect(alone.metrics == result.models[1].metrics && alone.exhibits.isEmpty)
    #expect(try outcome(0).exhibits.map(\.title) == ["What each step is worth", "How much the steps differ"])
  }

  @Test func allMethodsHaveOneBase() throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    let bases = try ReaRecConfiguration.Method.allCases.map { method in
      let configuration = Self.configuration(method) {
        ($0.reasoning.steps, $0.reasoning.decay, $0.reasoning.noise) = (3, 2, method == .prl ? 0.1 : 0)
        ($0.reasoning.temperature, $0.reasoning.dropout) = (0.5, 0.3)
      }
      return try #require(configuration.peers(seed: 1).first).configuration
    }
    #expect(Set(try bases.map(encoder.encode)).count == 1)
    #expect(bases[0].reasoning.temperature == 0.5 && bases[0].reasoning.dropout == 0.3)
    #expect(bases[0].reasoning.steps == 0 && bases[0].peers(seed: 1).isEmpty)
  }

  private static let refused = [
    Refused<ReaRecConfiguration>("reasoning.steps") { $0.reasoning.steps = 6 },
    Refused<ReaRecConfiguration>("reasoning.bases") { $0.reasoning.bases = 4 },
    Refused<ReaRecConfiguration>("reasoning.temperature") { $0.reasoning.temperature = 0 },
    Refused<ReaRecConfiguration>("reasoning.temperature") { $0.reasoning.temperature = .nan },
    Refused<ReaRecConfiguration>("reasoning.decay") { $0.reasoning.decay = 0.5 },
    Refused<ReaRecConfiguration>("reasoning.divergence") { $0.reasoning.divergence = -1 },
    Refused<ReaRecConfiguration>("reasoning.noise") { $0.reasoning.noise = .infinity },
    Refused<ReaRecConfiguration>("reasoning.dropout") { $0.reasoning.dropout = 1 },
    Refused<ReaRecConfiguration>("reasoning.form") {
      ($0.reasoning.backbone, $0.reasoning.form) = (.bert4rec, .shared)
    },
    Refused<ReaRecConfiguration>("model.norm") { $0.model.norm = .pre },
    Refused<ReaRecConfiguration>("model.heads") { $0.model.heads = 3 },
  ]

  @Test(arguments: refused) func aSettingThatCannotBeIsNamed(_ setting: Refused<ReaRecConfiguration>) {
    setting.isNamed { change in _ = try ReaRec(Self.configuration(.prl, change)) }
  }
}
