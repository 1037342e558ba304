import Foundation
import Testing

@testable import PenchantData

struct StyleFeatureTests {
  private func feature(_ name: String, _ text: String) throws -> Float {
    StyleFeatures.of(text)[try #require(StyleFeatures.names.firstIndex(of: name))]
  }

  @Test(arguments: [
    ("log_characters", "abc", Foundation.log(4.0)),
    ("log_words", "It's 2 words, no: four", Foundation.log(6.0)),
    ("log_sentences", "One. Two!! Three", Foundation.log(4.0)),
    ("log_sentences", "v1.2 is out", Foundation.log(2.0)),
    ("log_sentences", "... !", 0), ("mean_word_length", "a bbb", 2), ("sd_word_length", "a bbb", 1),
    ("long_word_share", "seven77 six666", 0.5), ("type_token_ratio", "The the THE cat", 0.5),
    ("syllables_per_word", "banana cry", 2),
    ("words_per_sentence", "a b. c d e f", 3), ("capital_sentence_share", "Yes. no", 0.5),
    ("commas_per_word", "a, b", 0.5),
    ("log_ellipses", "a... b.. c… d.", Foundation.log(4.0)),
    ("log_repeated_marks", "a!!! b?! c!", Foundation.log(3.0)),
    ("capital_share", "AbcD", 0.5), ("log_all_capital_words", "NO I AM not", Foundation.log(3.0)),
    ("starts_with_capital", "Ab", 1),
    ("ends_with_mark", "ab. ", 1), ("ends_with_mark", "ab", 0),
    ("log_lone_small_i", "i think I am i", Foundation.log(3.0)),
    ("log_digits", "a12", Foundation.log(3.0)),
    ("log_urls", "see http://x.org and (www.y.org)", Foundation.log(3.0)),
    ("log_no_space_after_mark", "a,b. c", Foundation.log(2.0)),
    ("log_space_before_mark", "a , b", Foundation.log(2.0)),
    ("log_double_spaces", "a  b   c", Foundation.log(3.0)),
    ("log_stretched_letters", "sooo coool too", Foundation.log(3.0)),
    ("connectives_per_word", "because cats", 0.5), ("second_person_per_word", "You're you cat dog", 0.5),
    ("second_person_per_word", "you\u{2019}re it", 0.5),
    ("log_informal_words", "dont lol fine", Foundation.log(3.0)),
    ("negations_per_word", "no cat", 0.5), ("flesch_reading_ease", "The cat sat", 206.835 - 3 * 1.015 - 84.6),
  ])
  func isAsDefined(_ name: String, _ text: String, _ value: Double) throws {
    #expect(abs(Double(try feature(name, text)) - value) < 1e-4, "\(name) of \(text)")
  }

  @Test(arguments: ["", " ", "\n", "!", "a", "😀", "\u{301}", "''", String(repeating: "a", count: 3000)])
  func isFinite(_ text: String) {
    let values = StyleFeatures.of(text)
    #expect(values.count == StyleFeatures.names.count)
    #expect(values.allSatisfy { $0.isFinite })
  }

  @Test func namesDiffer() { #expect(Set(StyleFeatures.names).count == StyleFeatures.names.count) }
}

struct TextFeaturiserTests {
  private let texts = [
    "The cat sat on the mat.", "The dog sat on the cat!", "Dogs and cats; cats and dogs.", "",
    "because I think so", "ÄÖÜ straße ÄÖÜ",
  ]

  private func featuriser(_ change: (inout TextFeaturiser.Configuration) -> Void) throws -> TextFeaturiser {
    var configuration = TextFeaturiser.Configuration()
    change(&configuration)
    return try TextFeaturiser(configuration)
  }

  /// Straight from the formulas, on strings.
  private func reference(_ texts: [String], minimum: Int) -> [[String: Double]] {
    func terms(_ text: String) -> [String: Double] {
      let words = text.lowercased().split { !($0.isLetter || $0.isNumber || $0 == "'") }.map(String.init)
      var counts: [String: Double] = [:]
      for word in words { counts["w " + word, default: 0] += 1 }
      for (a, b) in zip(words, words.dropFirst()) { counts["w \(a) \(b)", default: 0] += 1 }
      for token in text.lowercased().split(whereSeparator: \.isWhitespace) {
        let padded = Array(" \(token) ")
        for order in 3...5 where order <= padded.count {
          for start in 0...(padded.count - order) {
            counts["c " + String(padded[start..<start + order]), default: 0] += 1
          }
        }
      }
      return counts
    }
    let all = texts.map(terms)
    var frequency: [String: Int] = [:]
    for counts in all { for term in counts.keys { frequency[term, default: 0] += 1 } }
    return all.map { counts in
      var row: [String: Double] = [:]
      for (term, count) in counts where frequency[term]! >= minimum {
        row[term] =
          (1 + Foundation.log(count))
          * (Foundation.log(Double(1 + texts.count) / Double(1 + frequency[term]!)) + 1)
      }
      for kind in ["w", "c"] {
        let length = row.filter { $0.key.hasPrefix(kind) }.values.reduce(0) { $0 + $1 * $1 }.squareRoot()
        for term in row.keys where term.hasPrefix(kind) { row[term]! /= length }
      }
      return row
    }
  }

  @Test(arguments: [1, 2]) func weightsAreSublinearTfIdf(_ minimum: Int) throws {
    let fitted = try featuriser {
      $0.minimumTexts = minimum
      $0.hashBits = 22
    }.fit(texts)
    let matrix = fitted.encode(texts)
    let expected = reference(texts, minimum: minimum)
    #expect(matrix.sparseWidth == Set(expected.flatMap(\.keys)).count)
    for row in texts.indices {
      let values = matrix.values[matrix.rowStarts[row]..<matrix.rowStarts[row + 1]].map(Double.init).sorted()
      let wanted = expected[row].values.sorted()
      #expect(values.count == wanted.count)
      for (a, b) in zip(values, wanted) { #expect(abs(a - b) < 1e-6) }
    }
    // Inner products of rows do not depend on the order of columns.
    for a in texts.indices {
      for b in texts.indices {
        var own = 0.0
        for i in matrix.rowStarts[a]..<matrix.rowStarts[a + 1] {
          for j in matrix.rowStarts[b]..<matrix.rowStarts[b + 1] where matrix.columns[i] == matrix.columns[j]
          {
            own += Double(matrix.values[i]) * Double(matrix.values[j])
          }
        }
        let wanted = expected[a].reduce(0) { $0 + $1.value * (expected[b][$1.key] ?? 0) }
        #expect(abs(own - wanted) < 1e-5)
      }
    }
  }

  @Test func styleIsStandardisedByTheTrainingTexts() throws {
    let fitted = try featuriser {
      $0.styleWeight = 1
      $0.styleLimit = 100
    }.fit(texts)
    let matrix = fitted.encode(texts)
    for column in 0..<matrix.denseWidth {
      let values = texts.indices.map { Double(matrix.dense[$0 * matrix.denseWidth + column]) }
      let mean = values.reduce(0, +) / Double(values.count)
      let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
      #expect(abs(mean) < 1e-5)
      #expect(abs(variance - 1) < 1e-4 || variance == 0)
    }
    let cut = try featuriser {
      $0.styleWeight = 0.5
      $0.styleLimit = 1
    }.fit(texts).encode(texts)
    #expect(cut.dense.allSatisfy { abs($0) <= 0.5 })
  }

  @Test func onlyTrainingTextsAreCounted() throws {
    let featuriser = TextFeaturiser()
    let analysis = featuriser.analyse(texts)
    let fold = analysis.fit([0, 1, 4])
    let alone = featuriser.fit([texts[0], texts[1], texts[4]])
    #expect(fold.encode(texts) == alone.encode(texts))
    #expect(fold.encode(analysis) == fold.encode(texts))
    #expect(fold.width == fold.encode(texts).width)
  }

  @Test func aFileKeepsAllBits() throws {
    let fitted = try featuriser { $0.hashBits = 12 }.fit(texts)
    var writer = SafeTensorsWriter()
    try fitted.add(to: &writer)
    let again = try FittedFeaturiser(SafeTensors(bytes: writer.bytes()))
    #expect(
      again.encode(texts + ["a new text about cats"]) == fitted.encode(texts + ["a new text about cats"]))
    #expect(throws: DataError.self) { try FittedFeaturiser(SafeTensors(bytes: SafeTensorsWriter().bytes())) }
  }

  @Test func nothingToFitIsFine() throws {
    let fitted = TextFeaturiser().fit([])
    let matrix = fitted.encode(["a text", ""])
    #expect(matrix.rows == 2 && matrix.sparseWidth == 0)
    #expect(matrix.dense.allSatisfy { $0 == 0 })
    #expect(fitted.encode([]).rows == 0)
  }

  @Test func settingsOutOfRangeAreNamed() {
    let changes: [(String, (inout TextFeaturiser.Configuration) -> Void)] = [
      ("wordOrder", { $0.wordOrder = 6 }), ("shortestCharacters", { $0.shortestCharacters = 0 }),
      ("longestCharacters", { $0.longestCharacters = 2 }), ("hashBits", { $0.hashBits = 25 }),
      ("minimumTexts", { $0.minimumTexts = 0 }),
      ("wordWeight", { $0.wordWeight = -1 }), ("styleWeight", { $0.styleWeight = .nan }),
      ("styleLimit", { $0.styleLimit = 0 }),
    ]
    for (name, change) in changes {
      #expect {
        try featuriser(change)
      } throws: { ($0 as? DataError)?.field == name }
    }
  }

  @Test func productsAreThoseOfTheDenseMatrix() throws {
    let matrix = try FeatureMatrix(
      rows: 3, sparseWidth: 2, rowStarts: [0, 1, 1, 3], columns: [1, 0, 1], values: [2, 3, 4], denseWidth: 1,
      dense: [5, 6, 7])
    #expect(try matrix.product([1, 10, 100]) == [520, 600, 743])
    #expect(try matrix.transposedProduct([1, 10, 100]) == [300, 402, 765])
    #expect(throws: (any Error).self) { try matrix.product([1]) }
    #expect(throws: (any Error).self) {
      try FeatureMatrix(
        rows: 1, sparseWidth: 1, rowStarts: [0, 1], columns: [1], values: [1], denseWidth: 0, dense: [])
    }
  }
}
