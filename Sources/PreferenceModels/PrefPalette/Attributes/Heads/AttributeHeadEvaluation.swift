import Foundation
import PenchantData
import PenchantTrain

/// How good heads are: a card each, and how much rewriting for one attribute moves the scores of the others.
public struct AttributeHeadEvaluation: Sendable, Codable, Equatable {
  public var cards: [AttributeCard]
  /// `[i][j]`: mean over held-out texts of s̃_i at level 5 minus s̃_i at level 1, both rewritten for attribute j. Empty
  /// without counterfactuals.
  public var crossReaction: [[Double]]

  /// Two attributes that the heads do not tell apart: rewriting for one moves the score of the other by half a standard
  /// deviation or more.
  public struct Entanglement: Sendable, Codable, Equatable {
    public var score: String
    public var rewrittenFor: String
    public var movement: Double
  }

  public var entangled: [Entanglement] {
    crossReaction.enumerated().flatMap { i, row in
      row.enumerated().filter { $0.offset != i && abs($0.element) >= 0.5 }.map { j, movement in
        Entanglement(score: cards[i].attribute, rewrittenFor: cards[j].attribute, movement: movement)
      }
    }
  }

  /// Attributes whose own rewrites do not move their score most.
  public var notDominant: [String] {
    crossReaction.enumerated().filter { i, row in
      row.enumerated().contains { $0.offset != i && abs($0.element) >= row[i] }
    }.map { cards[$0.offset].attribute }
  }

  /// Mean absolute movement off the diagonal over the mean on it; 0 without counterfactuals.
  public var offDiagonalRatio: Double {
    let k = crossReaction.count
    guard k > 1 else { return 0 }
    let diagonal = crossReaction.indices.map { abs(crossReaction[$0][$0]) }.reduce(0, +) / Double(k)
    let others = crossReaction.indices.flatMap { i in
      crossReaction[i].indices.filter { $0 != i }.map { abs(crossReaction[i][$0]) }
    }
    return diagonal > 0 ? others.reduce(0, +) / Double(others.count) / diagonal : 0
  }
}

extension AttributeHeadEvaluation {
  /// Evaluates on the test parts of counterfactuals.
  ///
  /// - Parameter scores: of `table.pairs.texts`, `[texts, K]`, as `AttributeHeads.fit` gives them.
  public init(_ heads: FittedAttributeHeads, _ table: CounterfactualTable, scores: [Float]) throws {
    let (k, names) = (heads.attributes.count, heads.attributes)
    guard names == table.pairs.attributes, scores.count == table.pairs.texts.count * k else {
      throw ConfigurationError(
        "\(scores.count) scores for \(table.pairs.texts.count) texts and attributes \(table.pairs.attributes), heads are for \(names)"
      )
    }
    let pairs = table.pairs.pairs
    func hits(_ part: CounterfactualTable.Part, _ attribute: Int) -> [(gap: Int, hit: Double)] {
      table.pairs(part).compactMap { place in
        let pair = pairs[place]
        guard pair.attribute == attribute else { return nil }
        let margin = Double(scores[pair.more * k + attribute]) - Double(scores[pair.less * k + attribute])
        return (pair.gap, PairMetrics.hit(margin))
      }
    }
    let reaction = Reaction(table, scores)
    cards = names.enumerated().map { number, name in
      let (comment, level, ood) = (hits(.comment, number), hits(.level, number), hits(.ood, number))
      var splits: [String: PairAccuracy] = [:]
      for (split, hits) in [("comment", comment), ("level", level), ("ood", ood)] where !hits.isEmpty {
        splits[split] = PairAccuracy(hits.map(\.hit))
      }
      let unseen = comment + ood
      return AttributeCard(
        attribute: name, teacher: heads.teacher, splits: splits,
        gaps: (1...4).map { gap in PairAccuracy(unseen.filter { $0.gap == gap }.map(\.hit)) },
        levelMeans: reaction.levelMeans[number])
    }
    crossReaction = reaction.cross
  }

  /// Evaluates heads on pairs that they were not trained on, such as judgements of people.
  public init(
    _ heads: FittedAttributeHeads, _ pairs: AttributePairs, test: [Int], scores: [Float],
    by judges: String = "test"
  ) {
    let k = heads.attributes.count
    cards = heads.attributes.enumerated().map { number, name in
      let hits = Self.hits(pairs, test, number, scores, k)
      return AttributeCard(
        attribute: name, teacher: heads.teacher, splits: hits.isEmpty ? [:] : [judges: PairAccuracy(hits)],
        gaps: [],
        levelMeans: [], people: heads.teacher == Self.people ? PairAccuracy(hits) : nil)
    }
    crossReaction = []
  }

  /// Heads of this teacher learned from judgements of people, so a held-out part of them validates.
  public static let people = "people"

  /// Adds accuracy on judgements of people that the heads did not learn from.
  ///
  /// - Parameter scores: of `judgements.texts`, `[texts, K]`, by heads in the order of the cards.
  public mutating func validate(on judgements: AttributePairs, scores: [Float]) {
    for (number, name) in judgements.attributes.enumerated() {
      guard let card = cards.firstIndex(where: { $0.attribute == name }) else { continue }
      let own = judgements.pairs.filter { $0.attribute == number }
      guard !own.isEmpty else { continue }
      cards[card].people = PairAccuracy(
        own.map {
          PairMetrics.hit(
            Double(scores[$0.more * cards.count + card]) - Double(scores[$0.less * cards.count + card]))
        })
    }
  }

  private static func hits(
    _ pairs: AttributePairs, _ places: [Int], _ attribute: Int, _ scores: [Float], _ k: Int
  ) -> [Double] {
    places.compactMap { place in
      let pair = pairs.pairs[place]
      guard pair.attribute == attribute else { return nil }
      return PairMetrics.hit(
        Double(scores[pair.more * k + attribute]) - Double(scores[pair.less * k + attribute]))
    }
  }

  /// A table for people: a line a head, then what the heads do not tell apart.
  public var text: String {
    let names = ["comment", "level", "ood", "test"].filter { name in cards.contains { $0.splits[name] != nil }
    }
    let hasGaps = cards.contains { !$0.gaps.isEmpty }
    var lines = [
      ["attribute"] + names + (hasGaps ? ["gap 1", "gap 2", "gap 3", "gap 4", "level means", "rises"] : [])
        + ["teacher", "on people"]
    ]
    func number(_ accuracy: PairAccuracy?) -> String {
      guard let accuracy, accuracy.pairs > 0 else { return "-" }
      return String(format: "%.3f", accuracy.accuracy)
    }
    for card in cards {
      let means = card.levelMeans.map { String(format: "%+.2f", $0) }.joined(separator: " ")
      lines.append(
        [card.attribute] + names.map { number(card.splits[$0]) }
          + (hasGaps ? card.gaps.map { number($0) } + [means, card.isMonotone ? "yes" : "no"] : [])
          + [card.teacher, card.validation])
    }
    let widths = lines[0].indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
    var text = lines.map { line in
      zip(line, widths).map { $0.padding(toLength: $1, withPad: " ", startingAt: 0) }.joined(separator: "  ")
        .trimmed
    }
    if !crossReaction.isEmpty {
      text.append(String(format: "movement of other scores: %.3f of an attribute's own", offDiagonalRatio))
      if !notDominant.isEmpty {
        text.append("moved more by another's rewrites: \(notDominant.joined(separator: ", "))")
      }
      text += entangled.map {
        String(
          format: "not separable: %@ moves by %+.2f when rewritten for %@", $0.score, $0.movement,
          $0.rewrittenFor)
      }
    }
    return text.joined(separator: "\n")
  }
}

/// How scores move with rewrites of texts that were not trained on.
private struct Reaction {
  /// `[K][5]` and `[K][K]`; empty without held-out texts.
  var levelMeans: [[Double]]
  var cross: [[Double]] = []

  init(_ table: CounterfactualTable, _ scores: [Float]) {
    let set = table.counterfactuals
    let k = set.attributes.count
    var pairs = table.pairs
    let known = pairs.texts.count
    levelMeans = [[Double]](repeating: [], count: k)
    cross = [[Double]](repeating: [Double](repeating: 0, count: k), count: k)
    var counted = 0
    for (number, attribute) in set.attributes.enumerated() {
      var sums = [Double](repeating: 0, count: 5)
      var count = 0.0
      for place in table.testRecords {
        let record = set.records[place]
        let texts = Attribute.levelRange.compactMap { record[attribute.name, $0] }
        guard texts.count == 5 else { continue }
        let places = texts.map { pairs.place($0, record.context) }
        // A text in no pair has no score.
        guard places.allSatisfy({ $0 < known }) else { continue }
        count += 1
        for level in 0..<5 { sums[level] += Double(scores[places[level] * k + number]) }
        for other in 0..<k {
          cross[other][number] +=
            Double(scores[places[4] * k + other]) - Double(scores[places[0] * k + other])
        }
      }
      guard count > 0 else { continue }
      counted += 1
      levelMeans[number] = sums.map { $0 / count }
      for other in 0..<k { cross[other][number] /= count }
    }
    if counted == 0 { cross = [] }
  }
}
