import PenchantTrain
import Testing

@testable import PreferenceModels

@Suite struct RuleRewriterTests {
  static let own = Attribute(
    name: "clarity", family: .norm, low: "muddled", high: "clear",
    definition: "Whether a reader gets the point at the first reading.",
    levels: [
      "Tangled throughout, meandering.", "Knotty in places.", "Takes some care.", "Lucid on the whole.",
      "Crisp and lucid at a glance.",
    ], highWords: ["crisp", "lucid"])

  static func rewrites(_ attribute: Attribute, _ texts: [String]) throws -> [[String]] {
    let rewriter = RuleRewriter()
    return try texts.map { text in
      try Attribute.levelRange.map { try rewriter.rewrite(text, attribute: attribute, level: $0, seed: 7) }
    }
  }

  @Test func middleLevelIsTheTextItself() throws {
    for record in CommentCorpus.comments(5) {
      for attribute in Attribute.standard {
        #expect(
          try RuleRewriter().rewrite(record.original, attribute: attribute, level: 3, seed: 1)
            == record.original)
      }
    }
  }

  @Test func standardHasNineteenWithFiveLevelsAndDisjointWords() {
    #expect(Attribute.standard.count == 19)
    #expect(Attribute.standard.first?.name == "supportiveness")
    #expect(Attribute.standard.last?.name == "Universalism")
    var seen: [String: String] = [:]
    for attribute in Attribute.standard {
      #expect(attribute.levels.count == 5)
      for word in attribute.lowWords + attribute.highWords {
        #expect(seen.updateValue(attribute.name, forKey: word) == nil, "\(word) stands in two lists")
      }
    }
  }

  @Test func sameSeedSameText() throws {
    let text = CommentCorpus.comments(1)[0].original
    for attribute in Attribute.standard {
      let rewriter = RuleRewriter()
      let first = try rewriter.rewrite(text, attribute: attribute, level: 5, seed: 3)
      #expect(try RuleRewriter().rewrite(text, attribute: attribute, level: 5, seed: 3) == first)
    }
    let politeness = Attribute.standard[1]
    let texts = try (0..<20).map {
      try RuleRewriter().rewrite(text, attribute: politeness, level: 5, seed: $0)
    }
    #expect(Set(texts).count > 5)
  }

  @Test func valuesHaveTwentyStancesEachWay() {
    for attribute in Attribute.standard where attribute.family == .value {
      for pole in Attribute.Pole.allCases {
        let bank = ValueStances.bank(attribute.name, pole)
        let phrases = Set((0..<(bank?.count ?? 0)).compactMap { bank?[$0] })
        #expect(phrases.count >= 20, "\(attribute.name) \(pole)")
        let score = LexicalScore(attribute)
        for phrase in phrases {
          #expect(
            pole == .low ? score(phrase) < 0 : score(phrase) > 0, "\(attribute.name) \(pole): \(phrase)")
        }
      }
    }
  }

  /// Specification 4.5: the own lexical score is monotone in the level on average.
  @Test func ownScoreRisesWithTheLevel() throws {
    let texts = CommentCorpus.comments(60).map(\.original)
    for attribute in Attribute.standard + [Self.own] {
      let score = LexicalScore(attribute)
      var means = [Double](repeating: 0, count: 5)
      for levels in try Self.rewrites(attribute, texts) {
        for (level, text) in levels.enumerated() { means[level] += score(text) / Double(texts.count) }
      }
      #expect(zip(means, means.dropFirst()).allSatisfy { $0 < $1 }, "\(attribute.name): \(means)")
    }
  }

  /// Specification 4.5: other scores move by less than a fifth, each in units of what its own rewrites move it.
  @Test func otherScoresHardlyMove() throws {
    let texts = CommentCorpus.comments(40).map(\.original)
    let k = Attribute.standard.count
    var movement = [[Double]](repeating: [Double](repeating: 0, count: k), count: k)
    for (target, attribute) in Attribute.standard.enumerated() {
      let rewrites = try Self.rewrites(attribute, texts)
      let low = try LexicalScore.matrix(rewrites.map { $0[0] }, Attribute.standard)
      let high = try LexicalScore.matrix(rewrites.map { $0[4] }, Attribute.standard)
      for place in low.indices {
        movement[place % k][target] += (high[place] - low[place]) / Double(texts.count)
      }
    }
    for target in 0..<k {
      let name = Attribute.standard[target].name
      var (sum, worst): (Double, (name: String, share: Double)) = (0, ("", 0))
      for other in 0..<k where other != target {
        let share = abs(movement[other][target] / movement[other][other])
        sum += share
        if share > worst.share { worst = (Attribute.standard[other].name, share) }
      }
      #expect(sum / Double(k - 1) < 0.2, "\(name): \(sum / Double(k - 1))")
      #expect(worst.share < 0.6, "\(name) moves \(worst.name) by \(worst.share) of its own")
    }
  }

  @Test func formalityAndBrevityAreWhatTheySay() throws {
    let formality = Attribute.standard[4]
    let formal = try RuleRewriter().rewrite(
      "i don't know, it's late", attribute: formality, level: 5, seed: 1)
    #expect(formal.contains("I do not know, it is late"))
    let casual = try RuleRewriter().rewrite(
      "I do not know. It is late.", attribute: formality, level: 1, seed: 1)
    #expect(casual.contains("i don't know. it's late"))
    let verbosity = Attribute.standard[5]
    let text = CommentCorpus.comments(1)[0].original
    let lengths = try Attribute.levelRange.map {
      try RuleRewriter().rewrite(text, attribute: verbosity, level: $0, seed: 1).count
    }
    #expect(lengths == lengths.sorted() && Set(lengths).count == 5)
  }

  @Test func emptyAndForeignTextsAreRewritten() throws {
    for text in ["", " ", "…", "日本語のコメント", "ÄÖÜ ß", String(repeating: "a ", count: 2000)] {
      for attribute in Attribute.standard {
        for level in Attribute.levelRange {
          _ = try RuleRewriter().rewrite(text, attribute: attribute, level: level, seed: 2)
        }
      }
    }
  }

  @Test func wrongLevelAndMissingWordsAreRefused() {
    #expect(throws: ConfigurationError.self) {
      try RuleRewriter().rewrite("text", attribute: Self.own, level: 6, seed: 0)
    }
    var bare = Self.own
    bare.highWords = []
    bare.levels = ["", "", "", "", ""]
    bare.high = ""
    #expect(throws: ConfigurationError.self) {
      try RuleRewriter().rewrite("text", attribute: bare, level: 5, seed: 0)
    }
  }
}
