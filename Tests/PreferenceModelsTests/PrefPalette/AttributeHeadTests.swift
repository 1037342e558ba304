import Foundation
import PenchantData
import PenchantKernels
import PenchantTrain
import Synchronization
import TestSupport
import Testing

@testable import PreferenceModels

@Suite struct AttributeHeadTests {
  struct Trained {
    var table: CounterfactualTable
    var features: FeatureMatrix
    var inputs: AttributeInputs
    var fit: AttributeHeads.Fit
  }

  /// Heads that learned from rules with the built-in featuriser.
  static func trained(_ comments: Int, _ attributes: [Attribute]) async throws -> Trained {
    let set = try await Counterfactuals.synthesise(
      CommentCorpus.comments(comments), attributes: attributes, by: RuleRewriter(), seed: 11)
    let table = CounterfactualTable(set, try set.splits(seed: 3))
    let train = table.pairs.texts(ofPairs: table.pairs(.train)).map { table.pairs.texts[$0] }
    let inputs = AttributeInputs(TextFeaturiser().fit(train))
    let features = try inputs.features(table.pairs.texts)
    var configuration = AttributeHeadConfiguration()
    configuration.batchSize = 64
    let fit = try AttributeHeads(configuration, seed: 7).fit(
      features, table.pairs, train: table.pairs(.train), validation: table.pairs(.commentEval),
      teacher: "rules",
      encoder: "built-in featuriser")
    return Trained(table: table, features: features, inputs: inputs, fit: fit)
  }

  /// Specification 9.4, tests 7 and 8, and the verification of section 7.
  @Test func headsLearnRulesAndTellAttributesApart() async throws {
    let names = ["supportiveness", "politeness", "formality", "verbosity", "humor", "Tradition"]
    let attributes = Attribute.standard.filter { names.contains($0.name) }
    let trained = try await Self.trained(64, attributes)
    var evaluation = try AttributeHeadEvaluation(trained.fit.heads, trained.table, scores: trained.fit.scores)
    for card in evaluation.cards {
      #expect(card.splits["ood"]?.accuracy ?? 0 > 0.85, "\(card.attribute)")
      #expect(card.splits["comment"]?.pairs == 3 * 10 / 2)
      #expect(card.isMonotone, "\(card.attribute): \(card.levelMeans)")
      #expect(card.gaps[3].accuracy >= card.gaps[0].accuracy, "\(card.attribute): \(card.gaps)")
      #expect(card.validation == "not validated on people")
      #expect(card.teacher == "rules")
    }
    #expect(evaluation.notDominant == [])
    #expect(evaluation.offDiagonalRatio < 0.35, "\(evaluation.text)")
    #expect(evaluation.crossReaction.count == names.count)
    let table = evaluation.text
    #expect(table.contains("not validated on people"))
    #expect(table.split(separator: "\n").count >= names.count + 2)
    let coded = try JSONDecoder().decode(
      AttributeHeadEvaluation.self, from: JSONEncoder().encode(evaluation))
    #expect(coded == evaluation)

    let verifier = try HeadVerifier(
      trained.fit.heads, trained.inputs, texts: trained.table.pairs.texts,
      contexts: trained.table.pairs.contexts)
    let summaries = try await Counterfactuals.verify(trained.table, by: verifier, pairs: 60)
    for summary in summaries {
      #expect(summary.pairs == 60)
      #expect(summary.score > 0.8, "\(summary.attribute)")
      #expect(summary.positionBias == 0)
    }

    let judged = try AttributePairs(
      [.init(attribute: "politeness", more: "Thank you for reading, please go on.", less: "Shut up, idiot.")],
      attributes: ["politeness"])
    evaluation.validate(
      on: judged, scores: try trained.fit.heads.scores(trained.inputs.features(judged.texts)))
    #expect(evaluation.cards[1].people?.pairs == 1)
    #expect(evaluation.cards[1].validation.contains("of 1 pairs"))
  }

  /// Heads on four columns, of which the first two say how much a text has of two attributes.
  struct Plain {
    var pairs = AttributePairs(attributes: ["first", "second"])
    var features: FeatureMatrix

    init(_ count: Int = 80) throws {
      var draws = Philox(seed: 5)
      var values: [Float] = []
      for text in 0..<count {
        _ = pairs.place("text \(text)", "")
        values += (0..<4).map { _ in Float(draws.normal()) }
      }
      for _ in 0..<400 {
        let (attribute, a, b) = (draws.index(below: 2), draws.index(below: count), draws.index(below: count))
        let margin = values[a * 4 + attribute] - values[b * 4 + attribute]
        pairs.append(.init(attribute: attribute, more: margin > 0 ? a : b, less: margin > 0 ? b : a))
      }
      features = try FeatureMatrix(rows: count, width: 4, dense: values)
    }

    func fit(
      _ trainer: Trainer? = nil, resume: Bool = false, configuration: AttributeHeadConfiguration? = nil
    ) throws
      -> AttributeHeads.Fit
    {
      try AttributeHeads(configuration ?? Self.configuration, seed: 3).fit(
        features, pairs, train: Array(0..<320), validation: Array(320..<400), teacher: "people",
        trainer: trainer,
        resume: resume)
    }

    static var configuration: AttributeHeadConfiguration {
      var configuration = AttributeHeadConfiguration()
      configuration.width = 8
      configuration.batchSize = 32
      configuration.learningRate = 1e-2
      configuration.run.epochs = 15
      return configuration
    }
  }

  @Test func headsLearnFromJudgements() throws {
    let plain = try Plain()
    let fit = try plain.fit()
    let evaluation = AttributeHeadEvaluation(
      fit.heads, plain.pairs, test: Array(320..<400), scores: fit.scores)
    for card in evaluation.cards {
      #expect(card.people?.accuracy ?? 0 > 0.85, "\(card.validation)")
      #expect(card.validation.contains("agrees with people"))
    }
  }

  @Test func scoresAreStandardisedAndVectorsCentred() throws {
    let plain = try Plain()
    let tensor = try plain.fit().heads.encode(plain.features)
    let used = plain.pairs.texts(ofPairs: 0..<320)
    var vectors = [Float](repeating: 0, count: used.count * 16)
    tensor.gather(used, into: &vectors)
    for column in 0..<16 {
      let mean = used.indices.map { Double(vectors[$0 * 16 + column]) }.reduce(0, +) / Double(used.count)
      #expect(abs(mean) < 1e-5)
    }
    for attribute in 0..<2 {
      let scores = used.map { Double(tensor.scores[$0 * 2 + attribute]) }
      let mean = scores.reduce(0, +) / Double(scores.count)
      let square = scores.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / Double(scores.count)
      #expect(abs(mean) < 1e-5)
      #expect(abs(square - 1) < 1e-4)
    }
  }

  /// Against the formula in Double: e = GELU(W x + b), s = v · e.
  @Test func forwardIsTheFormula() throws {
    let plain = try Plain()
    let heads = try plain.fit().heads
    let tensor = try heads.encode(plain.features)
    let w = heads.weights
    for text in [0, 17, 79] {
      let x = (0..<4).map { column in
        Double((plain.features.dense[text * 4 + column] - heads.inputMean[column]) * heads.inputScale[column])
      }
      for attribute in 0..<2 {
        var score = 0.0
        for column in 0..<8 {
          let row = attribute * 8 + column
          let a = (0..<4).map { Double(w.weight[row * 4 + $0]) * x[$0] }.reduce(Double(w.bias[row]), +)
          score += 0.5 * a * (1 + erf(a / 2.0.squareRoot())) * Double(w.direction[row])
        }
        let expected =
          (score - Double(heads.statistics.scoreMean[attribute]))
          * Double(heads.statistics.scoreScale[attribute])
        #expect(abs(Double(tensor.scores[text * 2 + attribute]) - expected) < 1e-4)
      }
    }
  }

  /// Defect 1 of the release: the trained head is what is saved.
  @Test func savedHeadsScoreTheSame() throws {
    let plain = try Plain()
    let heads = try plain.fit().heads
    let again = try FittedAttributeHeads(SafeTensors(bytes: heads.bytes()))
    #expect(try again.encode(plain.features) == heads.encode(plain.features))
    #expect(again.teacher == "people")
    #expect(try again.bytes() == heads.bytes())
    #expect(throws: ConfigurationError.self) {
      try again.scores(FeatureMatrix(rows: 1, width: 3, dense: [0, 0, 0]))
    }
  }

  @Test func sameBitsForAnyNumberOfThreads() throws {
    let plain = try Plain()
    let expected = try Team.with(threads: 1) { try plain.fit().heads.bytes() }
    for threads in [2, 3, 8] {
      #expect(try Team.with(threads: threads) { try plain.fit().heads.bytes() } == expected)
    }
  }

  @Test func resumedTrainingHasTheSameBits() throws {
    let plain = try Plain()
    let folder = FileManager.default.temporaryDirectory.appending(path: "heads-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    var configuration = Plain.configuration
    configuration.run.checkpointEvery = 7
    let whole = try plain.fit(configuration: configuration).heads.bytes()
    let steps = Mutex(0)
    let run = try RunDirectory.create(folder)
    let stopped = try plain.fit(
      Trainer(
        configuration.run, run: run,
        shouldStop: {
          steps.withLock { steps in
            steps += 1
            return steps == 17
          }
        }), configuration: configuration)
    #expect(stopped.ending == .interrupted)
    let resumed = try plain.fit(
      Trainer(configuration.run, run: run, shouldStop: { false }), resume: true, configuration: configuration)
    #expect(resumed.ending == .finished)
    #expect(try resumed.heads.bytes() == whole)
  }

  @Test func halfStorageIsSmallAndNear() throws {
    let plain = try Plain()
    let heads = try plain.fit().heads
    let (full, half) = (try heads.encode(plain.features), try heads.encode(plain.features, bfloat16: true))
    #expect(half.scores == full.scores)
    let rows = Array(0..<80)
    var (a, b) = ([Float](repeating: 0, count: 80 * 16), [Float](repeating: 0, count: 80 * 16))
    full.gather(rows, into: &a)
    half.gather(rows, into: &b)
    #expect(zip(a, b).allSatisfy { abs($0 - $1) <= 0x1p-8 * abs($0) })
    // Specification 15: 100,000 texts of 19 × 64 within 300 MB.
    let large = AttributeTensor(
      attributes: Attribute.standard.map(\.name), rows: 100_000, width: 64, vectors: .bfloat16([]), scores: []
    )
    #expect(large.bytes <= 300_000_000)
  }

  @Test(arguments: [0, 1, -2.5, 3.14, 0x3p-134, .infinity, -.infinity, .greatestFiniteMagnitude] as [Float])
  func bfloat16IsTheNearest(_ value: Float) {
    let back = Float(bfloat16: value.bfloat16)
    #expect(value.isInfinite || back.isInfinite || abs(back - value) <= max(0x1p-8 * abs(value), 0x1p-133))
    #expect(Float(bfloat16: Float.nan.bfloat16).isNaN)
  }

  @Test func missingPairsAndWrongNamesAreRefused() throws {
    let plain = try Plain()
    let firsts = plain.pairs.pairs.indices.filter { plain.pairs.pairs[$0].attribute == 0 }
    #expect(throws: ConfigurationError.self) {
      try AttributeHeads().fit(plain.features, plain.pairs, train: firsts, teacher: "people")
    }
    let error = #expect(throws: DataError.self) {
      try AttributePairs([.init(attribute: "humour", more: "a", less: "b")], attributes: ["humor"])
    }
    #expect(error?.repair == "did you mean \"humor\"?")
  }

  /// A judge who always names the first text has half of the questions right and no bias between the orders.
  @Test func aJudgeThatKnowsNothingScoresHalf() async throws {
    struct First: Verifier {
      let judge = "first"
      func answer(
        attribute: Attribute, question: VerifierQuestion, first: String, second: String, context: String
      ) async throws -> Int? { 0 }
    }
    struct Silent: Verifier {
      let judge = "silent"
      func answer(
        attribute: Attribute, question: VerifierQuestion, first: String, second: String, context: String
      ) async throws -> Int? { nil }
    }
    let attribute = Attribute.standard[0]
    let first = try await First().verify(lower: "a", higher: "b", attribute: attribute, context: "")
    #expect(first.score == 0.5)
    let silent = try await Silent().verify(lower: "a", higher: "b", attribute: attribute, context: "")
    #expect(silent.score == 0)
    #expect(silent.unanswered == 8)
  }
}
