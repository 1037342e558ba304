/// The events of each group (of each user, or of each item), in the order of the log.
struct EventIndex {
  /// `events[offsets[g]..<offsets[g + 1]]` belong to group g.
  private(set) var offsets: [Int]
  private(set) var events: [Int]

  /// - Parameter group: one an event, below `groups`.
  init(_ group: [Int32], groups: Int) {
    offsets = [Int](repeating: 0, count: groups + 1)
    for g in group { offsets[Int(g) + 1] += 1 }
    for g in 0..<groups { offsets[g + 1] += offsets[g] }
    var next = offsets
    events = [Int](repeating: 0, count: group.count)
    for (event, g) in group.enumerated() {
      events[next[Int(g)]] = event
      next[Int(g)] += 1
    }
  }

  subscript(group: Int) -> ArraySlice<Int> { events[offsets[group]..<offsets[group + 1]] }

  /// Sorts the events of every group by `times`, equal times in the order of the log.
  mutating func sort(by times: [Double]) {
    for g in 0..<offsets.count - 1 {
      let range = offsets[g]..<offsets[g + 1]
      // Most logs are in order already.
      guard zip(events[range], events[range].dropFirst()).contains(where: { times[$0] > times[$1] }) else {
        continue
      }
      events[range].sort { (times[$0], $0) < (times[$1], $1) }
    }
  }
}
