/// The candidate that is most like `word`, when one is near enough to be a slip: at most a third of the letters (and at
/// least one) inserted, dropped, changed or swapped with their neighbour.
public func nearest(to word: String, among candidates: some Sequence<String>) -> String? {
  let limit = max(1, word.count / 3)
  return candidates.map { (distance: editDistance(word.lowercased(), $0.lowercased()), word: $0) }
    .filter { $0.distance <= limit || (word.count > 2 && $0.word.lowercased().hasPrefix(word.lowercased())) }
    .min { ($0.distance, $0.word) < ($1.distance, $1.word) }?.word
}

/// Optimal string alignment distance.
func editDistance(_ a: String, _ b: String) -> Int {
  let a = Array(a), b = Array(b)
  var older: [Int] = []
  var previous = Array(0...b.count)
  for i in 0..<a.count {
    var row = [i + 1]
    for j in 0..<b.count {
      var best = min(row[j] + 1, previous[j + 1] + 1, previous[j] + (a[i] == b[j] ? 0 : 1))
      if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { best = min(best, older[j - 1] + 1) }
      row.append(best)
    }
    older = previous
    previous = row
  }
  return previous[b.count]
}
