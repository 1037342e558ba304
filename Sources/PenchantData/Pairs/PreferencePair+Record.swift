extension PreferencePair {
  static let knownFields = [
    "prompt", "context", "chosen", "rejected", "community", "user", "worker", "annotator", "weight", "margin",
    "chosen_id", "rejected_id", "attributes",
  ]
  private static let needs = "\"chosen\" and \"rejected\", and mostly \"prompt\""

  init(_ record: JSONRecord, keepExtra: Bool) throws(DataError) {
    if record.object["human_ref_A"] != nil || record.object["human_ref_B"] != nil {
      try self.init(stanford: record, keepExtra: keepExtra)
      return
    }
    let texts = try PreferencePair.texts(record)
    self.init(
      prompt: texts.prompt, chosen: texts.chosen, rejected: texts.rejected,
      community: try record.name("community"), user: try record.name("user", "worker", "annotator"),
      weight: try PreferencePair.weight(record), margin: try record.number("margin"),
      chosenID: try record.name("chosen_id"), rejectedID: try record.name("rejected_id"),
      attributes: try PreferencePair.attributes(record),
      extra: keepExtra ? record.object.without(PreferencePair.knownFields) : JSONObject(), line: record.line)
  }

  /// Stanford Human Preferences: `history`, two comments, `labels` = 1 when the first is preferred.
  private init(stanford record: JSONRecord, keepExtra: Bool) throws(DataError) {
    let known = [
      "history", "human_ref_A", "human_ref_B", "labels", "domain", "post_id", "c_root_id_A", "c_root_id_B",
    ]
    let needs = quotedList(known.prefix(4))
    func text(_ name: String) throws(DataError) -> String {
      guard let (_, value) = record.field(name) else {
        throw record.missing(name, needs: needs, known: known)
      }
      guard let text = value.string else { throw record.wrong(name, value, expected: "a string") }
      return text
    }
    let (a, b) = (try text("human_ref_A"), try text("human_ref_B"))
    guard let (_, label) = record.field("labels") else {
      throw record.missing("labels", needs: needs, known: known)
    }
    guard let winner = label.integer, winner == 0 || winner == 1 else {
      throw record.wrong("labels", label, expected: "1 when human_ref_A is preferred, else 0")
    }
    // The file says `askculinary_train` where the forum is meant.
    var community = try record.name("domain")
    for suffix in ["_train", "_validation", "_test"] where community?.hasSuffix(suffix) == true {
      community?.removeLast(suffix.count)
    }
    let ids = (try record.name("c_root_id_A"), try record.name("c_root_id_B"))
    self.init(
      prompt: try text("history"), chosen: winner == 1 ? a : b, rejected: winner == 1 ? b : a,
      community: community,
      chosenID: winner == 1 ? ids.0 : ids.1, rejectedID: winner == 1 ? ids.1 : ids.0,
      extra: keepExtra ? record.object.without(known) : JSONObject(), line: record.line)
  }

  private static func weight(_ record: JSONRecord) throws(DataError) -> Double {
    guard let weight = try record.number("weight") else { return 1 }
    guard weight >= 0 else { throw record.wrong("weight", .number(weight), expected: "0 or more") }
    return weight
  }

  private static func attributes(_ record: JSONRecord) throws(DataError) -> [String: Double] {
    guard let (_, value) = record.field("attributes") else { return [:] }
    guard let object = value.object else {
      throw record.wrong("attributes", value, expected: "an object of names and numbers")
    }
    var attributes: [String: Double] = [:]
    for (key, value) in zip(object.keys, object.values) where value != .null {
      guard let number = value.number else {
        throw record.wrong("attributes.\(clipped(key, 40))", value, expected: "a number")
      }
      attributes[key] = number
    }
    return attributes
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
