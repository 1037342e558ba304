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
  /// How much the pair counts, 0 or more.
  public var weight: Double
  /// By how much `chosen` is better, in the unit of the data set.
  public var margin: Double?
  public var chosenID: String?
  public var rejectedID: String?
  /// Named scores of the record, for instance `formality`.
  public var attributes: [String: Double]
  /// The fields that have no meaning here, kept when the reader was asked to.
  public var extra: JSONObject
  /// The line of the file that the record came from; 0 when it did not come from one.
  public var line: Int

  public init(
    prompt: String = "", chosen: String, rejected: String, community: String? = nil, user: String? = nil,
    weight: Double = 1, margin: Double? = nil, chosenID: String? = nil, rejectedID: String? = nil,
    attributes: [String: Double] = [:], extra: JSONObject = JSONObject(), line: Int = 0
  ) {
    self.prompt = prompt
    self.chosen = chosen
    self.rejected = rejected
    self.community = community
    self.user = user
    self.weight = weight
    self.margin = margin
    self.chosenID = chosenID
    self.rejectedID = rejectedID
    self.attributes = attributes
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
    if weight != 1 { object["weight"] = .number(weight) }
    if let margin { object["margin"] = .number(margin) }
    if let chosenID { object["chosen_id"] = .string(chosenID) }
    if let rejectedID { object["rejected_id"] = .string(rejectedID) }
    if !attributes.isEmpty {
      var scores = JSONObject()
      for key in attributes.keys.sorted() { scores[key] = attributes[key].map(JSONValue.number) }
      object["attributes"] = .object(scores)
    }
    for (key, value) in zip(extra.keys, extra.values) where object[key] == nil { object[key] = value }
    return .object(object)
  }
}
