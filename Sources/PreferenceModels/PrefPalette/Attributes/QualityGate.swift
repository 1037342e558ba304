import Foundation
import PenchantData
import PenchantKernels

/// Refuses rewrites that cannot teach what they should: another meaning, a refusal, no change, levels out of order.
///
/// For rewrites of rules and of language models alike. The meaning is compared by an encoder of sentences; without one
/// that gate is left out and the report counts how often.
public struct QualityGate: Sendable {
  /// The gate that a rewrite did not pass.
  public enum Refusal: String, Sendable, Codable, CaseIterable {
    /// Too far from the original, by the cosine of embeddings.
    case meaning
    /// Much shorter or much longer than the original.
    case length
    /// An answer about being unable to answer.
    case refusal
    /// The original again, at a level other than 3.
    case unchanged
    /// Of the ten pairs of a set more than two stand in the wrong order by lexical score; refuses the whole set.
    case order
  }

  /// Least cosine of an original and its rewrite.
  public var normCosine = 0.6
  public var valueCosine = 0.45
  /// Length of a rewrite over that of the original, in characters; rewrites for verbosity may have any.
  public var lengthRatio = 0.3...3.0
  /// Pairs of levels in the wrong order that a set may have.
  public var inversions = 2
  public var encoder: (any TextEncoder)?

  public init(encoder: (any TextEncoder)? = nil) { self.encoder = encoder }

  /// What `review` found.
  public struct Report: Sendable, Codable, Equatable {
    public struct Verdict: Sendable, Codable, Equatable {
      public var record: String
      public var attribute: String
      public var level: Int
      public var refusals: [Refusal]
    }
    public var examined = 0
    /// Rewrites whose meaning was not compared, for lack of an encoder.
    public var meaningSkipped = 0
    /// Refused rewrites, in the order of the records.
    public var refused: [Verdict] = []

    public func count(_ refusal: Refusal) -> Int { refused.filter { $0.refusals.contains(refusal) }.count }
  }

  /// Gates that need no other text than the original: all but `order`. For one answer at a time.
  public func check(_ rewrite: String, of original: String, attribute: Attribute, level: Int) throws
    -> [Refusal]
  {
    let cosine = try encoder.map { encoder in
      let rows = try encoder.encode([original, rewrite])
      return rows.cosine(0, 1)
    }
    return refusals(rewrite, of: original, attribute: attribute, level: level, cosine: cosine)
  }

  private func refusals(
    _ rewrite: String, of original: String, attribute: Attribute, level: Int, cosine: Double?
  ) -> [Refusal] {
    var found: [Refusal] = []
    if let cosine, cosine < (attribute.family == .norm ? normCosine : valueCosine) { found.append(.meaning) }
    let ratio = Double(rewrite.unicodeScalars.count) / Double(max(1, original.unicodeScalars.count))
    if attribute.name != LexicalCue.verbosity.rawValue, !lengthRatio.contains(ratio) { found.append(.length) }
    if RefusalDetector.isRefusal(rewrite), !RefusalDetector.isRefusal(original) { found.append(.refusal) }
    if level != 3, rewrite.trimmed == original.trimmed { found.append(.unchanged) }
    return found
  }

  /// Every rewrite of a set through every gate.
  public func review(_ counterfactuals: Counterfactuals) throws -> Report {
    var report = Report()
    let scores = counterfactuals.attributes.map(LexicalScore.init)
    for record in counterfactuals.records {
      var items: [(attribute: Int, level: Int, text: String)] = []
      for (number, attribute) in counterfactuals.attributes.enumerated() {
        for level in Attribute.levelRange {
          if let text = record[attribute.name, level] { items.append((number, level, text)) }
        }
      }
      let rows = try encoder?.encode([record.original] + items.map(\.text))
      var refusals = items.enumerated().map { place, item in
        self.refusals(
          item.text, of: record.original, attribute: counterfactuals.attributes[item.attribute],
          level: item.level,
          cosine: rows.map { $0.cosine(0, place + 1) })
      }
      for attribute in counterfactuals.attributes.indices {
        let own = items.indices.filter { items[$0].attribute == attribute }
        let values = own.map { scores[attribute](items[$0].text) }
        let wrong = values.indices.reduce(0) { sum, first in
          sum + values[(first + 1)...].filter { $0 < values[first] }.count
        }
        if wrong > inversions { for place in own { refusals[place].append(.order) } }
      }
      report.examined += items.count
      if encoder == nil { report.meaningSkipped += items.count }
      for (item, found) in zip(items, refusals) where !found.isEmpty {
        report.refused.append(
          Report.Verdict(
            record: record.id, attribute: counterfactuals.attributes[item.attribute].name, level: item.level,
            refusals: found))
      }
    }
    return report
  }

  /// The set without what was refused.
  public func passed(_ counterfactuals: Counterfactuals, _ report: Report) -> Counterfactuals {
    var kept = counterfactuals
    let places = Dictionary(
      counterfactuals.records.enumerated().map { ($1.id, $0) }, uniquingKeysWith: { first, _ in first })
    for verdict in report.refused {
      guard let place = places[verdict.record] else { continue }
      kept.records[place][verdict.attribute, verdict.level] = nil
    }
    return kept
  }
}

/// Tells an answer of a language model that declines from a rewrite.
enum RefusalDetector {
  static func isRefusal(_ text: String) -> Bool {
    let words = WordedText(text).words
    if mentions.occurrences(in: words).count > 0 { return true }
    let start = Array(words.prefix(12))
    return apologies.occurrences(in: start).first.map { $0 < 2 } ?? false
      && inability.occurrences(in: start).count > 0
      || inability.occurrences(in: Array(words.prefix(4))).first == 0
        && objects.occurrences(in: start).count > 0
  }

  private static let mentions = PhraseSet([
    "as an ai", "as a language model", "i am an ai", "i'm an ai", "large language model",
    "as an artificial intelligence",
    "my guidelines", "against my programming",
  ])
  private static let apologies = PhraseSet([
    "sorry", "apologies", "i apologize", "i apologise", "unfortunately", "regrettably",
  ])
  private static let inability = PhraseSet([
    "i cannot", "i can't", "i can not", "i am unable", "i'm unable", "i am not able", "i'm not able",
    "i won't",
    "i will not", "i must decline", "i have to decline",
  ])
  private static let objects = PhraseSet([
    "rewrite", "assist", "comply", "fulfill", "fulfil", "generate", "provide", "this request", "that request",
    "help with that", "help with this", "create content",
  ])
}

extension FeatureMatrix {
  /// The cosine of two rows, 0 when one is empty.
  func cosine(_ a: Int, _ b: Int) -> Double {
    var (product, left, right) = (0.0, 0.0, 0.0)
    for column in 0..<denseWidth {
      let (x, y) = (Double(dense[a * denseWidth + column]), Double(dense[b * denseWidth + column]))
      product += x * y
      left += x * x
      right += y * y
    }
    for entry in rowStarts[a]..<rowStarts[a + 1] { left += Double(values[entry]) * Double(values[entry]) }
    for entry in rowStarts[b]..<rowStarts[b + 1] { right += Double(values[entry]) * Double(values[entry]) }
    var (i, j) = (rowStarts[a], rowStarts[b])
    while i < rowStarts[a + 1], j < rowStarts[b + 1] {
      let (left, right) = (columns[i], columns[j])
      if left == right { product += Double(values[i]) * Double(values[j]) }
      if left <= right { i += 1 }
      if right <= left { j += 1 }
    }
    return left > 0 && right > 0 ? product / (left * right).squareRoot() : 0
  }
}
