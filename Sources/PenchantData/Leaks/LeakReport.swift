/// What a test set tells about itself without reading a text (PrefPalette specification, section 4.2, "Two leaks").
///
/// The comment leak: a comment that won its training pairs will win its test pairs, so a model that only remembers does
/// well. The clock leak: comments that were written earlier collect more votes. `nil` stands where the pairs do not say.
public struct LeakReport: Sendable, Codable, Equatable {
  public var trainPairs: Int
  public var testPairs: Int
  /// Share of the test pairs with one of their comments in training, and with both.
  public var sharedComment: Double?
  public var sharedBothComments: Double?
  /// Share of the test pairs whose post is in training, of those that name a post.
  public var sharedPost: Double?
  /// Accuracy of `PairRule.earlierWins` and of how many pairs: those with both times.
  public var earlierWins: Double?
  public var timedPairs: Int
  /// Accuracy of `PairRule.longerWins`.
  public var longerWins: Double?
  /// Accuracy of looking up which comment won the larger share of its training pairs, (wins + 1) / (pairs + 2); a
  /// comment that was not seen counts one half.
  public var memory: Double?
  /// The same, on the pairs with a comment that is in training.
  public var memoryOfShared: Double?

  public init(train: [PreferencePair], test: [PreferencePair]) {
    var record: [String: (wins: Int, pairs: Int)] = [:]
    var posts: Set<String> = []
    for pair in train {
      record[LeakReport.key(pair, pair.chosenID, pair.chosen), default: (0, 0)].wins += 1
      record[LeakReport.key(pair, pair.chosenID, pair.chosen), default: (0, 0)].pairs += 1
      record[LeakReport.key(pair, pair.rejectedID, pair.rejected), default: (0, 0)].pairs += 1
      if let post = pair.post { posts.insert("\(pair.community ?? "")/\(post)") }
    }
    var (one, both, post) = (Tally(), Tally(), Tally())
    var (all, shared) = (Tally(), Tally())
    func rate(_ known: (wins: Int, pairs: Int)?) -> Double {
      known.map { Double($0.wins + 1) / Double($0.pairs + 2) } ?? 0.5
    }
    for pair in test {
      let chosen = record[LeakReport.key(pair, pair.chosenID, pair.chosen)]
      let rejected = record[LeakReport.key(pair, pair.rejectedID, pair.rejected)]
      one.add(chosen != nil || rejected != nil ? 1 : -1)
      both.add(chosen != nil && rejected != nil ? 1 : -1)
      if let name = pair.post { post.add(posts.contains("\(pair.community ?? "")/\(name)") ? 1 : -1) }
      let margin = rate(chosen) - rate(rejected)
      all.add(margin)
      if chosen != nil || rejected != nil { shared.add(margin) }
    }
    (trainPairs, testPairs) = (train.count, test.count)
    (sharedComment, sharedBothComments, sharedPost) = (one.share, both.share, post.share)
    (memory, memoryOfShared) = (all.share, shared.share)
    let earlier = PairRule.earlierWins.accuracy(test)
    (earlierWins, timedPairs) = (earlier?.value, earlier?.count ?? 0)
    longerWins = PairRule.longerWins.accuracy(test)?.value
  }

  /// A comment by its name, else by its text.
  private static func key(_ pair: PreferencePair, _ id: String?, _ text: String) -> String {
    "\(pair.community ?? "")/" + (id.map { "#\($0)" } ?? "=\(text)")
  }

  /// Two aligned columns, a line a finding.
  public var table: String {
    let rows: [(String, String)] = [
      ("training pairs", "\(trainPairs)"), ("test pairs", "\(testPairs)"),
      ("share a comment with training", percent(sharedComment)),
      ("share both comments", percent(sharedBothComments)), ("share a post", percent(sharedPost)),
      ("earlier wins", percent(earlierWins)), ("pairs with times", "\(timedPairs)"),
      ("longer wins", percent(longerWins)), ("memory of comments wins", percent(memory)),
      ("memory, where a comment is shared", percent(memoryOfShared)),
    ]
    let width = rows.map(\.0.count).max() ?? 0
    let values = rows.map(\.1.count).max() ?? 0
    return rows.map { name, value in
      name + String(repeating: " ", count: width - name.count + 2 + values - value.count) + value
    }.joined(separator: "\n")
  }
}

/// `81.3%`, or `-` for what is not known.
private func percent(_ share: Double?) -> String {
  guard let share else { return "-" }
  let tenths = Int((share * 1000).rounded())
  return "\(tenths / 10).\(tenths % 10)%"
}
