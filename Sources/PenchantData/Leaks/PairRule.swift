/// Baselines that read no text: what a model must beat before its accuracy means something.
public enum PairRule: String, Sendable, CaseIterable, Codable {
  /// The comment that was written first: it was on show longer.
  case earlierWins = "earlier-wins"
  /// The text with more words.
  case longerWins = "longer-wins"

  /// How much better the rule finds the chosen text, in seconds or words; `nil` when the pair does not say.
  public func margin(_ pair: PreferencePair) -> Double? {
    switch self {
    case .earlierWins:
      guard let chosen = pair.chosenTime, let rejected = pair.rejectedTime else { return nil }
      return rejected - chosen
    case .longerWins: return Double(wordCount(pair.chosen) - wordCount(pair.rejected))
    }
  }

  /// Share of the pairs that the rule predicts, ties counted half, and of how many; `nil` when no pair says.
  public func accuracy(_ pairs: some Sequence<PreferencePair>) -> (value: Double, count: Int)? {
    var tally = Tally()
    for pair in pairs {
      if let margin = margin(pair) { tally.add(margin) }
    }
    return tally.share.map { ($0, tally.count) }
  }
}

/// Words between white space.
func wordCount(_ text: String) -> Int {
  var count = 0
  var inside = false
  for byte in text.utf8 {
    let isSpace = byte == 0x20 || (0x09...0x0D).contains(byte)
    if !isSpace, !inside { count += 1 }
    inside = !isSpace
  }
  return count
}

/// Counts of right predictions, ties counted half.
struct Tally {
  private(set) var count = 0
  private var right = 0.0

  mutating func add(_ margin: Double) {
    count += 1
    right += margin > 0 ? 1 : margin == 0 ? 0.5 : 0
  }

  /// `nil` when nothing was counted.
  var share: Double? { count > 0 ? right / Double(count) : nil }
}
