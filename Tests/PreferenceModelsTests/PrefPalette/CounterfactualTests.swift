import PenchantData
import PenchantTrain
import Synchronization
import Testing

@testable import PreferenceModels

@Suite struct CounterfactualTests {
  static func set(_ count: Int, _ attributes: [Attribute] = Array(Attribute.standard.prefix(3))) async throws
    -> Counterfactuals
  {
    try await .synthesise(CommentCorpus.comments(count), attributes: attributes, by: RuleRewriter(), seed: 11)
  }

  @Test func aTextGivesTenPairsOfEachAttribute() async throws {
    let set = try await Self.set(4)
    let pairs = set.pairs()
    #expect(pairs.count == 120, "4 texts, 3 attributes, 10 pairs each")
    #expect(pairs.allSatisfy { $0.low < $0.high })
    #expect(Set(pairs).count == pairs.count)
  }

  @Test func splitsShareWhatTheyShouldAndNothingElse() async throws {
    let set = try await Self.set(40)
    let splits = try set.splits(seed: 3)
    #expect(splits.heldOut.count == 1)
    func records(_ pairs: [CounterfactualPair]) -> Set<Int> { Set(pairs.map(\.record)) }
    let train = records(splits.train)
    let comment = records(splits.comment.eval + splits.comment.test)
    let ood = records(splits.ood.eval + splits.ood.test)
    let level = splits.level.eval + splits.level.test
    #expect(train.isDisjoint(with: comment))
    #expect(train.isDisjoint(with: ood))
    #expect(Set(splits.train).isDisjoint(with: level))
    #expect(records(level).isSubset(of: train))
    #expect(comment.count == 3)
    #expect(comment.allSatisfy { !splits.heldOut.contains(set.records[$0].community) })
    #expect(ood.allSatisfy { splits.heldOut.contains(set.records[$0].community) })
    // The same held-out communities for every attribute.
    for attribute in 0..<3 {
      #expect(Set(splits.ood.test.filter { $0.attribute == attribute }.map(\.record)) == ood)
    }
    let pairs = 3 * 3 * 10
    #expect(splits.comment.test.count + splits.comment.eval.count == pairs)
    #expect(level.count == pairs)
    let again = try set.splits(seed: 3)
    #expect(again.train == splits.train)
  }

  @Test func recordsComeBackFromTheirLines() async throws {
    var set = try await Self.set(3)
    set.records[0].usage = .init(promptTokens: 3, completionTokens: 4, totalTokens: 7)
    set.records[1].original = "line\nbreak \"quoted\" \u{1F600} \u{2028}"
    let text = try set.records.map { try $0.line() }.joined(separator: "\n")
    #expect(try CounterfactualRecord.read(bytes: Array(text.utf8), name: "c.jsonl") == set.records)
  }

  @Test(arguments: [
    (#"{"id": "a", "rewrite": {}}"#, "original"), (#"{"id": 3, "original": "x", "rewrite": {}}"#, "id"),
    (#"{"id": "a", "original": "x", "rewrite": {"humor": {"6": "y"}}}"#, "rewrite.humor"),
  ]) func brokenRecordsAreNamed(_ line: String, _ field: String) {
    let error = #expect(throws: DataError.self) {
      try CounterfactualRecord.read(bytes: Array(line.utf8), name: "c.jsonl")
    }
    #expect(error?.field == field)
    #expect(error?.line == 1)
  }

  /// Counts what it is asked.
  private final class Counting: Rewriter {
    let teacher = "rules"
    let asked = Mutex(0)
    func rewrite(_ text: String, context: String, attribute: Attribute, level: Int, seed: UInt64) async throws
      -> String
    {
      asked.withLock { $0 += 1 }
      return try RuleRewriter().rewrite(text, attribute: attribute, level: level, seed: seed)
    }
  }

  @Test func resumedSynthesisAsksForWhatIsMissing() async throws {
    let whole = try await Self.set(3)
    var part = whole.records
    part[2].rewrite["humor"] = nil
    part[1]["politeness", 4] = nil
    part[2].rewrite["politeness"] = nil
    let rewriter = Counting()
    let again = try await Counterfactuals.synthesise(
      part, attributes: whole.attributes, by: rewriter, seed: 11)
    #expect(rewriter.asked.withLock { $0 } == 6)
    #expect(again.records == whole.records)
  }

  /// Embeds by the letters of a text, so that another text is far away.
  private struct Letters: TextEncoder {
    let width = 26
    func encode(_ texts: [String]) throws -> FeatureMatrix {
      let rows = texts.map { text in
        var counts = [Float](repeating: 0, count: 26)
        for byte in text.lowercased().utf8 where (97...122).contains(byte) { counts[Int(byte) - 97] += 1 }
        return counts
      }
      return try FeatureMatrix(rows: texts.count, width: 26, dense: rows.flatMap(\.self))
    }
  }

  @Test func gatesSayWhichOneRefused() throws {
    let gate = QualityGate(encoder: Letters())
    let (humor, verbosity) = (Attribute.standard[3], Attribute.standard[5])
    let text = "The night bus is late again and nobody knows why."
    func check(_ rewrite: String, _ attribute: Attribute, _ level: Int) throws -> [QualityGate.Refusal] {
      try gate.check(rewrite, of: text, attribute: attribute, level: level)
    }
    #expect(try check(text + " Haha!", humor, 5) == [])
    #expect(try check(text + " ", humor, 4) == [.unchanged])
    #expect(try check(text, humor, 3) == [])
    #expect(try check("zzzzz qqqqq xxxxx jjjjj zzzzz", humor, 5) == [.meaning])
    #expect(try check("The bus is late.", verbosity, 1) == [])
    #expect(try check("Late again.", humor, 1).contains(.length))
    for refusal in [
      "I'm sorry, but I can't help with rewriting that.", "As an AI, I have no opinion on the night bus.",
      "I cannot assist with this request.", "Unfortunately I am unable to do so.",
    ] {
      #expect(try check(refusal, humor, 5).contains(.refusal), "\(refusal)")
    }
    #expect(
      try !check("Sorry, the night bus is late again and nobody knows why.", humor, 1).contains(.refusal))
  }

  @Test func rulesPassAndReversedLevelsDoNot() async throws {
    var set = try await Self.set(12, Attribute.standard)
    let report = try QualityGate().review(set)
    #expect(report.examined == 12 * 19 * 5)
    #expect(report.meaningSkipped == report.examined)
    #expect(Double(report.refused.count) < 0.1 * Double(report.examined))
    #expect(report.count(.unchanged) == 0)
    #expect(report.count(.refusal) == 0)
    let politeness = set.records[4].rewrite["politeness"] ?? [:]
    set.records[4].rewrite["politeness"] = Dictionary(
      uniqueKeysWithValues: politeness.map { (String(6 - (Int($0) ?? 3)), $1) })
    let reversed = try QualityGate().review(set)
    let verdicts = reversed.refused.filter { $0.record == set.records[4].id && $0.attribute == "politeness" }
    #expect(verdicts.count == 5)
    #expect(verdicts.allSatisfy { $0.refusals.contains(.order) })
    let kept = QualityGate().passed(set, reversed)
    #expect(kept.records[4].rewrite["politeness"]?.isEmpty == true)
  }
}
