/// The events of every user from the oldest to the latest.
public struct Chronology: Sendable {
  private let index: [Int]
  private let offsets: [Int]

  fileprivate init(_ log: InteractionLog) {
    var events = EventIndex(log.user, groups: log.users.count)
    if log.hasTimes { events.sort(by: log.times) }
    index = events.events
    offsets = events.offsets
  }

  /// Places in the log.
  public func events(of user: Int) -> ArraySlice<Int> { index[offsets[user]..<offsets[user + 1]] }

  /// All events, user after user.
  var events: [Int] { index }
  var bounds: [Int] { offsets }
}

extension InteractionLog {
  /// The order of the events of each user: by time, equal times in the order of the file; the order of the file when there
  /// are no times.
  ///
  /// In MovieLens most events share a time with another one of their user, so the last item of a user depends on this rule
  /// (`SequenceSplit.testChecksum` tells two orders apart).
  public func chronology() -> Chronology { Chronology(self) }

  /// The histories of all users in the order of `users`; the id of an item is its place in `items` + 1.
  public func sequences() throws -> ItemSequences {
    let chronology = chronology()
    return try ItemSequences(
      itemCount: items.count, offsets: chronology.bounds, items: chronology.events.map { item[$0] + 1 })
  }
}
