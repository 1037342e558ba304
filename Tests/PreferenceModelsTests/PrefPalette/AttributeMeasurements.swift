import Foundation
import PenchantData
import PenchantKernels
import PenchantTrain
import Testing

@testable import PreferenceModels

/// Heads on real judgements and, with `PENCHANT_LONG=1`, the tables of all nineteen on rules; the sentence encoder in the
/// folder `PENCHANT_MINILM` too.
@Suite(.serialized) struct AttributeMeasurements {
  static let environment = ProcessInfo.processInfo.environment
  static let isLong = environment["PENCHANT_LONG"] != nil

  /// Accuracy by attribute over folds of poems: no poem of a test pair was trained on.
  static func poems(folds: Int, _ features: (PoemJudgements, _ train: [Int]) throws -> FeatureMatrix) throws
    -> [(name: String, accuracy: PairAccuracy)]
  {
    let poems = try PoemJudgements()
    var hits = [[Double]](repeating: [], count: poems.pairs.attributes.count)
    for fold in 0..<folds {
      let (train, test) = try poems.split(fold, seed: 4)
      let validation = train.filter { $0 / 10 % 10 == 0 }
      let fit = try AttributeHeads(AttributeHeadConfiguration(), seed: 2).fit(
        features(poems, train), poems.pairs, train: train.filter { $0 / 10 % 10 != 0 },
        validation: validation,
        teacher: AttributeHeadEvaluation.people)
      let k = poems.pairs.attributes.count
      for place in test {
        let pair = poems.pairs.pairs[place]
        hits[pair.attribute].append(
          PairMetrics.hit(
            Double(fit.scores[pair.more * k + pair.attribute])
              - Double(fit.scores[pair.less * k + pair.attribute])))
      }
    }
    return zip(poems.pairs.attributes, hits).map { ($0, PairAccuracy($1)) }
  }

  static func builtin(_ poems: PoemJudgements, _ train: [Int]) throws -> FeatureMatrix {
    let texts = poems.pairs.texts(ofPairs: train).map { poems.pairs.texts[$0] }
    return try AttributeInputs(TextFeaturiser().fit(texts)).features(poems.pairs.texts)
  }

  @Test(.enabled(if: PoemJudgements.isThere, "the poem judgements are not beside the package"))
  func headsAgreeWithPeopleAboutPoems() throws {
    let accuracies = try Self.poems(folds: Self.isLong ? 5 : 1, Self.builtin)
    let mean = accuracies.map(\.accuracy.accuracy).reduce(0, +) / Double(accuracies.count)
    if Self.isLong { Self.show("poems, built-in featuriser", accuracies) }
    #expect(mean > 0.56, "\(accuracies)")
    let rhyming = try #require(accuracies.first { $0.name == "rhyming" })
    #expect(rhyming.accuracy.accuracy > 0.55)
  }

  @Test(
    .enabled(
      if: PoemJudgements.isThere && isLong && environment["PENCHANT_MINILM"] != nil,
      "PENCHANT_LONG, PENCHANT_MINILM"))
  func poemsWithASentenceEncoder() throws {
    let encoder = try SentenceEncoder(folder: Self.environment["PENCHANT_MINILM"] ?? "")
    let rows = try AttributeInputs(encoder, withStyle: true).features(PoemJudgements().pairs.texts)
    Self.show("poems, MiniLM and style", try Self.poems(folds: 5) { _, _ in rows })
  }

  @Test(.enabled(if: isLong, "PENCHANT_LONG")) func nineteenOnRules() async throws {
    let started = ProgressLine.clock()
    let set = try await Counterfactuals.synthesise(
      CommentCorpus.comments(96, communities: 8), attributes: Attribute.standard, by: RuleRewriter(), seed: 11
    )
    print("synthesis of \(96 * 19 * 5) rewrites: \(ProgressLine.clock() - started) s")
    let table = CounterfactualTable(set, try set.splits(seed: 3))
    let train = table.pairs.texts(ofPairs: table.pairs(.train)).map { table.pairs.texts[$0] }
    var encoders: [(String, AttributeInputs)] = [
      ("built-in featuriser", AttributeInputs(TextFeaturiser().fit(train)))
    ]
    if let folder = Self.environment["PENCHANT_MINILM"] {
      let encoder = try SentenceEncoder(folder: folder)
      encoders.append(("MiniLM", AttributeInputs(encoder)))
      encoders.append(("MiniLM and style", AttributeInputs(encoder, withStyle: true)))
      let began = ProgressLine.clock()
      let report = try QualityGate(encoder: encoder).review(set)
      print(
        "gates: \(report.examined) examined, "
          + QualityGate.Refusal.allCases.map { "\($0) \(report.count($0))" }.joined(separator: ", "),
        ProgressLine.clock() - began, "s")
    }
    for (name, inputs) in encoders {
      let began = ProgressLine.clock()
      let features = try inputs.features(table.pairs.texts)
      let encoded = ProgressLine.clock()
      let fit = try AttributeHeads(AttributeHeadConfiguration(), seed: 7).fit(
        features, table.pairs, train: table.pairs(.train), validation: table.pairs(.commentEval),
        teacher: "rules",
        encoder: name)
      let fitted = ProgressLine.clock()
      let evaluation = try AttributeHeadEvaluation(fit.heads, table, scores: fit.scores)
      print(
        "\(name): \(table.pairs.texts.count) texts encoded in \(encoded - began) s, heads trained on \(table.pairs(.train).count) pairs in \(fitted - encoded) s"
      )
      print(evaluation.text)
      let verifier = try HeadVerifier(
        fit.heads, inputs, texts: table.pairs.texts, contexts: table.pairs.contexts)
      let summaries = try await Counterfactuals.verify(table, by: verifier, pairs: 80)
      print(
        "verified by heads: "
          + summaries.map { String(format: "%@ %.3f", $0.attribute, $0.score) }.joined(separator: ", "))
      #expect(evaluation.cards.allSatisfy { $0.splits["ood"]?.accuracy ?? 0 > 0.6 })
    }
  }

  private static func show(_ title: String, _ accuracies: [(name: String, accuracy: PairAccuracy)]) {
    print(title)
    for (name, accuracy) in accuracies {
      print(
        String(
          format: "  %@ %.3f ± %.3f of %d", name, accuracy.accuracy, accuracy.standardError, accuracy.pairs))
    }
  }
}
