import Foundation
import PenchantKernels
import PenchantTape
import PenchantTrain
import TestSupport
import Testing

@testable import SequentialRecommenders

@Suite struct BERT4RecTests {
  static func configuration(_ change: (inout BERT4RecConfiguration) -> Void = { _ in })
    -> BERT4RecConfiguration
  {
    var c = BERT4RecConfiguration()
    (c.model.width, c.model.heads, c.model.inner, c.model.longest) = (16, 2, 24, 9)
    c.model.dropout = 0.1
    c.optimizer.rows = 128
    c.optimizer.learningRate = 1e-2
    c.run.epochs = 30
    c.run.patience = 0
    change(&c)
    return c
  }

  @Test func everyWindowHidesSomethingAndOnlyWhatIsNotContext() throws {
    let sequences = try PackingTests.sequences(PackingTests.lengths(100))
    let windows = TrainingWindows(sequences, longest: 11, context: 5)
    var stream = try PackedStream(windows, rows: 64, cloze: Cloze(), seed: testSeed)
    var jumping = stream
    var (hidden, open, lastAlone, histories) = (0, 0, 0, 0)
    for number in 0..<4 * stream.blocksPerEpoch {
      try stream.advance(to: number)
      let block = stream.block
      #expect(block.offsets.last == 64)
      for s in 0..<block.sequences {
        let rows = Int(block.offsets[s])..<Int(block.offsets[s + 1])
        let places = rows.filter { block.targets[$0] != catalogueIgnore }
        #expect(!places.isEmpty && rows.count <= 12)
        for row in rows {
          #expect((block.items[row] == .max) == (block.targets[row] != catalogueIgnore))
          // Items of a history stand in order: what is hidden is known from its neighbour.
          let item = block.items[row] == .max ? block.targets[row] : block.items[row]
          if row > rows.lowerBound {
            let before = block.items[row - 1] == .max ? block.targets[row - 1] : block.items[row - 1]
            #expect(item == before + 1)
          }
        }
        hidden += places.count
        open += rows.count
        histories += 1
        if places == [rows.upperBound - 1] { lastAlone += 1 }
      }
    }
    #expect(Double(lastAlone) / Double(histories) > 0.15)
    #expect((0.1...0.45).contains(Double(hidden) / Double(open)))
    try stream.advance(to: 7)
    try jumping.advance(to: 7)
    #expect(stream.block.items == jumping.block.items && stream.block.targets == jumping.block.targets)
  }

  @Test(arguments: [true, false])
  func scoresAreThoseOfTheFormulas(_ isPost: Bool) throws {
    let configuration = Self.configuration { $0.model.norm = isPost ? .post : .pre }
    let network = BERT4RecNetwork(itemCount: 30, configuration.model)
    var draws = Philox(seed: testSeed)
    var parameters: [String: [Float]] = [:]
    for entry in network.layout.entries {
      parameters[entry.parameter.name] = (0..<entry.parameter.count).map { _ in Float(draws.uniform() - 0.5) }
    }
    let model = FittedBERT4Rec(
      configuration: configuration, seed: 0, itemCounts: [UInt32](repeating: 1, count: 30),
      parameters: parameters, state: TrainingState(seed: 0))
    let histories: [[Int32]] = [[1, 2, 3], [30], (1...20).map { $0 }, [5, 5, 5, 5, 5, 5, 5, 5]]
    var scores = [Float](repeating: 0, count: histories.count * 30)
    try model.scorer().score(histories: histories.map { $0[...] }, into: &scores)
    let reference = SASRecReference(
      parameters: parameters.mapValues { $0.map(Double.init) }, model: configuration.model, itemCount: 30,
      isCausal: false)
    let bias = try #require(parameters["items.bias"])
    for (row, history) in histories.enumerated() {
      let items = history.suffix(8).map { Int($0) - 1 } + [SASRecReference.hidden]
      let state = reference.head(try #require(reference.states(items).last))
      for item in 0..<30 {
        let expected = reference.score(state, item) + Double(bias[item])
        #expect(abs(Double(scores[row * 30 + item]) - expected) < 5e-5)
      }
    }
  }

  @Test(.enabled(if: isOptimised, "runs in release")) func learnsARing() throws {
    let (train, cases) = try SASRecTests.ring(300, items: 40)
    // A history gives one target in five: more epochs than a causal model needs.
    let configuration = Self.configuration { $0.run.epochs = 120 }
    let model = try BERT4Rec(configuration, seed: 3).fit(to: train, validating: cases)
    func ranking(_ model: FittedBERT4Rec) throws -> RankingResult {
      try FullRanking().evaluate(model.scorer(), on: cases)
    }
    let found = try ranking(model)
    #expect(found.unmasked.places.mean(.ndcg10) > 0.9)
    let read = try FittedBERT4Rec(bytes: model.bytes(), name: "m")
    #expect(try ranking(read).unmasked.places == found.unmasked.places)
    #expect(throws: (any Error).self) { try FittedSASRec(bytes: model.bytes(), name: "m") }
  }

  @Test func sameBitsForAnyNumberOfThreads() throws {
    let (train, cases) = try SASRecTests.ring(120, items: 50)
    let configuration = Self.configuration { $0.run.steps = 15 }
    let models = try [1, 2, 3].map { threads in
      try Team.with(threads: threads) {
        try BERT4Rec(configuration, seed: 3).fit(to: train, validating: cases).parameters
      }
    }
    for other in models.dropFirst() { #expect(other == models[0]) }
  }

  @Test func settingsThatCannotBeAreNamed() throws {
    for (name, change) in [
      ("cloze.share", { $0.cloze.share = 0 }), ("cloze.last", { $0.cloze.last = 2 }),
      ("model.longest", { $0.model.longest = 1 }), ("model.heads", { $0.model.heads = 5 }),
    ] as [(String, (inout BERT4RecConfiguration) -> Void)] {
      let error = #expect(throws: ConfigurationError.self) { try BERT4Rec(Self.configuration(change)) }
      #expect(error?.description.contains(name) == true)
    }
  }
}
