import Foundation
import PenchantData
import PenchantKernels
import PenchantTape
import PenchantTrain
import TestSupport
import Testing

@testable import SequentialRecommenders

/// Items that are made from vectors: UniSRec's and MoRec's forms.
@Suite struct TextItemsTests {
  static let forms = [ItemText.Form.morec, .unisrec]

  /// Drawn vectors.
  static func vectors(_ items: Int, width: Int = 6) throws -> ItemVectors {
    var draws = Philox(seed: testSeed, stream: 9)
    let rows = (0..<items * width).map { _ in Float(draws.uniform() - 0.5) }
    return try ItemVectors(itemCount: items, width: width, rows: rows, described: Array(0..<items))
  }

  static func configuration(
    _ form: ItemText.Form, _ change: (inout SASRecConfiguration) -> Void = { _ in }
  ) -> SASRecConfiguration {
    SASRecTests.configuration {
      ($0.text.form, $0.text.experts, $0.text.temperature) = (form, 3, 0.2)
      change(&$0)
    }
  }

  /// The layers in Double.
  static func reference(
    _ text: ItemText, _ vectors: ItemVectors, width: Int, _ values: [String: [Double]]
  ) throws -> [[Double]] {
    func linear(_ x: [Double], _ name: String) throws -> [Double] {
      let weight = try #require(values[name + ".weight"])
      let bias = values[name + ".bias"]
      return (0..<weight.count / x.count).map { output -> Double in
        var sum = bias?[output] ?? 0
        for (place, value) in x.enumerated() { sum += weight[output * x.count + place] * value }
        return sum
      }
    }
    return try (0..<vectors.itemCount).map { item in
      let x = vectors.values[item * vectors.width..<(item + 1) * vectors.width].map(Double.init)
      guard text.form == .unisrec else {
        let hidden = try linear(x, "text.layers.0").map { $0 * 0.5 * (1 + erf($0 / 2.0.squareRoot())) }
        return try linear(hidden, "text.layers.1")
      }
      let gate = try linear(x, "text.gate").map { exp($0) }
      let views = try linear(x, "text.views")
      let total = gate.reduce(0, +)
      return (0..<width).map { column -> Double in
        var sum = 0.0
        for (expert, share) in gate.enumerated() { sum += share / total * views[expert * width + column] }
        return sum
      }
    }
  }

  @Test(arguments: forms) func writtenRowsAreThoseOfTheFormulas(_ form: ItemText.Form) throws {
    let configuration = Self.configuration(form)
    let vectors = try Self.vectors(13)
    let network = SASRecNetwork(itemCount: 13, configuration.model, text: configuration.text)
    let items = TextItems(configuration.text, vectors, for: network)
    let store = try ParameterStore(items.layout, seed: 4)
    var draws = Philox(seed: testSeed)
    for parameter in store.parameters {
      try store.set(parameter, to: (0..<parameter.count).map { _ in Float(draws.uniform() - 0.5) })
    }
    try items.writer(store).write()
    var values: [String: [Double]] = [:]
    for parameter in store.parameters {
      values[parameter.name] = try store.copy(of: parameter).map(Double.init)
    }
    let expected = try Self.reference(configuration.text, vectors, width: 16, values)
    let rows = try #require(values["items.weight"])
    for (item, row) in expected.enumerated() {
      for (column, value) in row.enumerated() { #expect(abs(rows[item * 16 + column] - value) < 1e-5) }
      guard form == .unisrec else { continue }
      let length = row.reduce(0) { $0 + $1 * $1 }.squareRoot()
      let directions = try #require(values["items.directions"])
      for (column, value) in row.enumerated() {
        #expect(abs(directions[item * 16 + column] - value / length) < 1e-5)
      }
    }
    #expect((network.directions == nil) == (form == .morec))
  }

  /// What the bound tape trains is what the written tables score: the loss of a step by both is one number.
  @Test(arguments: forms) func theTrainedLossIsThatOfTheWrittenTables(_ form: ItemText.Form) throws {
    let configuration = Self.configuration(form) { $0.model.dropout = 0 }
    let vectors = try Self.vectors(SASRecGradientTests.itemCount)
    let sequences = try ItemSequences(
      itemCount: SASRecGradientTests.itemCount, sequences: SASRecGradientTests.sequences)
    let network = SASRecNetwork(itemCount: 9, configuration.model, text: configuration.text)
    let items = TextItems(configuration.text, vectors, for: network)
    let store = try ParameterStore(items.layout, seed: 4)
    try items.writer(store).write()
    var stream = try PackedStream(TrainingWindows(sequences, longest: 8, context: 1), rows: 64, seed: 3)
    try stream.advance(to: 0)
    func loss(bound: Bool) throws -> Double {
      let tape = Tape()
      if bound { items.bind(on: tape) }
      let inputs = PackedInputs(tape, rows: stream.block.rows, longest: 8)
      let recorded = RecordedObjective(
        NextItemObjective(.full), states: network.query(network.states(inputs)),
        table: tape.parameter(network.table))
      let step = try TrainingStep(recorded.loss, optimizer: Optimizer(.sgd(0), for: store))
      try inputs.set(stream.block, on: step)
      try recorded.set(
        stream.block, on: step, popularity: ItemPopularity(sequences), seed: 5, number: 2)
      return try StepOutcome(running: step, rate: 0).loss
    }
    let (trained, written) = (try loss(bound: true), try loss(bound: false))
    #expect(abs(trained - written) < 1e-6 * max(1, abs(written)), "\(trained) \(written)")
  }

  /// Items with the same text are the same item, also when one of them was never taken.
  @Test(.enabled(if: isOptimised, "runs in release"), arguments: forms)
  func learnsARingAndKnowsAnItemThatNobodyTook(_ form: ItemText.Form) throws {
    let (train, cases) = try SASRecTests.ring(300, items: 40)
    let ring = try Self.vectors(40, width: 12)
    // Item 41 reads like item 7.
    let rows = ring.values + ring.values[6 * 12..<7 * 12]
    let vectors = try ItemVectors(itemCount: 41, width: 12, rows: rows, described: Array(0..<41))
    let sequences = try ItemSequences(itemCount: 41, offsets: train.offsets, items: train.items)
    let configuration = Self.configuration(form) { $0.run.epochs = 25 }
    let model = try SASRec(configuration, seed: 3).train(on: sequences, vectors: vectors).model
    var scores = [Float](repeating: 0, count: cases.count * 41)
    let histories = (0..<cases.count).map(cases.history)
    let scorer = try model.scorer()
    try scorer.score(histories: histories, into: &scores)
    var hits = 0
    for row in 0..<cases.count {
      let own = scores[row * 41..<row * 41 + 41]
      #expect(own[row * 41 + 6] == own[row * 41 + 40])
      let target = own[row * 41 + Int(cases.target(row)) - 1]
      if own.count(where: { $0 > target }) < 3 { hits += 1 }
    }
    #expect(Double(hits) > 0.9 * Double(cases.count), "\(hits) of \(cases.count)")
    // What is read back scores the same, and so does the recommender that keeps keys and values.
    let read = try FittedSASRec(bytes: model.bytes(), name: "m")
    #expect(read.parameters.keys.allSatisfy { !$0.hasPrefix("text.") })
    let session = try read.recommender().session(Array(histories[0]))
    let top = try read.recommender().top(5, for: session)
    let best = try scorer.top(5, after: histories[0], excluding: [])
    #expect(top.map(\.item) == best.ids.map { Int32($0) + 1 })
    for (a, b) in zip(top.map(\.score), best.scores) { #expect(abs(a - b) < 1e-4) }
  }

  @Test(arguments: forms) func sameBitsForAnyNumberOfThreadsAndAfterAStop(_ form: ItemText.Form) throws {
    let (train, cases) = try SASRecTests.ring(80, items: 30)
    let vectors = try Self.vectors(30)
    let configuration = Self.configuration(form) { ($0.run.steps, $0.run.checkpointEvery) = (12, 4) }
    let models = try [1, 2, 3].map { threads in
      try Team.with(threads: threads) {
        try SASRec(configuration, seed: 3).train(on: train, vectors: vectors, validating: cases).model
          .parameters
      }
    }
    #expect(models[1] == models[0] && models[2] == models[0])
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "penchant-\(UUID().uuidString)"
    ).path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let run = try RunDirectory.create(folder)
    let counter = Countdown(7)
    let stops: [@Sendable () -> Bool] = [{ counter.isOver() }, { false }]
    for shouldStop in stops {
      let trainer = Trainer(configuration.run, run: run, shouldStop: shouldStop)
      let outcome = try SASRec(configuration, seed: 3).train(
        on: train, vectors: vectors, validating: cases, with: trainer, resume: true)
      if outcome.ending != .interrupted { #expect(outcome.model.parameters == models[0]) }
    }
    // Other vectors are other data.
    #expect(throws: ConfigurationError.self) {
      try SASRec(configuration, seed: 3).train(
        on: train, vectors: Self.vectors(30, width: 5), validating: cases,
        with: Trainer(configuration.run, run: run), resume: true)
    }
  }

  @Test(arguments: ReaRecConfiguration.Backbone.allCases, forms)
  func reasoningStandsOnTexts(_ backbone: ReaRecConfiguration.Backbone, _ form: ItemText.Form) throws {
    let (train, cases) = try SASRecTests.ring(60, items: 30)
    for method in [ReaRecConfiguration.Method.erl, .prl] {
      let configuration = ReaRecTests.configuration(method) {
        ($0.text.form, $0.text.experts, $0.reasoning.backbone, $0.run.steps) = (form, 3, backbone, 4)
      }
      let model = try ReaRec(configuration, seed: 3).train(
        on: train, vectors: Self.vectors(30), validating: cases
      ).model
      #expect(model.state.best?.isFinite == true)
      let read = try FittedReaRec(bytes: model.bytes(), name: "m")
      #expect(try read.scorer().states([[1, 4]]) == model.scorer().states([[1, 4]]))
    }
  }

  @Test func vectorsThatAreMissingOrDoNotFitAreRefused() throws {
    let (train, _) = try SASRecTests.ring(20, items: 30)
    let model = try SASRec(Self.configuration(.morec))
    let missing = #expect(throws: ConfigurationError.self) { try model.train(on: train) }
    #expect(missing?.description.contains("--items") == true)
    #expect(throws: ConfigurationError.self) { try model.train(on: train, vectors: Self.vectors(29)) }
    #expect(throws: KernelError.self) {
      try ItemVectors(itemCount: 3, width: 2, rows: [1, 2, 3], described: [0])
    }
    #expect(throws: KernelError.self) {
      try ItemVectors(itemCount: 3, width: 1, rows: [1, 2], described: [0, 3])
    }
    #expect(throws: KernelError.self) {
      try ItemVectors(itemCount: 3, width: 1, rows: [1, .nan], described: [0, 1])
    }
    for change in [{ $0.width = 0 }, { $0.experts = 0 }, { $0.temperature = 0 }, { $0.encoder = "x" }]
      as [(inout ItemText) -> Void]
    {
      var text = ItemText()
      change(&text)
      #expect(throws: ConfigurationError.self) { try text.validate() }
    }
  }

  @Test func columnsAreStandardisedAndUnknownItemsAreZero() throws {
    let vectors = try ItemVectors(
      itemCount: 4, width: 2, rows: [1, 7, 3, 7, 5, 7], described: [3, 0, 2])
    #expect(Array(vectors.values[2..<4]) == [0, 0])
    let column = [vectors.values[6], vectors.values[0], vectors.values[4]]
    for (found, expected) in zip(column, [-1.5.squareRoot(), 0, 1.5.squareRoot()]) {
      #expect(abs(Double(found) - expected) < 1e-6)
    }
    // A column that says nothing.
    #expect([1, 3, 5, 7].allSatisfy { vectors.values[$0] == 0 })
  }

  /// Texts with the same words are the same vector; those that share words are nearer than those that share none.
  @Test func builtInVectorsAreNearWhereTextsAre() throws {
    let texts = ["red wool scarf", "red wool hat", "garden hose ten metres", "garden hose five metres"]
    var descriptions = ItemDescriptions()
    for (place, text) in (texts + [texts[0]]).enumerated() {
      _ = descriptions.insert("i\(place)", ItemDescription(title: text))
    }
    let vectors = try ItemVectors(
      descriptions, items: ["i0", "i1", "i2", "i3", "i4", "other"], width: 64)
    func row(_ item: Int) -> [Double] { vectors.values[item * 64..<(item + 1) * 64].map(Double.init) }
    func cosine(_ a: Int, _ b: Int) -> Double {
      let (x, y) = (row(a), row(b))
      func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
      return dot(x, y) / (dot(x, x) * dot(y, y)).squareRoot()
    }
    #expect(row(0) == row(4) && row(5).allSatisfy { $0 == 0 })
    #expect(cosine(0, 1) > cosine(0, 2) && cosine(2, 3) > cosine(1, 3))
    #expect(throws: DataError.self) { try ItemVectors(descriptions, items: ["x", "y"]) }
  }

  /// Inner products survive the projection (Kane and Nelson 2014).
  @Test func projectionKeepsInnerProducts() throws {
    var draws = Philox(seed: testSeed, stream: 3)
    let (rows, sparse, entries) = (20, 5000, 60)
    var (starts, columns, values) = ([0], [UInt32](), [Float]())
    for _ in 0..<rows {
      let chosen = Set((0..<entries).map { _ in UInt32(draws.index(below: sparse)) }).sorted()
      columns += chosen
      values += chosen.map { _ in Float(draws.uniform() - 0.5) }
      starts.append(columns.count)
    }
    let matrix = try FeatureMatrix(
      rows: rows, sparseWidth: sparse, rowStarts: starts, columns: columns, values: values, denseWidth: 0,
      dense: [])
    let width = 1024
    let projected = matrix.projected(to: width)
    func exact(_ a: Int, _ b: Int) -> Double {
      let other = Dictionary(
        uniqueKeysWithValues: (starts[b]..<starts[b + 1]).map { (columns[$0], Double(values[$0])) })
      return (starts[a]..<starts[a + 1]).reduce(0) { $0 + Double(values[$1]) * (other[columns[$1]] ?? 0) }
    }
    for a in 0..<rows {
      for b in 0...a {
        let found = (0..<width).reduce(0.0) {
          $0 + Double(projected[a * width + $1]) * Double(projected[b * width + $1])
        }
        let scale = (exact(a, a) * exact(b, b)).squareRoot()
        // Five deviations of √(1/width) each.
        #expect(abs(found - exact(a, b)) < 5 / Double(width).squareRoot() * scale)
      }
    }
  }

  @Test func embeddingsBelongToTheLinesOfTheDescriptions() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "penchant-\(UUID().uuidString)"
    ).path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    var file = SafeTensorsWriter()
    try file.add("vectors", shape: [3, 1], [1, 2, 4] as [Float])
    let path = folder + "/v.safetensors"
    try Data(file.bytes()).write(to: URL(fileURLWithPath: path))
    var descriptions = ItemDescriptions()
    for name in ["a", "b", "c"] { _ = descriptions.insert(name, ItemDescription(title: name)) }
    let vectors = try ItemVectors(embeddings: path, of: descriptions, items: ["c", "x", "a"])
    #expect(vectors.values[0] > 0 && vectors.values[1] == 0 && vectors.values[2] == -vectors.values[0])
    _ = descriptions.insert("d", ItemDescription(title: "d"))
    let error = #expect(throws: DataError.self) {
      try ItemVectors(embeddings: path, of: descriptions, items: ["a"])
    }
    #expect(error?.description.contains("expected 4 rows") == true)
  }
}
