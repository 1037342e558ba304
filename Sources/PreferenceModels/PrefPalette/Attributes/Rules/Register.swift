/// Capitals and closing marks as careless or careful writers set them.
enum Register {
  static func written(_ text: String, _ pole: Attribute.Pole, _ share: Double) -> String {
    var result = ""
    var starts = true
    var isFirst = true
    let characters = Array(text)
    for (place, character) in characters.enumerated() {
      let previous = place > 0 ? characters[place - 1] : " "
      let next = place + 1 < characters.count ? characters[place + 1] : " "
      let isLoneI = (character == "i" || character == "I") && isEdge(previous) && isEdge(next)
      // Half of the way only the start of the text changes.
      let changes = (starts && character.isLetter && (isFirst || share == 1)) || (isLoneI && share == 1)
      if changes {
        result += pole == .low ? character.lowercased() : character.uppercased()
      } else {
        result.append(character)
      }
      if character.isLetter || character.isNumber { (starts, isFirst) = (false, false) }
      if ".!?".contains(character), next.isWhitespace { starts = true }
    }
    let end = result.trimmed
    if pole == .low { return end.last == "." && !end.hasSuffix("..") ? String(end.dropLast()) : end }
    return end.endsWithMark || end.isEmpty ? end : end + "."
  }

  private static func isEdge(_ character: Character) -> Bool {
    !character.isLetter && !character.isNumber && character != "'" && character != "’"
  }
}
