import PenchantKernels

/// Replaces words and phrases of a text, each with a chance, and keeps how the first letter was written.
struct Substitution: Sendable {
  private let rules: [(from: String, to: [String])]
  private let phrases: PhraseSet

  init(_ rules: [(from: String, to: [String])]) {
    self.rules = rules
    phrases = PhraseSet(rules.map(\.from))
  }

  /// - Parameter share: the chance of each place. The places of a smaller share are among those of a larger one.
  func apply(to text: String, share: Double, _ draws: inout Philox) -> String {
    guard !rules.isEmpty else { return text }
    let original = Array(text.unicodeScalars)
    let words = WordedText(text)
    let ranges = words.scanned.words
    var result = String.UnicodeScalarView()
    var done = 0
    var place = 0
    while place < ranges.count {
      guard let found = phrases.match(words.words, at: place) else {
        place += 1
        continue
      }
      let range = ranges[place].lowerBound..<ranges[place + found.length - 1].upperBound
      let choices = rules[found.number].to
      let (chance, choice) = (draws.uniform(), draws.index(below: choices.count))
      place += found.length
      guard chance < share else { continue }
      result.append(contentsOf: original[done..<range.lowerBound])
      done = range.upperBound
      var new = choices[choice]
      if original[range.lowerBound].properties.isUppercase { new = new.capitalisedFirst }
      if new.isEmpty {
        // What the phrase leaves behind: a comma and the white space after it.
        while done < original.count, original[done] == " " || original[done] == "," { done += 1 }
      }
      result.append(contentsOf: new.unicodeScalars)
    }
    result.append(contentsOf: original[done...])
    return String(result)
  }
}

extension String {
  var capitalisedFirst: String { prefix(1).uppercased() + dropFirst() }
  /// The first letter small, unless it is the word "I".
  var loweredFirst: String {
    let first = prefix { $0.isLetter || $0 == "'" || $0 == "’" }
    guard first != "I", !first.hasPrefix("I'"), !first.hasPrefix("I’"),
      !(first.count > 1 && first.allSatisfy { $0.isUppercase })
    else { return self }
    return prefix(1).lowercased() + dropFirst()
  }
  var trimmed: String {
    var part = self[...]
    while part.last?.isWhitespace == true { part.removeLast() }
    while part.first?.isWhitespace == true { part.removeFirst() }
    return String(part)
  }
  var endsWithMark: Bool { last.map { ".!?…\"".contains($0) } ?? false }
}
