import Foundation
import PenchantData

/// A text and its rewrites at every level of attributes: one line of a synthesis file, whichever rewriter made it.
///
/// Its fields are those that PrefPalette's own files have (Li et al. 2025), plus `community` and `teacher`.
public struct CounterfactualRecord: Sendable, Codable, Equatable {
  /// Tokens that a language model read and wrote for this record.
  public struct Usage: Sendable, Codable, Equatable {
    public var promptTokens: Int
    public var completionTokens: Int
    public var totalTokens: Int

    public init(promptTokens: Int = 0, completionTokens: Int = 0, totalTokens: Int = 0) {
      self.promptTokens = promptTokens
      self.completionTokens = completionTokens
      self.totalTokens = totalTokens
    }

    enum CodingKeys: String, CodingKey {
      case promptTokens = "prompt_tokens"
      case completionTokens = "completion_tokens"
      case totalTokens = "total_tokens"
    }
  }

  public var id: String
  public var community: String
  public var postTitle: String
  public var postBody: String
  /// The text as it was written, or as a model wrote it for lack of one (`isSynthetic`).
  public var original: String
  public var isSynthetic: Bool
  /// `rewrite[attribute]["1" … "5"]`; levels may be missing while a synthesis is under way.
  public var rewrite: [String: [String: String]]
  /// The rewriter; empty in files of others.
  public var teacher: String
  public var usage: Usage?

  public init(
    id: String, community: String, postTitle: String = "", postBody: String = "", original: String,
    isSynthetic: Bool = false, rewrite: [String: [String: String]] = [:], teacher: String = "",
    usage: Usage? = nil
  ) {
    self.id = id
    self.community = community
    self.postTitle = postTitle
    self.postBody = postBody
    self.original = original
    self.isSynthetic = isSynthetic
    self.rewrite = rewrite
    self.teacher = teacher
    self.usage = usage
  }

  /// What the text answers: title and body.
  public var context: String {
    [postTitle, postBody].filter { !$0.isEmpty }.joined(separator: "\n")
  }

  /// The rewrite at a level, nil when there is none.
  public subscript(attribute: String, level: Int) -> String? {
    get { rewrite[attribute]?[String(level)] }
    set { rewrite[attribute, default: [:]][String(level)] = newValue }
  }

  enum CodingKeys: String, CodingKey {
    case id, community, original, rewrite, teacher, usage
    case postTitle = "post_title"
    case postBody = "post_body"
    case isSynthetic = "synthetic_original"
  }

  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    id = try fields.decode(String.self, forKey: .id)
    original = try fields.decode(String.self, forKey: .original)
    rewrite = try fields.decode([String: [String: String]].self, forKey: .rewrite)
    // The released pipeline says the community in the identifier alone: {community}-{post}-…
    community =
      try fields.decodeIfPresent(String.self, forKey: .community)
      ?? String(id.split(separator: "-", maxSplits: 1).first ?? "")
    postTitle = try fields.decodeIfPresent(String.self, forKey: .postTitle) ?? ""
    postBody = try fields.decodeIfPresent(String.self, forKey: .postBody) ?? ""
    isSynthetic = try fields.decodeIfPresent(Bool.self, forKey: .isSynthetic) ?? false
    teacher = try fields.decodeIfPresent(String.self, forKey: .teacher) ?? ""
    usage = try fields.decodeIfPresent(Usage.self, forKey: .usage)
  }

  /// One line of JSON without its end.
  public func line() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(self), as: UTF8.self)
  }

  /// The records of a JSON-lines file, plain or gzipped.
  ///
  /// - Throws: `DataError` with file, line and field.
  public static func read(_ path: String) throws(DataError) -> [CounterfactualRecord] {
    try read(LineReader(path))
  }

  public static func read(bytes: [UInt8], name: String) throws(DataError) -> [CounterfactualRecord] {
    try read(LineReader(bytes: bytes, name: name))
  }

  private static func read(_ lines: consuming LineReader) throws(DataError) -> [CounterfactualRecord] {
    var records: [CounterfactualRecord] = []
    var seen: Set<String> = []
    let decoder = JSONDecoder()
    while let line = try lines.next() {
      if line.allSatisfy(\.isWhitespace) { continue }
      let record: CounterfactualRecord
      do {
        record = try decoder.decode(CounterfactualRecord.self, from: Data(line.utf8))
      } catch {
        throw wrong(error, file: lines.name, line: lines.number)
      }
      for (attribute, levels) in record.rewrite {
        if let level = levels.keys.sorted().first(where: {
          Int($0).map(Attribute.levelRange.contains) != true
        }) {
          throw DataError(
            file: lines.name, line: lines.number, field: "rewrite.\(attribute)", "\"\(level)\" is no level",
            expected: "levels are \"1\" to \"5\"")
        }
      }
      guard seen.insert(record.id).inserted else {
        throw DataError(
          file: lines.name, line: lines.number, field: "id", "the id \"\(record.id)\" stands there twice",
          repair: "every text has one record")
      }
      records.append(record)
    }
    return records
  }

  private static func wrong(_ error: any Error, file: String, line: Int) -> DataError {
    let needs =
      "a record needs \"id\", \"original\" and \"rewrite\": {attribute: {\"1\": text … \"5\": text}}"
    guard let error = error as? DecodingError else {
      return DataError(file: file, line: line, "this is no record", expected: needs, found: "\(error)")
    }
    switch error {
    case .keyNotFound(let key, _):
      return DataError(
        file: file, line: line, field: key.stringValue, "\"\(key.stringValue)\" is missing", expected: needs)
    case .typeMismatch(_, let context), .valueNotFound(_, let context):
      let field = context.codingPath.map(\.stringValue).joined(separator: ".")
      return DataError(
        file: file, line: line, field: field, "\"\(field)\" is not as it must be", expected: needs,
        found: context.debugDescription)
    case .dataCorrupted(let context):
      return DataError(
        file: file, line: line, "this is not JSON", expected: needs, found: context.debugDescription)
    @unknown default: return DataError(file: file, line: line, "this is no record", expected: needs)
    }
  }
}
