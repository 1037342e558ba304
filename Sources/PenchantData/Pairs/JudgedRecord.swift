/// A line about a judgement with what a model says of it: log-probabilities, a reward margin, or two texts.
public struct JudgedRecord: Sendable, Hashable {
  /// All fields, as they were read.
  public var fields: JSONObject
  public var line: Int
  /// What names the two sides: `chosen_id` and `rejected_id`, else prompt and text. Empty: the line has no texts.
  public var chosen = ""
  public var rejected = ""
  /// Sums of the log-probabilities of the tokens, under the policy.
  public var policy: Sides?
  /// The same under the reference.
  public var reference: Sides?
  /// Tokens of the two responses; characters where only texts are there.
  public var lengths: Sides?
  /// A reward of the chosen response over that of the rejected.
  public var margin: Double?
  public var annotator: String?
  /// How much the pair counts, 0 or more.
  public var weight = 1.0
  /// Whether the label is known to be right.
  public var gold: Bool?

  /// A number of the chosen side, and one of the rejected.
  public struct Sides: Sendable, Hashable {
    public var chosen: Double
    public var rejected: Double
    public init(chosen: Double, rejected: Double) {
      self.chosen = chosen
      self.rejected = rejected
    }
  }

  static let knownFields = [
    "prompt", "context", "chosen", "rejected", "chosen_id", "rejected_id", "policy_chosen_logps",
    "policy_rejected_logps", "chosen_logps", "rejected_logps", "ref_chosen_logps", "ref_rejected_logps",
    "reference_chosen_logps", "reference_rejected_logps", "chosen_len", "rejected_len", "margin", "annotator",
    "worker", "user", "weight", "gold", "id",
  ]

  init(_ record: JSONRecord) throws(DataError) {
    fields = record.object
    line = record.line
    policy = try Self.sides(
      record, ["policy_chosen_logps", "chosen_logps"], ["policy_rejected_logps", "rejected_logps"])
    reference = try Self.sides(
      record, ["ref_chosen_logps", "reference_chosen_logps"],
      ["ref_rejected_logps", "reference_rejected_logps"])
    lengths = try Self.sides(
      record, ["chosen_len", "chosen_length"], ["rejected_len", "rejected_length"], count: true)
    margin = try record.number("margin")
    annotator = try record.name("annotator", "worker", "user")
    if let weight = try record.number("weight") {
      guard weight >= 0 else { throw record.wrong("weight", .number(weight), expected: "0 or more") }
      self.weight = weight
    }
    let hasTexts = record.field("chosen") != nil || record.field("rejected") != nil
    guard policy != nil || margin != nil || hasTexts else {
      throw DataError(
        file: record.file, line: record.line, "there is nothing to learn from in this record",
        expected: "policy_chosen_logps and policy_rejected_logps, or margin, or chosen and rejected",
        found: "this one has \(quotedList(record.object.keys))", repair: "see: penchant help data")
    }
    if reference != nil, policy == nil {
      throw record.missing(
        "policy_chosen_logps", needs: "the log-probabilities of the policy beside those of the reference",
        known: Self.knownFields)
    }
    if hasTexts {
      let pair = try PreferencePair(record, keepExtra: false)
      func key(_ id: String?, _ text: String) -> String {
        id ?? (pair.prompt.isEmpty ? text : pair.prompt + "\n\n" + text)
      }
      chosen = key(pair.chosenID, pair.chosen)
      rejected = key(pair.rejectedID, pair.rejected)
      if lengths == nil, policy == nil, margin == nil {
        lengths = Sides(
          chosen: Double(pair.chosen.unicodeScalars.count),
          rejected: Double(pair.rejected.unicodeScalars.count))
      }
    }
    gold = try readGold(record)
  }

  /// Both sides of something, or neither.
  private static func sides(
    _ record: JSONRecord, _ chosen: [String], _ rejected: [String], count: Bool = false
  ) throws(DataError) -> Sides? {
    func value(_ names: [String]) throws(DataError) -> Double? {
      for name in names {
        guard let (_, value) = record.field(name) else { continue }
        guard let number = value.number else {
          throw record.wrong(name, value, expected: count ? "a number of tokens" : "a finite number")
        }
        if count, !(number >= 0 && number <= 4e9 && number == number.rounded()) {
          throw record.wrong(name, value, expected: "a whole number, 0 or more")
        }
        guard Float(number).isFinite else {
          throw record.wrong(name, value, expected: "a number that a 32-bit float holds")
        }
        return number
      }
      return nil
    }
    switch (try value(chosen), try value(rejected)) {
    case (let a?, let b?): return Sides(chosen: a, rejected: b)
    case (nil, nil): return nil
    case (nil, _):
      throw record.missing(chosen[0], needs: "\(quotedList([chosen[0], rejected[0]]))", known: knownFields)
    case (_, nil):
      throw record.missing(rejected[0], needs: "\(quotedList([chosen[0], rejected[0]]))", known: knownFields)
    }
  }

  /// True or false, or the id of the side that is better in truth.
  private func readGold(_ record: JSONRecord) throws(DataError) -> Bool? {
    guard let (_, value) = record.field("gold") else { return nil }
    if let bool = value.bool { return bool }
    guard let name = try record.name("gold") else { return nil }
    if name == chosen, !chosen.isEmpty { return true }
    if name == rejected, !rejected.isEmpty { return false }
    throw record.wrong(
      "gold", value, expected: "true when the label is right, or the chosen_id or rejected_id")
  }
}

/// Judgements of a JSON lines file, one after the other; blank lines are passed over.
///
/// ```swift
/// let records = try JudgedReader("pairs-with-logps.jsonl").records()
/// ```
public struct JudgedReader: ~Copyable {
  private var lines: LineReader
  /// Votes of the line that was read last, the next one last.
  private var votes: [JSONRecord] = []

  /// Opens a file, plain or packed; `-` is standard input.
  public init(_ path: String) throws(DataError) { lines = try LineReader(path) }

  /// Reads bytes in memory.
  public init(bytes: [UInt8], name: String = "memory") { lines = LineReader(bytes: bytes, name: name) }

  public var name: String { lines.name }
  /// The number of the line that was read last, counted from 1.
  public var line: Int { lines.number }

  /// The next record, or `nil` after the last. After an error the reader stands at the next line.
  public mutating func next() throws(DataError) -> JudgedRecord? {
    do throws(DataError) {
      guard let record = try lines.nextVote(&votes) else { return nil }
      return try JudgedRecord(record)
    } catch {
      throw lines.withLine { Self.explained(error, $0) }
    }
  }

  /// Some programs write NaN and Infinity, which JSON does not have: say what such a log-probability means.
  private static func explained(_ error: DataError, _ bytes: Span<UInt8>) -> DataError {
    guard error.problem.hasPrefix("this is not JSON") else { return error }
    let text = bytes.withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
    guard let bad = ["NaN", "-Infinity", "Infinity"].first(where: { text.contains($0) }) else { return error }
    var error = error
    error.problem = "\(bad) is not a number that JSON has"
    error.expected = "finite log-probabilities and margins"
    error.repair =
      "the model that computed it overflowed: compute it again in 32 bits, or leave the pair out"
    return error
  }

  /// All records that are left.
  ///
  /// - Throws: the first error, and an error when the file holds no record.
  public consuming func records() throws(DataError) -> [JudgedRecord] {
    var all: [JudgedRecord] = []
    while let record = try next() { all.append(record) }
    guard !all.isEmpty else {
      throw noRecords(lines.name, bytes: lines.bytesRead, needs: "one JSON object a line")
    }
    return all
  }
}
