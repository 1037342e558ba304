/// A judgement: in answer to `prompt`, `chosen` was preferred to `rejected`.
public struct PreferencePair: Sendable, Hashable {
  /// What both texts answer; empty when the record has none.
  public var prompt: String
  public var chosen: String
  public var rejected: String
  /// The group whose taste the judgement shows.
  public var community: String?
  /// Who judged.
  public var user: String?
  /// The post that both texts answer: pairs of one post are not independent, and leave together.
  public var post: String?
  /// How much the pair counts, 0 or more.
  public var weight: Double
  /// By how much `chosen` is better, in the unit of the data set.
  public var margin: Double?
  public var chosenID: String?
  public var rejectedID: String?
  /// When the texts were written, in seconds since 1970 (UTC).
  public var chosenTime: Double?
  public var rejectedTime: Double?
  /// Net votes for the texts; may be negative.
  public var chosenVotes: Double?
  public var rejectedVotes: Double?
  /// Named scores of the record, for instance `formality`.
  public var attributes: [String: Double]
  /// Named scores of the two texts, for instance `helpfulness`.
  public var chosenAttributes: [String: Double]
  public var rejectedAttributes: [String: Double]
  /// The fields that have no meaning here, kept when the reader was asked to.
  public var extra: JSONObject
  /// The line of the file that the record came from; 0 when it did not come from one.
  public var line: Int

  public init(
    prompt: String = "", chosen: String, rejected: String, community: String? = nil, user: String? = nil,
    post: String? = nil, weight: Double = 1, margin: Double? = nil, chosenID: String? = nil,
    rejectedID: String? = nil, chosenTime: Double? = nil, rejectedTime: Double? = nil,
    chosenVotes: Double? = nil, rejectedVotes: Double? = nil, attributes: [String: Double] = [:],
    chosenAttributes: [String: Double] = [:], rejectedAttributes: [String: Double] = [:],
    extra: JSONObject = JSONObject(), line: Int = 0
  ) {
    self.prompt = prompt
    self.chosen = chosen
    self.rejected = rejected
    self.community = community
    self.user = user
    self.post = post
    self.weight = weight
    self.margin = margin
    self.chosenID = chosenID
    self.rejectedID = rejectedID
    self.chosenTime = chosenTime
    self.rejectedTime = rejectedTime
    self.chosenVotes = chosenVotes
    self.rejectedVotes = rejectedVotes
    self.attributes = attributes
    self.chosenAttributes = chosenAttributes
    self.rejectedAttributes = rejectedAttributes
    self.extra = extra
    self.line = line
  }
}

extension PreferencePair {
  /// The record as it is written to a file; `line` is left out.
  public var json: JSONValue {
    var object = JSONObject([
      "prompt": .string(prompt), "chosen": .string(chosen), "rejected": .string(rejected),
    ])
    if let community { object["community"] = .string(community) }
    if let user { object["user"] = .string(user) }
    if let post { object["post_id"] = .string(post) }
    if weight != 1 { object["weight"] = .number(weight) }
    for (name, value) in [
      ("margin", margin), ("chosen_time", chosenTime), ("rejected_time", rejectedTime),
      ("chosen_votes", chosenVotes), ("rejected_votes", rejectedVotes),
    ] {
      if let value { object[name] = .shortest(value) }
    }
    if let chosenID { object["chosen_id"] = .string(chosenID) }
    if let rejectedID { object["rejected_id"] = .string(rejectedID) }
    for (name, scores) in [
      ("attributes", attributes), ("chosen_attributes", chosenAttributes),
      ("rejected_attributes", rejectedAttributes),
    ] where !scores.isEmpty {
      var values = JSONObject()
      for key in scores.keys.sorted() { values[key] = scores[key].map(JSONValue.number) }
      object[name] = .object(values)
    }
    for (key, value) in zip(extra.keys, extra.values) where object[key] == nil { object[key] = value }
    return .object(object)
  }

  /// Votes of the chosen text over those of the other: `score_ratio` of the Stanford Human Preferences. `nil` unless
  /// both are known and the smaller is positive.
  public var voteRatio: Double? {
    guard let chosenVotes, let rejectedVotes, rejectedVotes > 0 else { return nil }
    return chosenVotes / rejectedVotes
  }
}

extension JSONValue {
  /// A whole number without a point where it is one.
  static func shortest(_ value: Double) -> JSONValue {
    Int(exactly: value).map(JSONValue.integer) ?? .number(value)
  }
}
