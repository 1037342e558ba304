import PenchantData
import PenchantTrain

/// The verifier that needs no language model: the score of heads that were trained on other texts.
public struct HeadVerifier: Verifier {
  public let judge = "heads"
  private let heads: FittedAttributeHeads
  private let inputs: AttributeInputs
  private struct Key: Hashable {
    var text: String
    var context: String
  }
  /// Scores of texts that were encoded beforehand.
  private let known: [Key: [Float]]

  /// - Parameter texts: what will be asked about, encoded in one go; others are encoded one by one.
  public init(
    _ heads: FittedAttributeHeads, _ inputs: AttributeInputs, texts: [String] = [], contexts: [String] = []
  ) throws {
    self.heads = heads
    self.inputs = inputs
    let contexts = contexts.isEmpty ? [String](repeating: "", count: texts.count) : contexts
    let k = heads.attributes.count
    let scores = texts.isEmpty ? [] : try heads.scores(inputs.features(texts, contexts: contexts))
    known = Dictionary(
      zip(texts, contexts).enumerated().map {
        (Key(text: $1.0, context: $1.1), Array(scores[$0 * k..<($0 + 1) * k]))
      },
      uniquingKeysWith: { first, _ in first })
  }

  /// - Throws: `DataError` for an attribute that has no head, with the nearest name.
  public func answer(
    attribute: Attribute, question: VerifierQuestion, first: String, second: String, context: String
  ) async throws -> Int? {
    guard let number = heads.attributes.firstIndex(of: attribute.name) else {
      throw DataError(
        file: "attribute heads", field: attribute.name, "there is no head for \"\(attribute.name)\"",
        expected: "one of \(heads.attributes.joined(separator: ", "))",
        repair: nearestName(to: attribute.name, among: heads.attributes).map { "did you mean \"\($0)\"?" })
    }
    let (a, b) = (try score(first, context)[number], try score(second, context)[number])
    // Equal scores are no answer.
    return a == b ? nil : (a > b) == question.askedForHigh ? 0 : 1
  }

  private func score(_ text: String, _ context: String) throws -> [Float] {
    if let scores = known[Key(text: text, context: context)] { return scores }
    return try heads.scores(inputs.features([text], contexts: [context]))
  }
}

extension Counterfactuals {
  /// Verifies every pair of the records that a table does not train on.
  ///
  /// - Parameter pairs: at most so many of each attribute, the first ones; nil for all.
  public static func verify(
    _ table: CounterfactualTable, by verifier: some Verifier, pairs limit: Int? = nil
  ) async throws -> [VerificationSummary] {
    let (set, test) = (table.counterfactuals, Set(table.testRecords))
    var summaries = set.attributes.map { VerificationSummary(attribute: $0.name, judge: verifier.judge) }
    for pair in set.pairs()
    where test.contains(pair.record) && summaries[pair.attribute].pairs < limit ?? .max {
      let (record, attribute) = (set.records[pair.record], set.attributes[pair.attribute])
      guard let lower = record[attribute.name, pair.low], let higher = record[attribute.name, pair.high]
      else { continue }
      summaries[pair.attribute].add(
        try await verifier.verify(lower: lower, higher: higher, attribute: attribute, context: record.context)
      )
    }
    return summaries
  }
}
