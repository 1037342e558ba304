import PenchantData
import PenchantLanguage

/// The file of a synthesis: JSON lines in the form of the paper's release, a record a text. While a synthesis
/// runs, a line is added for every rewrite; `consolidate` makes one line a text of them.
///
/// ```json
/// {"id": "t1_x", "post_title": "…", "post_body": "…", "original": "…", "teacher": "rules", "usage": {…},
///  "rewrite": {"formality": {"1": "…", "5": "…"}}, "refused": {"formality": {"2": {"reason": "refused", "detail": "…"}}}}
/// ```
final class SynthesisStore {
  typealias Outcome = Result<String, RewriteFailure>

  /// What is known of one text.
  struct Entry {
    /// The fields of its record that say which text it is.
    var head = JSONObject()
    var outcomes: [String: [Int: Outcome]] = [:]
    var usage = Usage()
  }

  let path: String
  private let teacher: String
  private let log: AppendLog
  private var entries: [String: Entry] = [:]
  /// Identifiers in the order of the file.
  private var ids: [String] = []

  /// Opens the file, or makes it, with what it holds.
  ///
  /// - Throws: `DataError` for a file that is something else, or that another teacher wrote.
  init(_ path: String, teacher: String, durable: Bool, warn: (String) -> Void) throws(DataError) {
    self.path = path
    self.teacher = teacher
    var entries: [String: Entry] = [:]
    var ids: [String] = []
    log = try AppendLog(path, durable: durable, warn: warn) { (text, line) throws(DataError) in
      let (id, entry) = try SynthesisStore.read(text, line, path, teacher)
      if entries[id] == nil { ids.append(id) }
      SynthesisStore.merge(entry, into: &entries[id, default: Entry(head: entry.head)])
    }
    self.entries = entries
    self.ids = ids
  }

  func outcome(_ id: String, _ attribute: String, _ level: Int) -> Outcome? {
    entries[id]?.outcomes[attribute]?[level]
  }

  /// Throws `DataError` when an identifier stands for another text in the file: its rewrites would be mixed up.
  func check(_ texts: [SourceText]) throws(DataError) {
    for text in texts {
      guard let known = entries[text.id]?.head["original"]?.string, known != text.text else { continue }
      throw DataError(
        file: path, field: "original", "the text \"\(text.id)\" is not the one that was rewritten before",
        expected: "expected \"\(known.prefix(60))\"", found: "found \"\(text.text.prefix(60))\"",
        repair: "pass the same --data, or choose another --out")
    }
  }

  /// Keeps an outcome, on file first.
  func keep(_ outcome: Outcome, of text: SourceText, _ attribute: String, _ level: Int, usage: Usage)
    throws(DataError)
  {
    let head = SynthesisStore.head(text)
    let one = Entry(head: head, outcomes: [attribute: [level: outcome]], usage: usage)
    try log.append(SynthesisStore.line(one, order: [attribute], teacher))
    SynthesisStore.merge(one, into: &entries[text.id, default: Entry(head: head)])
  }

  /// Writes the file anew: one line a text that has anything, in the order of `texts` and `attributes`, so
  /// that the bytes do not depend on which rewrite was ready first. Texts and attributes that were not asked
  /// for this time are kept behind.
  func consolidate(_ texts: [SourceText], _ attributes: [String]) throws(DataError) {
    let wanted = Set(texts.map(\.id))
    var bytes: [UInt8] = []
    for id in texts.map(\.id) + ids.filter({ !wanted.contains($0) }) {
      guard let entry = entries[id] else { continue }
      let others = entry.outcomes.keys.filter { !attributes.contains($0) }.sorted()
      bytes += Array(SynthesisStore.line(entry, order: attributes + others, teacher).description.utf8)
      bytes.append(UInt8(ascii: "\n"))
    }
    try AtomicFile.write(bytes, to: path)
  }

  // MARK: - Lines

  private static func merge(_ new: Entry, into entry: inout Entry) {
    for (attribute, levels) in new.outcomes { entry.outcomes[attribute, default: [:]].merge(levels) { $1 } }
    entry.usage += new.usage
  }

  private static func head(_ text: SourceText) -> JSONObject {
    let title = text.context.prefix { $0 != "\n" }
    let body = text.context.dropFirst(title.count + 1)
    return JSONObject([
      "id": .string(text.id), "community": .string(text.community), "post_title": .string(String(title)),
      "post_body": .string(String(body)), "original": .string(text.text),
    ])
  }

  private static func line(_ entry: Entry, order: [String], _ teacher: String) -> JSONValue {
    var line = entry.head
    line["teacher"] = .string(teacher)
    line["usage"] = [
      "prompt_tokens": .integer(entry.usage.promptTokens), "total_tokens": .integer(entry.usage.totalTokens),
      "completion_tokens": .integer(entry.usage.completionTokens),
    ]
    var rewrites = JSONObject()
    var refusals = JSONObject()
    for attribute in order {
      var good = JSONObject()
      var bad = JSONObject()
      for (level, outcome) in (entry.outcomes[attribute] ?? [:]).sorted(by: { $0.key < $1.key }) {
        switch outcome {
        case .success(let rewrite): good[String(level)] = .string(rewrite)
        case .failure(let failure):
          bad[String(level)] = ["reason": .string(failure.reason), "detail": .string(failure.detail)]
        }
      }
      if !good.isEmpty { rewrites[attribute] = .object(good) }
      if !bad.isEmpty { refusals[attribute] = .object(bad) }
    }
    line["rewrite"] = .object(rewrites)
    if !refusals.isEmpty { line["refused"] = .object(refusals) }
    return .object(line)
  }

  private static func read(
    _ text: String, _ number: Int, _ path: String, _ teacher: String
  ) throws(DataError) -> (id: String, entry: Entry) {
    let value: JSONValue
    do { value = try JSONValue(parsing: text) } catch {
      throw DataError(
        file: path, line: number, byte: error.byte, "this is not JSON: \(error.problem)",
        expected: "expected counterfactuals of an earlier run, one record a line",
        repair: "choose another --out")
    }
    guard let object = value.object, let id = object["id"]?.string, let rewrites = object["rewrite"]?.object
    else {
      throw DataError(
        file: path, line: number, "this is not a record of counterfactuals",
        expected: "expected \"id\" and \"rewrite\"",
        repair: "choose another --out: a file that holds something else is not written to")
    }
    if let other = object["teacher"]?.string, other != teacher {
      throw DataError(
        file: path, line: number, field: "teacher", "these rewrites were made by another teacher",
        expected: "expected \(teacher)", found: "found \(other)",
        repair: "choose another --out, so that models trained on it can say who taught them")
    }
    var entry = Entry()
    for (key, value) in zip(object.keys, object.values)
    where !["teacher", "usage", "rewrite", "refused"].contains(key) { entry.head[key] = value }
    for (attribute, levels) in zip(rewrites.keys, rewrites.values) {
      for (level, rewrite) in try SynthesisStore.levels(levels, path, number, "rewrite.\(attribute)") {
        guard let rewrite = rewrite.string else { continue }
        entry.outcomes[attribute, default: [:]][level] = .success(rewrite)
      }
    }
    if let refusals = object["refused"]?.object {
      for (attribute, levels) in zip(refusals.keys, refusals.values) {
        for (level, refusal) in try SynthesisStore.levels(levels, path, number, "refused.\(attribute)") {
          entry.outcomes[attribute, default: [:]][level] = .failure(
            RewriteFailure(
              refusal.object?["reason"]?.string ?? "refused", refusal.object?["detail"]?.string ?? ""))
        }
      }
    }
    let usage = object["usage"]?.object
    entry.usage = Usage(
      promptTokens: max(0, usage?["prompt_tokens"]?.integer ?? 0),
      completionTokens: max(0, usage?["completion_tokens"]?.integer ?? 0))
    return (id, entry)
  }

  private static func levels(
    _ value: JSONValue, _ path: String, _ line: Int, _ field: String
  ) throws(DataError) -> [(Int, JSONValue)] {
    guard let object = value.object else {
      throw DataError(
        file: path, line: line, field: field, "\"\(field)\" is \(value.kind)",
        expected: "expected an object of levels, \"1\" to \"5\"", repair: "choose another --out")
    }
    var levels: [(Int, JSONValue)] = []
    for (key, value) in zip(object.keys, object.values) {
      guard let level = Int(key), Attribute.levelRange.contains(level) else {
        throw DataError(
          file: path, line: line, field: field, "\"\(key)\" is not a level",
          expected: "expected \"1\" to \"5\"",
          repair: "choose another --out")
      }
      levels.append((level, value))
    }
    return levels
  }
}
