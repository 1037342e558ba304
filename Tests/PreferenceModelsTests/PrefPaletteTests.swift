import Foundation
import PenchantKernels
import PenchantTrain
import TestSupport
import Testing

@testable import PreferenceModels

@Suite struct PrefPaletteTests {
  static func corpus(seed: UInt64 = 1, communities: Int = 3, train: Int = 600) throws
    -> SyntheticPalette.Corpus
  {
    var generator = SyntheticPalette(seed: seed)
    generator.communities = communities
    generator.train = train
    generator.test = 200
    generator.validation = 100
    generator.width = 16
    return try generator.corpus()
  }

  static func configuration(
    _ form: PaletteShape.Form = .signed, epochs: Int = 4
  ) -> PrefPaletteConfiguration {
    var configuration = PrefPaletteConfiguration()
    configuration.model.form = form
    configuration.run.epochs = epochs
    configuration.optimizer.batchSize = 50
    return configuration
  }

  private static let shared = Result { try corpus() }
  private static let fits = Result {
    try PaletteShape.Form.allCases.map { form in
      try PrefPalette(configuration(form), seed: 3).fit(to: shared.get().train)
    }
  }
  static func fitted(_ form: PaletteShape.Form) throws -> FittedPrefPalette {
    try fits.get()[form == .paper ? 0 : 1]
  }

  static func bits(_ values: [Float]) -> [UInt32] { values.map(\.bitPattern) }

  @Test(arguments: PaletteShape.Form.allCases)
  func withoutAttributesIsTheContentAlone(_ form: PaletteShape.Form) throws {
    let model = try Self.fitted(form)
    let texts = try Self.shared.get().test.texts.gather(Array(0..<40))
    let without = try model.predict(texts, community: [1], use: false)
    var bare = model.parameters
    bare[model.shape.mix] = 0
    let zero = try FittedPrefPalette(
      configuration: model.configuration, seed: 0, shape: model.shape, attributes: model.attributes,
      communities: model.communities, parameters: bare, state: model.state)
    #expect(Self.bits(without.utility) == Self.bits(try zero.predict(texts, community: [1]).utility))
    #expect(without.kappa.allSatisfy { $0 == 0 } && without.alpha.allSatisfy { $0 == 0 })
  }

  @Test(arguments: PaletteShape.Form.allCases)
  func permutedAttributesPermuteTheirParts(_ form: PaletteShape.Form) throws {
    let model = try Self.fitted(form)
    let texts = try Self.shared.get().test.texts.gather(Array(0..<20))
    let (K, n) = (texts.attributes, texts.count)
    let order = try permutation(K, seed: 5).map(Int.init)
    let moved = try PaletteTexts(
      contentWidth: texts.contentWidth, attributes: K, width: texts.width, content: texts.content,
      representations: .float((0..<n).flatMap { t in order.flatMap { texts.representation(t, $0) } }),
      scores: (0..<n).flatMap { t in order.map { texts.scores[t * K + $0] } })
    var parameters = model.parameters
    for start in [model.shape.shared.lowerBound]
      + (0..<model.shape.communities).map({ model.shape.own($0).lowerBound })
    where form == .signed {
      let part = model.shape.direction(at: start)
      for (i, from) in order.enumerated() {
        parameters[part.lowerBound + i] = model.parameters[part.lowerBound + from]
      }
    }
    let other = try FittedPrefPalette(
      configuration: model.configuration, seed: 0, shape: model.shape,
      attributes: order.map { model.attributes[$0] },
      communities: model.communities, parameters: parameters, state: model.state)
    let (a, b) = (try model.predict(texts, community: [2]), try other.predict(moved, community: [2]))
    for t in 0..<n {
      #expect(abs(a.utility[t] - b.utility[t]) <= 1e-6 * max(1, abs(a.utility[t])) * 4)
      for i in 0..<K {
        #expect(abs(a.alpha[t * K + order[i]] - b.alpha[t * K + i]) <= 1e-6)
        #expect(abs(a.kappa[t * K + order[i]] - b.kappa[t * K + i]) <= 1e-6)
      }
    }
  }

  @Test(arguments: PaletteShape.Form.allCases)
  func aMissingAttributeIsAsIfItWereNotThere(_ form: PaletteShape.Form) throws {
    let model = try Self.fitted(form)
    let texts = try Self.shared.get().test.texts.gather(Array(0..<10))
    let K = texts.attributes
    func masked(_ keep: (Int) -> Bool) throws -> PaletteTexts {
      try PaletteTexts(
        contentWidth: texts.contentWidth, attributes: K, width: texts.width, content: texts.content,
        representations: texts.representations, scores: texts.scores,
        mask: (0..<texts.count * K).map { keep($0 % K) ? 1 : 0 })
    }
    let whole = try model.predict(texts, community: [0])
    let part = try model.predict(masked { $0 != 4 }, community: [0])
    for t in 0..<texts.count {
      let left = 1 - whole.alpha[t * K + 4]
      for i in 0..<K {
        let expected = i == 4 ? 0 : whole.alpha[t * K + i] / left
        #expect(abs(part.alpha[t * K + i] - expected) < 2e-6)
      }
    }
    let none = try model.predict(masked { _ in false }, community: [0])
    #expect(
      Self.bits(none.utility) == Self.bits(try model.predict(texts, community: [0], use: false).utility))
  }

  @Test(arguments: PaletteShape.Form.allCases)
  func explanationAddsUpToTheMargin(_ form: PaletteShape.Form) throws {
    let model = try Self.fitted(form)
    let texts = try Self.shared.get().test.texts
    for pair in 0..<20 {
      let told = try model.explain(texts, first: pair, second: 3 * pair + 1, community: pair % 3)
      #expect(abs(told.content + told.terms.map(\.change).sum() - told.margin) < 1e-5)
      #expect(abs(told.probability - sigmoid(told.margin)) < 1e-12)
      #expect(zip(told.terms, told.terms.dropFirst()).allSatisfy { abs($0.change) >= abs($1.change) })
    }
  }

  /// Section 9.4, item 6: labels drawn by text, without regard to what it says. New posts cannot be predicted; pairs that
  /// share their texts with the training pairs can.
  @Test func shuffledLabelsLeakThroughSharedTextsOnly() throws {
    var generator = SyntheticPalette(seed: 4)
    (generator.communities, generator.width) = (1, 64)
    (generator.train, generator.validation, generator.test) = (300, 1, 300)
    let corpus = try generator.corpus()
    var draws = Philox(seed: 8)
    // Every text has a worth of its own that nothing in it tells.
    let worth = (0..<corpus.train.texts.count).map { _ in draws.uniform() }
    func relabelled(_ data: PaletteData) -> PaletteData {
      var data = data
      for pair in 0..<data.count where worth[Int(data.chosen[pair])] < worth[Int(data.rejected[pair])] {
        (data.chosen[pair], data.rejected[pair]) = (data.rejected[pair], data.chosen[pair])
      }
      return data
    }
    let train = relabelled(corpus.train)
    // Texts of training, in pairs that were not trained on.
    var leaky = train
    leaky.rejected = Array(train.rejected.dropFirst()) + [train.rejected[0]]
    leaky = relabelled(leaky)
    let model = try PrefPalette(Self.configuration(epochs: 30), seed: 1).fit(to: train)
    let fresh = PairMetrics(margins: try model.margins(relabelled(corpus.test))).accuracy
    let shared = PairMetrics(margins: try model.margins(leaky)).accuracy
    #expect(abs(fresh - 0.5) < 3 * 0.5 / 300.0.squareRoot())
    #expect(shared > 0.6)
  }

  @Test func sameSeedSameBitsForEveryNumberOfThreads() throws {
    let data = try Self.shared.get()
    func run() throws -> [UInt32] {
      let model = try PrefPalette(Self.configuration(epochs: 2), seed: 9)
        .fit(to: data.train, validating: data.validation)
      return Self.bits(model.parameters)
    }
    let one = try Team.with(threads: 1) { try run() }
    for threads in [2, 3, 5] { #expect(try Team.with(threads: threads) { try run() } == one) }
  }

  @Test func resumedRunHasTheSameBits() throws {
    let data = try Self.shared.get()
    let configuration = Self.configuration(epochs: 3)
    var whole = try PaletteTask(data.train, validation: nil, configuration, seed: 2)
    for step in 0..<60 { _ = try whole.step(step) }
    var start = try PaletteTask(data.train, validation: nil, configuration, seed: 2)
    for step in 0..<31 { _ = try start.step(step) }
    var resumed = try PaletteTask(data.train, validation: nil, configuration, seed: 2)
    try resumed.restore(try start.checkpointFiles())
    for step in 31..<60 { _ = try resumed.step(step) }
    #expect(Self.bits(resumed.parameters) == Self.bits(whole.parameters))
  }

  @Test func reductionRisesOverGlobalSteps() {
    var settings = PrefPaletteConfiguration.Objective()
    settings.reduction = 0.5
    let objective = PaletteObjective(configuration: settings, seed: 1, steps: 4000)
    #expect(objective.reduction(at: 0) == 0 && objective.usesAttributes(at: 0))
    #expect(abs(objective.reduction(at: 600) - 0.2) < 1e-12)
    #expect(objective.reduction(at: 3000) == 0.5)
    let dropped = (2000..<4000).filter { !objective.usesAttributes(at: $0) }.count
    #expect((900...1100).contains(dropped))
  }

  @Test func savedModelComesBackWithTheSameBits() throws {
    for form in PaletteShape.Form.allCases {
      let model = try Self.fitted(form)
      let read = try FittedPrefPalette(bytes: try model.bytes(), name: "model.safetensors")
      #expect(Self.bits(read.parameters) == Self.bits(model.parameters))
      #expect(read.attributes == model.attributes && read.communities == model.communities)
      #expect(read.configuration == model.configuration && read.seed == model.seed)
      #expect(read.state == model.state)
    }
    let bytes = try Self.fitted(.signed).bytes()
    for length in stride(from: 0, to: bytes.count, by: 997) {
      #expect(throws: (any Error).self) {
        try FittedPrefPalette(bytes: Array(bytes[..<length]), name: "cut")
      }
    }
  }

  @Test func profileFindsPlantedTastes() throws {
    let corpus = try Self.shared.get()
    let profile = try Self.fitted(.signed).profile(on: corpus.test, replicates: 200)
    for (found, truth) in zip(profile.weights, corpus.weights) {
      #expect(pearsonCorrelation(found, truth) > 0.8)
    }
    for community in profile.communities {
      for entry in community.entries {
        #expect(entry.interval.low <= entry.weight && entry.weight <= entry.interval.high)
        #expect(entry.attention > 0 && entry.attention < 1)
      }
    }
    let again = try Team.with(threads: 1) {
      try Self.fitted(.signed).profile(on: corpus.test, replicates: 200)
    }
    #expect(again == profile)
  }

  @Test func evaluationCountsEveryPairOnce() throws {
    let corpus = try Self.shared.get()
    let model = try Self.fitted(.signed)
    let evaluation = try PaletteEvaluation(model, on: corpus.test, bootstrap: Bootstrap(replicates: 100))
    let sum = evaluation.communities.map { $0.withAttributes.accuracy * Double($0.withAttributes.count) }
      .sum()
    #expect(abs(sum / Double(corpus.test.count) - evaluation.all.withAttributes.accuracy) < 1e-12)
    #expect(evaluation.all.withAttributesInterval.low < evaluation.all.withAttributes.accuracy)
    #expect(evaluation.all.withAttributes.accuracy > 0.7)
  }

  @Test func fewPairsTeachANewCommunity() throws {
    let corpus = try Self.shared.get()
    // The third community is new to a model of the first two.
    let known = corpus.train.subset(corpus.train.community.indices.filter { corpus.train.community[$0] < 2 })
    var two = known
    two.communities.removeLast()
    let model = try PrefPalette(Self.configuration(), seed: 3).fit(to: two)
    let (pairs, test) = (corpus.train.of(community: 2), corpus.test.of(community: 2))
    func accuracy(_ count: Int) throws -> Double {
      let grown = try model.adding(community: "community 3", from: pairs.subset(Array(0..<count)))
      return PairMetrics(margins: try grown.margins(test)).accuracy
    }
    let (none, many) = (try accuracy(0), try accuracy(200))
    #expect(many > none + 0.1)
    #expect(many > 0.68)
    #expect(throws: ConfigurationError.self) { try model.adding(community: "community 1", from: pairs) }
  }

  @Test func curvesFollowTheScoreOfTheirAttribute() throws {
    let model = try Self.fitted(.signed)
    let base = try Self.shared.get().test.texts.gather(Array(0..<30))
    let K = base.attributes
    var (rows, attribute, level, source): ([Int], [Int], [Int], [Int]) = ([], [], [], [])
    for text in 0..<base.count {
      for i in [0, 7] {
        for l in 1...5 {
          rows.append(text)
          attribute.append(i)
          level.append(l)
          source.append(text)
        }
      }
    }
    let plain = try base.gather(rows)
    var scores = plain.scores
    for row in rows.indices { scores[row * K + attribute[row]] += Float(level[row] - 3) }
    let rewrites = try PaletteTexts(
      contentWidth: plain.contentWidth, attributes: K, width: plain.width, content: plain.content,
      representations: plain.representations, scores: scores)
    let curves = try model.responseCurves(rewrites, attribute: attribute, level: level, source: source).curves
    #expect(curves.count == 3 * K)
    for curve in curves where ["attribute 1", "attribute 8"].contains(curve.attribute) {
      #expect(curve.levels[2] == 0 && curve.sources == [30, 30, 30, 30, 30])
      // Attention does not see scores, so the signed form answers in a straight line.
      #expect(abs(curve.levels[4] + curve.levels[0]) < 1e-4)
      #expect(abs(curve.contrast - (curve.levels[4] - curve.levels[0])) < 1e-4)
    }
  }

  @Test func wrongDataAreRefusedWithNumbers() throws {
    let data = try Self.shared.get().train
    #expect(throws: ConfigurationError.self) {
      try PaletteData(
        texts: data.texts, attributes: data.attributes, communities: data.communities, chosen: [0],
        rejected: [UInt32(data.texts.count)], community: [0], post: [0])
    }
    var configuration = Self.configuration()
    configuration.objective.margin = .log
    #expect(throws: ConfigurationError.self) { try PrefPalette(configuration).fit(to: data) }
    configuration.objective.ridge = -1
    #expect(throws: ConfigurationError.self) { try PrefPalette(configuration) }
  }
}
