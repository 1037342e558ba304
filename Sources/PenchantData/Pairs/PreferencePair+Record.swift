extension PreferencePair {
  static let knownFields = [
    "prompt", "context", "chosen", "rejected", "community", "subreddit", "user", "worker", "annotator",
    "post_id",
    "weight", "margin", "chosen_id", "rejected_id", "attributes", "chosen_attributes", "rejected_attributes",
  ]
  /// Names under which other data sets keep something else than a number: taken when it is one.
  private static let measures = [
    "chosen_time", "rejected_time", "chosen_votes", "chosen_score", "chosen_upvote", "rejected_votes",
    "rejected_score", "rejected_upvote",
  ]
  private static let needs = "\"chosen\" and \"rejected\", and mostly \"prompt\""

  init(_ record: JSONRecord, keepExtra: Bool) throws(DataError) {
    if record.object["human_ref_A"] != nil || record.object["human_ref_B"] != nil {
      try self.init(stanford: record, keepExtra: keepExtra)
      return
    }
    let texts = try PreferencePair.texts(record)
    let ids = PreferencePair.identifiers(record)
    func measure(_ names: String...) -> Double? { names.lazy.compactMap { record.object[$0]?.number }.first }
    let used =
      PreferencePair.knownFields + PreferencePair.measures.filter { record.object[$0]?.number != nil }
    self.init(
      prompt: texts.prompt, chosen: texts.chosen, rejected: texts.rejected,
      community: try record.name("community", "subreddit"),
      user: try record.name("user", "worker", "annotator"), post: try record.name("post_id") ?? ids?.post,
      weight: try PreferencePair.weight(record), margin: try record.number("margin"),
      chosenID: try record.name("chosen_id") ?? ids?.chosen,
      rejectedID: try record.name("rejected_id") ?? ids?.rejected,
      chosenTime: measure("chosen_time"), rejectedTime: measure("rejected_time"),
      chosenVotes: measure("chosen_votes", "chosen_score", "chosen_upvote"),
      rejectedVotes: measure("rejected_votes", "rejected_score", "rejected_upvote"),
      attributes: try PreferencePair.scores(record, "attributes"),
      chosenAttributes: try PreferencePair.scores(record, "chosen_attributes"),
      rejectedAttributes: try PreferencePair.scores(record, "rejected_attributes"),
      extra: keepExtra ? record.object.without(used) : JSONObject(), line: record.line)
  }

  /// Post and comments of a record that has only the `id` of the PrefPalette release,
  /// `{subreddit}-{post}-{chosen}-{rejected}`.
  private static func identifiers(_ record: JSONRecord) -> (post: String, chosen: String, rejected: String)? {
    guard let subreddit = record.object["subreddit"]?.string, let id = record.object["id"]?.string,
      id.hasPrefix(subreddit + "-")
    else { return nil }
    let parts = id.dropFirst(subreddit.count + 1).split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 3, parts.allSatisfy({ !$0.isEmpty }) else { return nil }
    return (String(parts[0]), String(parts[1]), String(parts[2]))
  }

  private static func weight(_ record: JSONRecord) throws(DataError) -> Double {
    guard let weight = try record.number("weight") else { return 1 }
    guard weight >= 0 else { throw record.wrong("weight", .number(weight), expected: "0 or more") }
    return weight
  }

  private static func scores(_ record: JSONRecord, _ field: String) throws(DataError) -> [String: Double] {
    guard let (_, value) = record.field(field) else { return [:] }
    guard let object = value.object else {
      throw record.wrong(field, value, expected: "an object of names and numbers")
    }
    var scores: [String: Double] = [:]
    for (key, value) in zip(object.keys, object.values) where value != .null {
      guard let number = value.number else {
        throw record.wrong("\(field).\(clipped(key, 40))", value, expected: "a number")
      }
      scores[key] = number
    }
    return scores
  }

  // MARK: - Texts

  private enum Side {
    case text(String)
    case messages([Message])
  }

  private static func texts(_ record: JSONRecord) throws(DataError) -> (
    prompt: String, chosen: String, rejected: String
  ) {
    let chosen = try side(record, "chosen")
    let rejected = try side(record, "rejected")
    let prompt = try record.field("prompt", "context").map { (field) throws(DataError) in
      try side(record, field.name, field.value)
    }
    switch (chosen, rejected) {
    case (.text(let a), .text(let b)):
      if let prompt { return (transcript(prompt), a, b) }
      let shared = sharedDialogue(a, b)
      return (
        String(a.utf8.prefix(shared)) ?? "", String(a.utf8.dropFirst(shared)) ?? a,
        String(b.utf8.dropFirst(shared)) ?? b
      )
    case (.messages(let a), .messages(let b)):
      if let prompt { return (transcript(prompt), a.transcript, b.transcript) }
      // TRL's implicit prompt: the messages that both sides start with. At least one is left on each side.
      var shared = 0
      while shared + 1 < min(a.count, b.count), a[shared] == b[shared] { shared += 1 }
      return (a.prefix(shared).transcript, a.dropFirst(shared).transcript, b.dropFirst(shared).transcript)
    case (.text, .messages), (.messages, .text):
      throw DataError(
        file: record.file, line: record.line, field: "rejected",
        "\"chosen\" and \"rejected\" are of different kinds",
        expected: "both are strings, or both are message lists",
        found:
          "\"chosen\" is \(record.object["chosen"]?.kind ?? "missing"), \"rejected\" is \(record.object["rejected"]?.kind ?? "missing")",
        repair: "see: penchant help data")
    }
  }

  private static func transcript(_ side: Side) -> String {
    switch side {
    case .text(let text): text
    case .messages(let messages): messages.transcript
    }
  }

  private static func side(_ record: JSONRecord, _ name: String) throws(DataError) -> Side {
    guard let (_, value) = record.field(name) else {
      throw record.missing(name, needs: needs, known: knownFields)
    }
    return try side(record, name, value)
  }

  private static func side(_ record: JSONRecord, _ name: String, _ value: JSONValue) throws(DataError) -> Side
  {
    switch value {
    case .string(let text): return .text(text)
    case .array(let list):
      guard !list.isEmpty else {
        throw record.wrong(name, value, expected: "a string or a list with a message in it")
      }
      var messages: [Message] = []
      for item in list {
        guard let role = item.object?["role"]?.string, let content = content(item.object?["content"]) else {
          throw record.wrong(name, item, expected: "a string or a list of {\"role\": …, \"content\": …}")
        }
        messages.append(Message(role: role, content: content))
      }
      return .messages(messages)
    default: throw record.wrong(name, value, expected: "a string or a list of messages")
    }
  }

  /// A string, or the text parts of the newer form `[{"type": "text", "text": …}]`.
  private static func content(_ value: JSONValue?) -> String? {
    if let text = value?.string { return text }
    guard let parts = value?.array else { return nil }
    var text = ""
    for part in parts {
      guard part.object?["type"]?.string == "text", let piece = part.object?["text"]?.string else {
        return nil
      }
      text += piece
    }
    return text
  }

  /// Bytes of the dialogue that both texts start with, up to the last shared `\n\nAssistant:`; 0 when there is none.
  private static func sharedDialogue(_ a: String, _ b: String) -> Int {
    let marker = Array("\n\nAssistant:".utf8)
    let shared = Array(zip(a.utf8, b.utf8).prefix { $0 == $1 }.map(\.0))
    guard shared.count >= marker.count else { return 0 }
    for end in stride(from: shared.count, through: marker.count, by: -1)
    where shared[end - marker.count..<end].elementsEqual(marker) {
      return end
    }
    return 0
  }
}

extension JSONObject {
  func without(_ names: [String]) -> JSONObject {
    var rest = JSONObject()
    for (key, value) in zip(keys, values) where !names.contains(key) { rest.append(key, value) }
    return rest
  }
}
