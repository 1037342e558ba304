import Foundation

/// How a text is written, apart from what it says: numbers that docs/featuriser.md defines one by one.
public enum StyleFeatures {
  /// The names, in the order of the columns.
  public static let names: [String] = [
    // length
    "log_characters", "sqrt_characters", "log_words", "log_sentences", "log_distinct_words", "log_long_words",
    // words
    "mean_word_length", "sd_word_length", "long_word_share", "very_long_word_share", "one_letter_word_share",
    "type_token_ratio", "root_type_token_ratio", "syllables_per_word",
    // sentences
    "words_per_sentence", "log_words_per_sentence", "capital_sentence_share", "flesch_reading_ease",
    "automated_readability",
    // punctuation
    "commas_per_word", "log_commas", "periods_per_word", "log_exclamations", "log_questions", "log_colons",
    "log_quotes",
    "log_apostrophes", "log_parentheses", "log_ellipses", "log_repeated_marks",
    // capitals and endings
    "capital_share", "log_all_capital_words", "starts_with_capital", "ends_with_mark", "log_lone_small_i",
    // other characters
    "log_digits", "log_urls", "log_line_breaks", "symbol_share", "log_no_space_after_mark",
    "log_space_before_mark",
    "log_double_spaces", "log_stretched_letters",
    // word lists
    "connectives_per_word", "log_connectives", "hedges_per_word", "log_hedges", "second_person_per_word",
    "log_second_person", "first_person_per_word", "log_first_person", "negations_per_word", "log_negations",
    "modals_per_word", "function_words_per_word", "log_informal_words",
  ]

  /// The features of one text; every value is finite, also for the empty text.
  public static func of(_ text: String) -> [Float] { values(ScannedText(text)) }

  static func values(_ text: ScannedText) -> [Float] {
    let words = WordFigures(text)
    let marks = MarkFigures(text)
    let sentences = SentenceFigures(text)
    let characters = Double(text.scalars.count)
    let count = Double(text.words.count)
    // Rates of the empty text are 0, not 0 / 0.
    let perWord = 1 / max(count, 1)
    let perCharacter = 1 / max(characters, 1)
    let perSentence = count / max(sentences.count, 1)
    let syllables = words.syllables * perWord
    let meanLength = words.letters * perWord
    func kind(_ kind: Lexicon.Kinds) -> Double { words.kinds[kind.rawValue.trailingZeroBitCount] }
    return [
      log1p(characters), characters.squareRoot(), log1p(count), log1p(sentences.count), log1p(words.distinct),
      log1p(words.long),
      meanLength, max(words.squaredLetters * perWord - meanLength * meanLength, 0).squareRoot(),
      words.long * perWord,
      words.veryLong * perWord, words.oneLetter * perWord, words.distinct * perWord,
      words.distinct / max(count, 1).squareRoot(), syllables,
      perSentence, log1p(perSentence), sentences.capital / max(sentences.count, 1),
      206.835 - 1.015 * perSentence - 84.6 * syllables, 4.71 * meanLength + 0.5 * perSentence,
      marks.commas * perWord, log1p(marks.commas), marks.periods * perWord, log1p(marks.exclamations),
      log1p(marks.questions), log1p(marks.colons), log1p(marks.quotes), log1p(marks.apostrophes),
      log1p(marks.parentheses), log1p(marks.ellipses), log1p(marks.repeated),
      marks.capitals * perCharacter, log1p(words.allCapital), marks.startsWithCapital, marks.endsWithMark,
      log1p(words.loneSmallI),
      log1p(marks.digits), log1p(words.urls), log1p(marks.lineBreaks), marks.symbols * perCharacter,
      log1p(marks.noSpaceAfter), log1p(marks.spaceBefore), log1p(marks.doubleSpaces), log1p(marks.stretched),
      kind(.connective) * perWord, log1p(kind(.connective)), kind(.hedge) * perWord, log1p(kind(.hedge)),
      kind(.secondPerson) * perWord, log1p(kind(.secondPerson)), kind(.firstPerson) * perWord,
      log1p(kind(.firstPerson)), kind(.negation) * perWord, log1p(kind(.negation)),
      kind(.modal) * perWord, kind(.function) * perWord, log1p(kind(.informal)),
    ].map(Float.init)
  }
}

/// Counts over words.
private struct WordFigures {
  var letters = 0.0
  var squaredLetters = 0.0
  var long = 0.0
  var veryLong = 0.0
  var oneLetter = 0.0
  var distinct = 0.0
  var syllables = 0.0
  var allCapital = 0.0
  var loneSmallI = 0.0
  var urls = 0.0
  var kinds = [Double](repeating: 0, count: 8)

  init(_ text: ScannedText) {
    var seen: Set<UInt64> = []
    for word in text.words {
      var hash = ScalarHash()
      var capitals = 0
      var vowelRuns = 0
      var inVowels = false
      for place in word {
        hash.add(text.scalars[place])
        if text.classes[place].contains(.upper) { capitals += 1 }
        let isVowel = WordFigures.isVowel(text.scalars[place])
        if isVowel, !inVowels { vowelRuns += 1 }
        inVowels = isVowel
      }
      let length = Double(word.count)
      letters += length
      squaredLetters += length * length
      if word.count > 6 { long += 1 }
      if word.count > 9 { veryLong += 1 }
      if word.count == 1 { oneLetter += 1 }
      if word.count > 1, capitals == word.count { allCapital += 1 }
      if word.count == 1, text.scalars[word.lowerBound] == 0x69, capitals == 0 { loneSmallI += 1 }
      syllables += Double(max(1, vowelRuns))
      seen.insert(hash.value)
      if let kind = Lexicon.kinds[hash.value] {
        for bit in kinds.indices where kind.rawValue >> bit & 1 == 1 { kinds[bit] += 1 }
      }
    }
    distinct = Double(seen.count)
    for token in text.tokens where WordFigures.isURL(text.scalars[token]) { urls += 1 }
  }

  private static func isVowel(_ scalar: UInt32) -> Bool {
    switch scalar {
    case 0x61, 0x65, 0x69, 0x6F, 0x75, 0x79: true
    default: false
    }
  }

  private static let urlStarts = ["http://", "https://", "www."].map { $0.unicodeScalars.map(\.value) }

  /// A token that holds the start of an address, perhaps behind a bracket.
  private static func isURL(_ token: ArraySlice<UInt32>) -> Bool {
    guard token.count > 4 else { return false }
    return token.indices.prefix(3).contains { start in urlStarts.contains { token[start...].starts(with: $0) }
    }
  }
}

/// Counts over characters.
private struct MarkFigures {
  var commas = 0.0
  var periods = 0.0
  var exclamations = 0.0
  var questions = 0.0
  var colons = 0.0
  var quotes = 0.0
  var apostrophes = 0.0
  var parentheses = 0.0
  var ellipses = 0.0
  var repeated = 0.0
  var capitals = 0.0
  var digits = 0.0
  var lineBreaks = 0.0
  var symbols = 0.0
  var noSpaceAfter = 0.0
  var spaceBefore = 0.0
  var doubleSpaces = 0.0
  var stretched = 0.0
  var startsWithCapital = 0.0
  var endsWithMark = 0.0

  init(_ text: ScannedText) {
    let (scalars, classes) = (text.scalars, text.classes)
    for place in scalars.indices {
      let scalar = scalars[place]
      let kind = classes[place]
      let previous = place > 0 ? scalars[place - 1] : 0
      let next = place + 1 < scalars.count ? scalars[place + 1] : 0
      if kind.contains(.upper) { capitals += 1 }
      if kind.contains(.digit) { digits += 1 }
      if kind.isDisjoint(with: [.letter, .digit, .space]) { symbols += 1 }
      switch scalar {
      case 0x2C: commas += 1
      case 0x2E:
        periods += 1
        // Counted at the second point of a run.
        if previous == 0x2E, place < 2 || scalars[place - 2] != 0x2E { ellipses += 1 }
      case 0x2026: ellipses += 1
      case 0x21, 0x3F:
        if scalar == 0x21 { exclamations += 1 } else { questions += 1 }
        let isSecond = previous == 0x21 || previous == 0x3F
        if isSecond, place < 2 || (scalars[place - 2] != 0x21 && scalars[place - 2] != 0x3F) { repeated += 1 }
      case 0x3A, 0x3B: colons += 1
      case 0x22: quotes += 1
      case 0x27: apostrophes += 1
      case 0x28: parentheses += 1
      case 0x0A: lineBreaks += 1
      case 0x20 where previous == 0x20 && (place < 2 || scalars[place - 2] != 0x20): doubleSpaces += 1
      default: break
      }
      switch scalar {
      case 0x2C, 0x2E, 0x3A, 0x3B, 0x21, 0x3F:
        if next != 0, classes[place + 1].contains(.letter) { noSpaceAfter += 1 }
        if previous == 0x20 { spaceBefore += 1 }
      default: break
      }
      if kind.contains(.letter), place >= 2, previous == scalar, scalars[place - 2] == scalar,
        place < 3 || scalars[place - 3] != scalar
      {
        stretched += 1
      }
    }
    if let first = classes.first, first.contains(.upper) { startsWithCapital = 1 }
    if let last = text.tokens.last.map({ scalars[$0.upperBound - 1] }) {
      switch last {
      case 0x2E, 0x21, 0x3F, 0x22: endsWithMark = 1
      default: break
      }
    }
  }
}

/// Sentences: pieces with a word in them, ended by a run of `.`, `!`, `?` before white space, or by the end.
private struct SentenceFigures {
  var count = 0.0
  var capital = 0.0

  init(_ text: ScannedText) {
    var first: Int?
    var hasWord = false
    func isMark(_ scalar: UInt32) -> Bool { scalar == 0x2E || scalar == 0x21 || scalar == 0x3F }
    for place in text.scalars.indices {
      let kind = text.classes[place]
      if first == nil, !kind.contains(.space) { first = place }
      if !kind.isDisjoint(with: [.letter, .digit]) { hasWord = true }
      let isLast = place + 1 == text.scalars.count
      let ends = isLast || isMark(text.scalars[place]) && text.classes[place + 1].contains(.space)
      guard ends, hasWord, let start = first else { continue }
      count += 1
      if text.classes[start].contains(.upper) { capital += 1 }
      (first, hasWord) = (nil, false)
    }
  }
}
