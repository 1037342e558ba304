import PenchantData

/// A line about an answer of a policy: the reward of a reward model, and those of reference answers to the
/// same prompt.
public struct ScoredAnswer: Sendable, Hashable {
  public var line: Int
  /// What the line calls itself.
  public var id: String?
  public var reward: Float
  /// `references`, or `sample_rewards`; empty when the line has none.
  public var references: [Float]
  /// `prompt_id`: whose references a table holds.
  public var prompt: String?
  /// Tokens of the answer.
  public var length: UInt32?

  static let knownFields = [
    "reward", "references", "reference_rewards", "sample_rewards", "prompt_id", "length", "id", "prompt",
    "response",
  ]

  init(_ record: JSONRecord) throws(DataError) {
    line = record.line
    id = try record.name("id")
    prompt = try record.name("prompt_id")
    guard let (_, value) = record.field("reward") else {
      throw record.missing("reward", needs: "\"reward\", a number", known: Self.knownFields)
    }
    reward = try Self.float(value, "reward", record)
    references = try Self.rewards(record)
    if let (_, value) = record.field("length") {
      guard let count = value.number, count >= 0, count < 4e9, count == count.rounded() else {
        throw record.wrong("length", value, expected: "a whole number of tokens, 0 or more")
      }
      length = UInt32(count)
    }
  }

  /// A line of a table of references: `prompt_id` and the rewards.
  static func table(_ record: JSONRecord) throws(DataError) -> (prompt: String, rewards: [Float]) {
    guard let prompt = try record.name("prompt_id", "id") else {
      throw record.missing("prompt_id", needs: "\"prompt_id\" and \"references\"", known: knownFields)
    }
    let found = try rewards(record)
    guard !found.isEmpty else {
      throw record.missing("references", needs: "\"references\", a list of rewards", known: knownFields)
    }
    return (prompt, found)
  }

  private static func rewards(_ record: JSONRecord) throws(DataError) -> [Float] {
    guard let (name, value) = record.field("references", "reference_rewards", "sample_rewards") else {
      return []
    }
    // One number is one reference.
    guard let list = value.array ?? (value.number == nil ? nil : [value]), !list.isEmpty else {
      throw record.wrong(name, value, expected: "a list of rewards, one at least")
    }
    var found: [Float] = []
    found.reserveCapacity(list.count)
    for entry in list { found.append(try float(entry, name, record)) }
    return found
  }

  private static func float(_ value: JSONValue, _ name: String, _ record: JSONRecord) throws(DataError)
    -> Float
  {
    guard let number = value.number, Float(number).isFinite else {
      throw record.wrong(name, value, expected: "a finite number that a 32-bit float holds")
    }
    return Float(number)
  }
}

/// A stream of scored answers, one JSON object a line; blank lines are passed over.
public struct ScoredReader: ~Copyable {
  private var lines: LineReader

  /// Opens a file, plain or packed; `-` is standard input.
  public init(_ path: String) throws(DataError) { lines = try LineReader(path) }

  /// Reads bytes in memory.
  public init(bytes: [UInt8], name: String = "memory") { lines = LineReader(bytes: bytes, name: name) }

  /// The next answer, or `nil` after the last.
  public mutating func next() throws(DataError) -> ScoredAnswer? {
    try record { (record) throws(DataError) in try ScoredAnswer(record) }
  }

  /// The rows of a table of references that are left, by prompt.
  public mutating func table() throws(DataError) -> [String: [Float]] {
    var rows: [String: [Float]] = [:]
    while true {
      let row = try record { (record) throws(DataError) in
        let row = try ScoredAnswer.table(record)
        if rows[row.prompt] != nil {
          throw DataError(
            file: record.file, line: record.line, field: "prompt_id",
            "the prompt \"\(clipped(row.prompt, 40))\" stands in the table twice",
            repair: "put all its references into one line")
        }
        return row
      }
      guard let row else { return rows }
      rows[row.prompt] = row.rewards
    }
  }

  private mutating func record<Value>(
    _ read: (JSONRecord) throws(DataError) -> Value
  ) throws(DataError) -> Value? {
    let name = lines.name
    while try lines.advance() {
      let number = lines.number
      let value = try lines.withLine { (bytes) throws(DataError) -> Value? in
        isBlank(bytes) ? nil : try read(JSONRecord(bytes, file: name, line: number))
      }
      if let value { return value }
    }
    return nil
  }
}
