import Foundation
import PenchantKernels
import PenchantTrain
import TestSupport
import Testing

@testable import SequentialRecommenders

/// Training, scoring and serving of SASRec.
@Suite struct SASRecTests {
  /// Histories that step through a ring of items: the next item follows from the last alone.
  static func ring(_ users: Int, items: Int, longest: Int = 12) throws -> (ItemSequences, NextItemCases) {
    var draws = Philox(seed: 11)
    var walks: [[Int32]] = []
    for _ in 0..<users {
      let start = draws.index(below: items)
      let length = 3 + draws.index(below: longest)
      walks.append((0...length).map { Int32((start + $0 * 3) % items) + 1 })
    }
    let train = try ItemSequences(itemCount: items, sequences: walks.map { Array($0.dropLast()) })
    let whole = try ItemSequences(itemCount: items, sequences: walks)
    let cases = try NextItemCases(
      sequences: whole, users: Array(0..<Int32(users)), positions: walks.map { Int32($0.count - 1) })
    return (train, cases)
  }

  static func configuration(_ change: (inout SASRecConfiguration) -> Void = { _ in }) -> SASRecConfiguration {
    var c = SASRecConfiguration()
    (c.model.width, c.model.heads, c.model.inner, c.model.longest) = (16, 2, 24, 8)
    c.model.dropout = 0.1
    c.optimizer.rows = 128
    c.optimizer.learningRate = 1e-2
    c.run.epochs = 12
    c.run.patience = 0
    change(&c)
    return c
  }

  @Test(.enabled(if: isOptimised, "runs in release"), arguments: NextItemObjective.Kind.allCases)
  func learnsARing(_ kind: NextItemObjective.Kind) throws {
    let (train, cases) = try Self.ring(300, items: 40)
    let model = try SASRec(
      Self.configuration {
        $0.objective = NextItemObjective(kind)
        $0.objective.negatives = kind == .bce ? 8 : 20
        // Calibrated scores move slowly: the positive term is nearly switched off at first.
        if kind == .gbce { $0.run.epochs = 50 }
      }, seed: 3
    ).fit(to: train, validating: cases)
    let places = try FullRanking().evaluate(model.scorer(), on: cases).unmasked.places
    #expect(places.mean(.ndcg10) > 0.95, "\(kind): \(places.mean(.ndcg10))")
  }

  @Test func sameBitsForAnyNumberOfThreads() throws {
    let (train, cases) = try Self.ring(120, items: 50)
    let configuration = Self.configuration { $0.run.steps = 25 }
    let models = try [1, 2, 3, 5].map { threads in
      try Team.with(threads: threads) {
        try SASRec(configuration, seed: 3).fit(to: train, validating: cases).parameters
      }
    }
    for other in models.dropFirst() { #expect(other == models[0]) }
  }

  @Test(arguments: [NextItemObjective.Kind.full, .sampled])
  func resumedInTheMiddleOfAnEpochHasTheSameBits(_ kind: NextItemObjective.Kind) throws {
    let (train, cases) = try Self.ring(120, items: 50, longest: 30)
    let configuration = Self.configuration {
      $0.objective = NextItemObjective(kind)
      $0.objective.negatives = 12
      $0.run.epochs = 3
      $0.run.checkpointEvery = 5
    }
    let whole = try SASRec(configuration, seed: 8).fit(to: train, validating: cases)
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "penchant-\(UUID().uuidString)"
    )
    .path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let run = try RunDirectory.create(folder)
    for stop in [4, 9] {
      let counter = Countdown(stop)
      _ = try SASRec(configuration, seed: 8).fit(
        to: train, validating: cases,
        with: Trainer(configuration.run, run: run, shouldStop: { counter.isOver() }), resume: true)
    }
    let resumed = try SASRec(configuration, seed: 8).fit(
      to: train, validating: cases, with: Trainer(configuration.run, run: run), resume: true)
    #expect(resumed.parameters == whole.parameters)
    #expect(resumed.state == whole.state)
  }

  @Test func aCheckpointOfOtherDataIsRefused() throws {
    let (train, cases) = try Self.ring(60, items: 50)
    let (other, _) = try Self.ring(61, items: 50)
    let configuration = Self.configuration { $0.run.steps = 3 }
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "penchant-\(UUID().uuidString)"
    )
    .path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let trainer = Trainer(configuration.run, run: try RunDirectory.create(folder))
    _ = try SASRec(configuration).fit(to: train, validating: cases, with: trainer)
    #expect(throws: ConfigurationError.self) {
      _ = try SASRec(configuration).fit(to: other, with: trainer, resume: true)
    }
  }

  @Test func savedAndReadScoresTheSame() throws {
    let (train, _) = try Self.ring(60, items: 30)
    let model = try SASRec(Self.configuration { $0.run.steps = 6 }).fit(to: train)
    let read = try FittedSASRec(bytes: model.bytes(), name: "m")
    #expect(read.parameters == model.parameters && read.itemCounts == model.itemCounts)
    #expect(read.configuration == model.configuration && read.state == model.state)
    #expect(try read.bytes() == model.bytes())
  }

  @Test func aFileOfAnotherSystemOrATornOneIsRefused() throws {
    let (train, _) = try Self.ring(60, items: 30)
    let bytes = try SASRec(Self.configuration { $0.run.steps = 2 }).fit(to: train).bytes()
    for cut in [0, 9, bytes.count / 2, bytes.count - 1] {
      #expect(throws: (any Error).self) { try FittedSASRec(bytes: Array(bytes[..<cut]), name: "m") }
    }
    let other = String(decoding: bytes.prefix(4000), as: UTF8.self).replacingOccurrences(
      of: "\"sasrec\"", with: "\"xasrec\"")
    #expect(throws: (any Error).self) {
      try FittedSASRec(bytes: Array(other.utf8) + bytes.dropFirst(other.utf8.count), name: "m")
    }
  }

  /// A model whose values are random numbers of ordinary size.
  static func drawn(_ norm: Bool, longest: Int = 8) throws -> FittedSASRec {
    var configuration = Self.configuration { $0.model.longest = longest }
    configuration.model.norm = norm ? .post : .pre
    let network = SASRecNetwork(itemCount: 30, configuration.model)
    var draws = Philox(seed: testSeed)
    var parameters: [String: [Float]] = [:]
    for entry in network.layout.entries {
      parameters[entry.parameter.name] = (0..<entry.parameter.count).map { _ in
        Float(draws.uniform() - 0.5)
      }
    }
    return FittedSASRec(
      configuration: configuration, seed: 0, itemCounts: (0..<30).map { UInt32($0 % 7) },
      parameters: parameters, state: TrainingState(seed: 0))
  }

  @Test(arguments: [true, false])
  func scoresAreThoseOfTheFormulas(_ isPost: Bool) throws {
    let model = try Self.drawn(isPost)
    let histories: [[Int32]] = [[1, 2, 3], [], [30], (1...20).map { $0 }, [5, 5, 5, 5, 5, 5, 5, 5]]
    var scores = [Float](repeating: 0, count: histories.count * 30)
    try model.scorer().score(histories: histories.map { $0[...] }, into: &scores)
    let reference = SASRecReference(
      parameters: model.parameters.mapValues { $0.map(Double.init) }, model: model.configuration.model,
      itemCount: 30)
    for (row, history) in histories.enumerated() where !history.isEmpty {
      let state = try #require(reference.states(history.suffix(8).map { Int($0) - 1 }).last)
      for item in 0..<30 {
        #expect(abs(Double(scores[row * 30 + item]) - reference.score(state, item)) < 2e-5)
      }
    }
    #expect(Array(scores[30..<60]) == model.logPopularity)
  }

  @Test(arguments: [true, false])
  func anAppendedEventIsTheHistoryReadAgain(_ isPost: Bool) throws {
    let model = try Self.drawn(isPost, longest: 6)
    let recommender = try model.recommender()
    let scorer = try model.scorer()
    var draws = Philox(seed: testSeed, stream: 2)
    var history: [Int32] = []
    var session = try recommender.session()
    for _ in 0..<15 {
      history.append(Int32(draws.index(below: 30)) + 1)
      try recommender.append(history[history.count - 1], to: &session)
      let whole = try scorer.states([history[...]])
      #expect(session.items == Array(history.suffix(6)))
      for (a, b) in zip(session.state, whole) { #expect(abs(a - b) <= 1e-5) }
      #expect(try recommender.session(history).state == session.state || history.count <= 6)
    }
  }

  @Test func topItemsAreTheBestScoresWithoutTheExcluded() throws {
    let model = try Self.drawn(true)
    let recommender = try model.recommender()
    let history: [Int32] = [4, 9, 4, 17]
    var scores = [Float](repeating: 0, count: 30)
    try model.scorer().score(histories: [history[...]], into: &scores)
    let best = (1...30).map(Int32.init).filter { !history.contains($0) }
      .sorted { scores[Int($0) - 1] > scores[Int($1) - 1] }.prefix(5)
    let session = try recommender.session(history)
    #expect(try recommender.top(5, for: session, excluding: history).map(\.item) == Array(best))
    // A scorer ranks the same, and refuses what is not in the catalogue whatever the history.
    let places = history.map { UInt32($0 - 1) }
    let scored = try model.scorer().top(5, after: history[...], excluding: places)
    #expect(scored.ids.map { Int32($0) + 1 } == Array(best))
    for history in [history, []] {
      #expect(throws: KernelError.self) { try model.scorer().top(5, after: history[...], excluding: [30]) }
    }
    #expect(throws: KernelError.self) {
      try PopularityModel(itemCounts: [3, 1]).top(1, after: [1], excluding: [2])
    }
    // Nothing known yet: the most popular, lower ids first.
    #expect(try recommender.top(3, for: recommender.session(), excluding: [7]).map(\.item) == [14, 21, 28])
    #expect(try recommender.top(99, for: session, excluding: [1]).count == 29)
  }

  @Test func wrongInputIsRefusedWithItsNumbers() throws {
    let (_, cases) = try Self.ring(20, items: 30)
    let lonely = try ItemSequences(itemCount: 3, sequences: [[1], [], [3]])
    #expect(throws: ConfigurationError.self) { _ = try SASRec(Self.configuration()).fit(to: lonely) }
    let small = try ItemSequences(itemCount: 3, sequences: [[1, 2]])
    #expect(throws: ConfigurationError.self) {
      _ = try SASRec(Self.configuration()).fit(to: small, validating: cases)
    }
    let model = try Self.drawn(true)
    var scores = [Float](repeating: 0, count: 30)
    for bad: Int32 in [0, 31, -1, .max, .min] {
      #expect(throws: KernelError.self) { try model.scorer().score(histories: [[1, bad]], into: &scores) }
      #expect(throws: KernelError.self) { try model.recommender().session([bad]) }
      let recommender = try model.recommender()
      var session = try recommender.session([1, 2])
      let before = session.state
      #expect(throws: KernelError.self) { try recommender.append(bad, to: &session) }
      #expect(session.state == before && session.items == [1, 2])
      #expect(throws: KernelError.self) { try recommender.top(3, for: session, excluding: [bad]) }
    }
    var short = [Float](repeating: 0, count: 29)
    #expect(throws: KernelError.self) { try model.scorer().score(histories: [[1]], into: &short) }
  }

  private static let refused = [
    Refused<SASRecConfiguration>("model.heads") { $0.model.heads = 3 },
    Refused<SASRecConfiguration>("model.width") { $0.model.width = 0 },
    Refused<SASRecConfiguration>("model.dropout") { $0.model.dropout = 1 },
    Refused<SASRecConfiguration>("model.longest") { $0.model.longest = 0 },
    Refused<SASRecConfiguration>("optimizer.rows") { $0.optimizer.rows = 7 },
    Refused<SASRecConfiguration>("optimizer.learning_rate") { $0.optimizer.learningRate = .nan },
    Refused<SASRecConfiguration>("data.overlap") { $0.data.overlap = 1 },
    Refused<SASRecConfiguration>("objective.negatives") { $0.objective.negatives = 0 },
    Refused<SASRecConfiguration>("run.epochs") { $0.run.epochs = 0 },
  ]

  @Test(arguments: refused) func aSettingThatCannotBeIsNamed(_ setting: Refused<SASRecConfiguration>) {
    setting.isNamed { change in _ = try SASRec(Self.configuration(change)) }
  }

  /// What early stopping looks at is what the test measures.
  @Test(arguments: SeenItems.allCases)
  func validationRanksAsTheFullRankingDoes(_ seen: SeenItems) throws {
    let (_, cases) = try Self.ring(80, items: 30)
    let model = try Self.drawn(true)
    let (network, store) = try model.network()
    let quick = try NextItemValidation(cases, ranked: seen, network: network, store: store).places()
    let full = try FullRanking().evaluate(model.scorer(), on: cases)[seen].places
    for (a, b) in zip(quick.above, full.above) { #expect(abs(Int(a) - Int(b)) <= 1) }
    #expect(abs(quick.mean(.ndcg10) - full.mean(.ndcg10)) < 1e-3)
  }
}
