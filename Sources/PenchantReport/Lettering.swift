/// How much room text takes, estimated on the large side: no font is at hand when a page is written.
enum Lettering {
  /// Of the labels, in CSS pixels.
  static let size = 12.0
  static let lineHeight = 14.0

  static func width(_ text: some StringProtocol, size: Double = size) -> Double {
    text.reduce(0) { $0 + width($1) } * size
  }

  /// Of one character, in ems.
  private static func width(_ character: Character) -> Double {
    guard let scalar = character.unicodeScalars.first else { return 0 }
    switch scalar.value {
    case 0x1100...: return 1.1
    case _ where "iljt.,:;'|! ".unicodeScalars.contains(scalar): return 0.36
    case _ where "mwMW@%—".unicodeScalars.contains(scalar): return 0.95
    case _ where scalar.properties.isUppercase: return 0.72
    default: return 0.6
    }
  }

  /// `text` in lines that fit `width`: broken at spaces, hyphens and underscores, a longer word anywhere.
  ///
  /// The last of `most` lines ends with "…" when there is more; what shows it has the whole text in a hint.
  static func lines(
    _ text: String, width limit: Double, size: Double = size, most: Int = 5
  ) -> [String] {
    var lines: [String] = []
    var line = ""
    var used = 0.0
    var breakAt: String.Index?
    for character in text {
      guard lines.count < most else { break }
      let character: Character = character.isWhitespace ? " " : character
      let step = width(character) * size
      if used + step > limit, !line.isEmpty {
        let cut = character == " " ? line.endIndex : breakAt ?? line.endIndex
        lines.append(String(line[..<cut]).trimmed)
        line = String(line[cut...])
        breakAt = nil
        used = Self.width(line, size: size)
        if character == " " { continue }
      }
      line.append(character)
      used += step
      if character == " " || character == "-" || character == "_" || character == "/" {
        breakAt = line.endIndex
      }
    }
    if lines.count < most, !line.isEmpty { lines.append(line.trimmed) }
    if lines.reduce(0, { $0 + $1.filter { $0 != " " }.count }) < text.filter({ !$0.isWhitespace }).count,
      var last = lines.popLast()
    {
      while !last.isEmpty, width(last + "…", size: size) > limit { last.removeLast() }
      lines.append(last + "…")
    }
    return lines
  }
}

extension String {
  /// Without spaces at its ends.
  fileprivate var trimmed: String {
    var rest = self[...]
    while rest.first == " " { rest.removeFirst() }
    while rest.last == " " { rest.removeLast() }
    return String(rest)
  }
}
