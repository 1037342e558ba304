/// Two rewrites of one text of which one shows more of an attribute; places of records and levels.
public struct CounterfactualPair: Sendable, Hashable, Codable {
  /// Place of the record in its set.
  public var record: Int
  /// Place of the attribute in its list.
  public var attribute: Int
  public var low: Int
  public var high: Int

  public var gap: Int { high - low }
}
