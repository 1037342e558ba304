extension Attribute {
  /// The nineteen of PrefPalette (Li et al. 2025) in the order of its files: nine norms, then Schwartz's ten values.
  public static let standard = norms + values

  /// Words of a list, one string for brevity; phrases stand between commas.
  static func list(_ text: String) -> [String] {
    text.split(whereSeparator: { $0 == "," || $0 == "\n" }).map { $0.trimmingSpaces }.filter { !$0.isEmpty }
  }
}

extension Substring {
  fileprivate var trimmingSpaces: String {
    var part = self
    while part.first?.isWhitespace == true { part.removeFirst() }
    while part.last?.isWhitespace == true { part.removeLast() }
    return String(part)
  }
}
