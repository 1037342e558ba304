import PenchantData

/// Words and phrases that are looked for in a text, the longest that fits first, none over another.
struct PhraseSet: Sendable {
  /// Hashes of the words of each phrase by the hash of its first, longest first.
  private var phrases: [UInt64: [(words: [UInt64], number: Int)]] = [:]

  /// - Parameter phrases: lower case, words with white space between.
  init(_ phrases: [String]) {
    for (number, phrase) in phrases.enumerated() {
      let words = WordedText(phrase).words
      if let first = words.first { self.phrases[first, default: []].append((words, number)) }
    }
    for first in self.phrases.keys { self.phrases[first]?.sort { $0.words.count > $1.words.count } }
  }

  /// The phrase that starts at a word: its number in the list and its length in words.
  func match(_ words: [UInt64], at place: Int) -> (number: Int, length: Int)? {
    guard let candidates = phrases[words[place]] else { return nil }
    for candidate in candidates where words[place...].starts(with: candidate.words) {
      return (candidate.number, candidate.words.count)
    }
    return nil
  }

  /// How often phrases of the set stand in a text, and the word at which the first starts.
  func occurrences(in words: [UInt64]) -> (count: Int, first: Int?) {
    var place = 0
    var count = 0
    var first: Int?
    while place < words.count {
      if let found = match(words, at: place) {
        count += 1
        if first == nil { first = place }
        place += found.length
      } else {
        place += 1
      }
    }
    return (count, first)
  }
}

/// A scanned text with a hash of each of its words.
struct WordedText: Sendable {
  let scanned: ScannedText
  let words: [UInt64]

  init(_ text: String) {
    scanned = ScannedText(text)
    words = scanned.words.map { [scanned] range in
      var hash = ScalarHash()
      for place in range { hash.add(scanned.scalars[place]) }
      return hash.value
    }
  }

  static func hash(_ word: String) -> UInt64 { WordedText(word).words.first ?? 0 }
}
