/// What is wrong with a file or a record: where, which field, what was expected and found, and what to do.
///
/// Its description is what the command prints:
/// ```
/// pairs.jsonl:4018: "rejected" is missing
///   a record needs "prompt", "chosen" and "rejected"; this one has "prompt", "chosen" and "reject"
///   did you mean "rejected"?   see: penchant help data
/// ```
public struct DataError: Error, Sendable, Equatable {
  /// The file's path, or the name given to bytes in memory.
  public var file: String
  /// The line, counted from 1.
  public var line: Int?
  /// The byte, counted from 0: within the line when there is one, else within the file.
  public var byte: Int?
  /// The field of a record, or the tensor of a file.
  public var field: String?
  /// What is wrong, in one clause.
  public var problem: String
  public var expected: String?
  public var found: String?
  /// What to do about it.
  public var repair: String?

  public init(
    file: String, line: Int? = nil, byte: Int? = nil, field: String? = nil, _ problem: String,
    expected: String? = nil, found: String? = nil, repair: String? = nil
  ) {
    self.file = file
    self.line = line
    self.byte = byte
    self.field = field
    self.problem = problem
    self.expected = expected
    self.found = found
    self.repair = repair
  }
}

extension DataError: CustomStringConvertible {
  public var description: String {
    var text = file.isEmpty ? "\"\"" : file
    if let line { text += ":\(line)" }
    text += ": \(problem)"
    if let byte { text += " (byte \(byte))" }
    let detail = [expected, found].compactMap { $0 }.joined(separator: "; ")
    if !detail.isEmpty { text += "\n  \(detail)" }
    if let repair { text += "\n  \(repair)" }
    return text
  }
}

/// A clause about names: `"a"`, `"a" and "b"`, `"a", "b" and "c"`; long lists are cut.
package func quotedList(_ names: some Collection<String>, limit: Int = 12) -> String {
  let shown = names.prefix(limit).map { "\"\(clipped($0, 40))\"" }
  if names.isEmpty { return "none" }
  if names.count > limit { return shown.joined(separator: ", ") + " and \(names.count - limit) more" }
  guard shown.count > 1 else { return shown[0] }
  return shown.dropLast().joined(separator: ", ") + " and " + shown[shown.count - 1]
}

/// Text made safe for one line of a message: control characters escaped, cut after `limit` characters.
package func clipped(_ text: String, _ limit: Int = 60) -> String {
  var short = ""
  for scalar in text.unicodeScalars.prefix(limit) {
    if scalar.value < 0x20 || scalar.value == 0x7F {
      short += scalar.escaped(asASCII: true)
    } else {
      short.unicodeScalars.append(scalar)
    }
  }
  return text.unicodeScalars.count > limit ? short + "…" : short
}
