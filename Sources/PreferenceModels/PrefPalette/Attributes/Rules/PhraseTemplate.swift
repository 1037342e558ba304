import PenchantKernels

/// A short phrase with choices, `{thank you|many thanks} for {reading|the question}.`, that stands for all combinations.
struct PhraseTemplate: Sendable, ExpressibleByStringLiteral {
  /// Alternatives one after the other; a fixed part has one.
  private let parts: [[String]]

  init(stringLiteral text: String) { self.init(text) }

  init(_ text: String) {
    parts = text.split(separator: "{", omittingEmptySubsequences: false).enumerated().flatMap {
      number, piece in
      guard number > 0, let end = piece.firstIndex(of: "}") else { return [[String(piece)]] }
      return [
        piece[..<end].split(separator: "|", omittingEmptySubsequences: false).map(String.init),
        [String(piece[piece.index(after: end)...])],
      ]
    }
  }

  /// How many different phrases it stands for.
  var count: Int { parts.reduce(1) { $0 * $1.count } }

  /// Phrase `number` of `count`.
  subscript(number: Int) -> String {
    var rest = number
    return parts.map { choices in
      defer { rest /= choices.count }
      return choices[rest % choices.count]
    }.joined()
  }
}

/// Templates of one kind; every phrase is as likely as the other.
struct PhraseBank: Sendable, ExpressibleByArrayLiteral {
  var templates: [PhraseTemplate]

  init(arrayLiteral templates: PhraseTemplate...) { self.templates = templates }
  init(_ templates: [PhraseTemplate]) { self.templates = templates }

  var count: Int { templates.map(\.count).reduce(0, +) }

  subscript(number: Int) -> String {
    var rest = number
    for template in templates {
      if rest < template.count { return template[rest] }
      rest -= template.count
    }
    return ""
  }

  /// `wanted` phrases that differ, or as many as there are.
  func draw(_ wanted: Int, _ draws: inout Philox) -> [String] {
    var chosen: [Int] = []
    for _ in 0..<min(wanted, count) {
      var number = draws.index(below: count)
      while chosen.contains(number) { number = (number + 1) % count }
      chosen.append(number)
    }
    return chosen.map { self[$0] }
  }
}
