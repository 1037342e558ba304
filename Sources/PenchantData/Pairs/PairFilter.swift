/// Which pairs count, by votes and time. What a pair does not say is not held against it.
public struct PairFilter: Sendable, Codable, Equatable {
  /// Smallest ratio of the votes, `score_ratio` of the Stanford Human Preferences; 1 keeps all.
  public var voteRatio = 1.0
  /// Smallest votes of the text with fewer of them.
  public var votes: Double?
  /// Smallest difference of the votes.
  public var voteDifference = 0.0
  /// Keep a pair only when the chosen text was written no earlier than the other, as the Stanford Human Preferences do:
  /// then the time a text was on show cannot explain its votes.
  public var isTimeControlled = false

  public init() {}

  public func keeps(_ pair: PreferencePair) -> Bool {
    if let ratio = pair.voteRatio, ratio < voteRatio { return false }
    if let chosen = pair.chosenVotes, let rejected = pair.rejectedVotes {
      if chosen - rejected < voteDifference { return false }
      if let votes, min(chosen, rejected) < votes { return false }
    }
    if isTimeControlled, let chosen = pair.chosenTime, let rejected = pair.rejectedTime, chosen < rejected {
      return false
    }
    return true
  }
}
