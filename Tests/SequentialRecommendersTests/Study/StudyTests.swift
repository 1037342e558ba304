import Foundation
import PenchantData
import PenchantKernels
import PenchantTrain
import TestSupport
import Testing

@testable import SequentialRecommenders

/// From a log to a result and to lists, in Swift.
@Suite struct StudyTests {
  /// A small log with planted successors.
  static func log(users: Int = 120) throws -> InteractionLog {
    var configuration = SyntheticLog.Configuration()
    (configuration.users, configuration.items, configuration.clusters) = (users, 40, 8)
    (configuration.shortest, configuration.longest) = (5, 12)
    return try SyntheticLog(configuration).log()
  }

  static func prepared(_ change: (inout LogProtocol) -> Void = { _ in }) throws -> PreparedLog {
    var protocolOfLog = LogProtocol()
    change(&protocolOfLog)
    return try protocolOfLog.prepare(log(), file: "drawn")
  }

  /// Every system, with a setting that trains in no time.
  private func each(_ body: (any RecommenderConfiguration) throws -> Void) throws {
    var causal = SASRecTests.configuration { $0.run.steps = 4 }
    causal.run.patience = 0
    var cloze = BERT4RecConfiguration()
    (cloze.model, cloze.optimizer, cloze.run) = (causal.model, causal.optimizer, causal.run)
    for type in Recommenders.all {
      switch type.system {
      case SASRecConfiguration.system: try body(causal)
      case BERT4RecConfiguration.system: try body(cloze)
      case GRU4RecConfiguration.system: try body(GRU4RecTests.configuration { $0.run = causal.run })
      case ReaRecConfiguration.system: try body(ReaRecTests.configuration(.prl) { $0.run = causal.run })
      default: try body(type.init())
      }
    }
  }

  @Test func everySystemIsMeasuredAndReadBack() throws {
    let log = try Self.prepared()
    try each { configuration in
      func check(_ configuration: some RecommenderConfiguration) throws {
        let outcome = try #require(try RecommenderStudy(configuration, seed: 3).run(on: log))
        let result = outcome.result
        let peers = configuration.peers(seed: 3).count
        let others = Recommenders.baselines.count { $0.system != type(of: configuration).system }
        #expect(result.testCases == 120 && result.models.count == 1 + peers + others)
        #expect(result.models[0].name == type(of: configuration).system)
        #expect(result.testChecksum == log.split.testChecksum && result.comparison != nil)
        let read = try TrainedRecommender(bytes: outcome.model.bytes(), name: "m")
        #expect(read.system == result.system && read.items == outcome.model.items)
        #expect(try read.bytes() == outcome.model.bytes())
        let (before, after) = (try outcome.model.recommender(), try read.recommender())
        for history in [["i1", "i9"], [], ["?"]] {
          let found = try before.recommend(for: history, count: 7)
          #expect(try after.recommend(for: history, count: 7) == found)
          #expect(found.items.count == 7 && !found.items.map(\.item).contains { history.contains($0) })
          #expect(found.basis == (history.first == "i1" ? .history : .popularity))
          if found.basis == .popularity {
            #expect(
              found.items.map(\.score) == log.split.popularity.sorted(by: >).prefix(7).map { Float($0) })
          }
        }
      }
      try check(configuration)
    }
  }

  @Test func damagedModelsAreRefused() throws {
    let log = try Self.prepared()
    try each { configuration in
      func check(_ configuration: some RecommenderConfiguration) throws {
        let fitted = try configuration.fit(
          log.split, seed: 1, ranked: .unmasked, with: Trainer(TrainerConfiguration()), resume: false)
        let whole = try TrainedRecommender(
          fitted.model, system: type(of: configuration).system, items: ItemTable(log.split.itemNames)
        ).bytes()
        var draws = Philox(seed: testSeed, stream: 5)
        for cut in [0, 7, whole.count / 2, whole.count - 1] {
          #expect(throws: (any Error).self) { try TrainedRecommender(bytes: Array(whole[..<cut]), name: "m") }
        }
        // A bit anywhere else is an error or another model, never a trap.
        for _ in 0..<60 {
          var bytes = whole
          bytes[draws.index(below: bytes.count)] ^= UInt8(1 << draws.index(below: 8))
          if let read = try? TrainedRecommender(bytes: bytes, name: "m") {
            _ = try? read.recommender().recommend(for: ["i1", "i2"], count: 3)
          }
        }
      }
      try check(configuration)
    }
  }

  @Test func historiesAreReadBackAndHoldUsersThatWereTooFew() throws {
    var five = LogProtocol()
    five.core = 5
    let log = try five.prepare(
      InteractionReader(bytes: Array((Self.text + "new 3 77 1\n").utf8), format: .sequences).log(), file: "t")
    #expect(log.counts.users == 6 && log.fileCounts.users == 7 && log.fileCounts.items == 6)
    let read = try UserHistories(SafeTensors(bytes: log.histories.bytes(), name: "h"))
    #expect(read == log.histories)
    // Known items alone, by the ids of the catalogue.
    let items = ItemTable(log.split.itemNames)
    let newer = try #require(read.history(of: "new"))
    #expect(newer.map { items.names[Int($0) - 1] } == ["3", "1"])
    #expect(read.history(of: "nobody") == nil)
    let bytes = try log.histories.bytes()
    #expect(throws: (any Error).self) {
      try UserHistories(SafeTensors(bytes: Array(bytes.dropLast()), name: "h"))
    }
  }

  private static let text = (0..<6).map { "u\($0) 1 2 3 4 5\n" }.joined()

  @Test func aLogThatCannotBePreparedIsRefusedWithItsNumbers() throws {
    let log = try InteractionReader(bytes: Array(Self.text.utf8), format: .sequences).log()
    func refused(_ says: String, _ change: (inout LogProtocol) -> Void) {
      var protocolOfLog = LogProtocol()
      change(&protocolOfLog)
      let error = #expect(throws: DataError.self) { try protocolOfLog.prepare(log, file: "t") }
      #expect(error?.description.contains(says) == true, "\(error?.description ?? "")")
    }
    refused("have 7 events") { $0.core = 7 }
    refused("no ratings") { $0.rating = 3 }
    refused("has none") { $0.split = .time }
    refused("has none") { $0.split = .file }
    var impossible = LogProtocol()
    impossible.testFrom = 0.1
    #expect(throws: ConfigurationError.self) { try impossible.validate() }
  }

  @Test func evaluatingTheSameLogGivesTheSameRanks() throws {
    let log = try Self.prepared()
    let outcome = try #require(try RecommenderStudy(MarkovConfiguration()).run(on: log))
    let again = try outcome.model.evaluate(Self.log(), file: "drawn")
    #expect(
      again.fingerprint == outcome.result.fingerprint && again.testChecksum == outcome.result.testChecksum)
    #expect(again.metrics == outcome.result.metrics)
    var other = InteractionLog()
    other.append(user: "a", item: "strange")
    #expect(throws: DataError.self) { try outcome.model.evaluate(other, file: "x") }
  }

  @Test func resultsHaveTheSameBitsForAnyNumberOfThreads() throws {
    let log = try Self.prepared { $0.ranked = .masked }
    let results = try [1, 2, 3, 5].map { threads in
      try Team.with(threads: threads) {
        let outcome = try #require(
          try RecommenderStudy(SASRecTests.configuration { $0.run.steps = 12 }, seed: 4).run(on: log))
        let rows = outcome.result.models.map { [$0.metrics, $0.intervals.mapValues(\.low)] }
        return (rows, outcome.result.examples, try outcome.model.bytes())
      }
    }
    for other in results.dropFirst() {
      #expect(other.0 == results[0].0 && other.1 == results[0].1 && other.2 == results[0].2)
    }
  }

  /// A catalogue of 50,000 items with 64 floats each; PENCHANT_LONG=1 holds the times, which a busy machine stretches.
  @Test func aLargeModelLoadsAndAnswersAtOnce() throws {
    let isLong = ProcessInfo.processInfo.environment["PENCHANT_LONG"] == "1"
    let count = 50_000
    var configuration = SASRecConfiguration()
    configuration.model.longest = 50
    let network = configuration.network(itemCount: count)
    var parameters: [String: [Float]] = [:]
    for entry in network.layout.entries {
      parameters[entry.parameter.name] = (0..<entry.parameter.count).map { Float($0 % 97) / 970 }
    }
    let model = FittedSASRec(
      configuration: configuration, seed: 0, itemCounts: [UInt32](repeating: 1, count: count),
      parameters: parameters, state: TrainingState(seed: 0))
    let names = (0..<count).map { "item-\($0)" }
    let trained = try TrainedRecommender(
      model, system: "sasrec", items: ItemTable(names), titles: names.map { "The title of \($0)" })
    let path = FileManager.default.temporaryDirectory.appending(path: "penchant-\(UUID()).safetensors").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try Data(trained.bytes()).write(to: URL(filePath: path))
    let clock = ContinuousClock()
    var best = Duration.seconds(9)
    for _ in 0..<5 { best = min(best, try clock.measure { _ = try TrainedRecommender(path) }) }
    let recommender = try TrainedRecommender(path).recommender()
    let history = (0..<50).map { "item-\($0 * 7)" }
    let requests = try Team.with(threads: 1) { () throws in
      try (0..<(isLong ? 5000 : 100)).map { _ in
        try clock.measure { _ = try recommender.recommend(for: history, count: 10) }
      }.sorted()
    }
    let (median, high) = (requests[requests.count / 2], requests[requests.count * 99 / 100])
    print(
      "50,000 items: loaded in \(best); a request on one thread, median \(median), 99 of 100 within \(high)")
    if isLong { #expect(best < .milliseconds(100) && median <= .milliseconds(1) && high <= .milliseconds(3)) }
  }
}
