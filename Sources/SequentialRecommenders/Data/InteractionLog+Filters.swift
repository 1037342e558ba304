import PenchantKernels

/// What happens to events of a user and an item that stand in the log before.
public enum DuplicatePolicy: String, Sendable, Codable, CaseIterable {
  /// Every event stays: people buy and play things again.
  case keep
  /// Of the events of a user with one item the earliest stays.
  case first
  /// Of the events of a user with one item the latest stays.
  case last
  /// An event with the user, item and time of an earlier one goes; without times, one that follows its like at once.
  case identical
}

extension InteractionLog {
  /// Events with at least `minimum` as rating.
  ///
  /// - Throws: `KernelError.value` when the log has no ratings.
  public func rated(atLeast minimum: Double) throws(KernelError) -> InteractionLog {
    guard hasRatings || isEmpty else {
      throw .value("InteractionLog.rated", "the log has no ratings to compare with \(minimum)")
    }
    return selecting((0..<count).filter { Double(ratings[$0]) >= minimum })
  }

  /// Without the events that `policy` calls duplicates. Earlier and later are those of `chronology()`; the order of what
  /// stays is that of the log.
  public func withoutDuplicates(_ policy: DuplicatePolicy) -> InteractionLog {
    guard policy != .keep else { return self }
    let dropped = duplicates(policy)
    return selecting((0..<count).filter { !dropped[$0] })
  }

  /// Which events `policy` drops.
  func duplicates(_ policy: DuplicatePolicy) -> [Bool] {
    var dropped = [Bool](repeating: false, count: count)
    let chronology = chronology()
    /// Where an item stood last in the history of the present user.
    var seen: [Int32: Int] = [:]
    for user in 0..<users.count {
      seen.removeAll(keepingCapacity: true)
      let events = chronology.events(of: user)
      for (place, event) in zip(events.indices, events) {
        let earlier = seen.updateValue(event, forKey: item[event])
        switch policy {
        case .keep: break
        case .first: dropped[event] = earlier != nil
        case .last: if let earlier { dropped[earlier] = true }
        case .identical:
          dropped[event] =
            hasTimes
            ? earlier.map { times[$0] == times[event] } ?? false
            : place > events.startIndex && item[events[place - 1]] == item[event]
        }
      }
    }
    return dropped
  }

  /// The largest part of the log in which every user has at least `users` events and every item at least `items`: what
  /// falls short is taken out until nothing does.
  ///
  /// - Complexity: O(events).
  public func core(users least: Int, items leastItems: Int) -> InteractionLog {
    let byUser = EventIndex(user, groups: users.count)
    let byItem = EventIndex(item, groups: items.count)
    var userDegree = (0..<users.count).map { byUser[$0].count }
    var itemDegree = (0..<items.count).map { byItem[$0].count }
    var gone = [Bool](repeating: false, count: count)
    // Users as their number, items as -1 - theirs; each enters once, when it first falls short.
    var queue = userDegree.indices.filter { userDegree[$0] < least }
    queue += itemDegree.indices.filter { itemDegree[$0] < leastItems }.map { -1 - $0 }
    while let next = queue.popLast() {
      for event in next >= 0 ? byUser[next] : byItem[-1 - next] where !gone[event] {
        gone[event] = true
        let (u, i) = (Int(user[event]), Int(item[event]))
        userDegree[u] -= 1
        itemDegree[i] -= 1
        if next < 0, userDegree[u] == least - 1 { queue.append(u) }
        if next >= 0, itemDegree[i] == leastItems - 1 { queue.append(-1 - i) }
      }
    }
    return selecting((0..<count).filter { !gone[$0] })
  }
}
