/// A text cut where a clause ends: at `.`, `!`, `?`, `;` or `,` before white space. Marks stay with their clause.
struct Clauses {
  private(set) var parts: [String] = []

  init(_ text: String) {
    var part = ""
    var ended = false
    for character in text {
      if character.isWhitespace, ended {
        close(&part)
        ended = false
        continue
      }
      ended = ".!?;,".contains(character)
      part.append(character)
    }
    close(&part)
  }

  private mutating func close(_ part: inout String) {
    let clause = part.trimmed
    if !clause.isEmpty { parts.append(clause) }
    part = ""
  }

  /// The first of the parts, so many that they are `share` of all, ended by a full stop instead of a comma.
  func first(_ share: Double) -> String {
    let kept = max(1, Int((share * Double(parts.count)).rounded(.up)))
    return Clauses.closed(parts.prefix(kept).joined(separator: " "))
  }

  static func closed(_ clause: String) -> String {
    guard let last = clause.last, last == "," || last == ";" else { return clause }
    return clause.dropLast() + "."
  }

  /// Words of a lone clause that carry little, left out.
  static func telegraphic(_ text: String, share: Double) -> String {
    let words = text.split(whereSeparator: \.isWhitespace)
    var left = Int((share * Double(words.count)).rounded())
    var short: [Substring] = []
    for (place, word) in words.enumerated() {
      if left > 0, short.count + words.count - place > 3, light.contains(word.lowercased()) {
        left -= 1
      } else {
        short.append(word)
      }
    }
    // Too dense for that: the end goes.
    return short.prefix(max(2, short.count - left)).joined(separator: " ")
  }

  private static let light: Set<String> = [
    "the", "a", "an", "that", "very", "really", "just", "is", "are", "was", "were", "be", "been", "do",
    "does", "it",
    "there", "of", "to", "and", "then", "also", "quite", "too", "as", "some", "any", "this", "these", "those",
    "have",
    "has", "had",
  ]
}
