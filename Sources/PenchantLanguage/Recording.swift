import PenchantData
import Synchronization

/// Answers of a language model in one file of JSON lines, by the key of their request: what was answered once
/// is never asked again, and a finished job can be repeated without a network.
///
/// ```json
/// {"key": "9f…", "model": "small", "asks": "Rewrite …", "content": "…", "cut": false, "usage": {"prompt_tokens": 9, …}}
/// {"key": "03…", "model": "small", "asks": "Rewrite …", "problem": "refused", "detail": "…", "usage": {…}}
/// ```
/// An answer that could not be used is an answer too: a replay meets it at the same place. Each line is on
/// the device before the answer is handed on.
public final class Recording: Sendable {
  public typealias Answer = Result<ChatReply, ReplyProblem>

  public let path: String
  private let log: AppendLog?
  private let answers: Mutex<[String: Answer]>
  /// The models whose answers are in it when it is opened, sorted.
  public let models: [String]

  /// Opens a recording to add to, or makes one.
  public convenience init(recording path: String, warn: (String) -> Void = { _ in }) throws(DataError) {
    var lines = Lines(path)
    let log = try AppendLog(path, warn: warn) { (text, number) throws(DataError) in
      try lines.add(text, number)
    }
    self.init(path: path, log: log, lines: lines)
  }

  /// Opens a recording to read only.
  public convenience init(replaying path: String, warn: (String) -> Void = { _ in }) throws(DataError) {
    var lines = Lines(path)
    let torn = try AppendLog.lines(of: path) { (text, number) throws(DataError) in try lines.add(text, number)
    }
    if torn > 0 { warn("\(path): the last line is cut (\(torn) bytes) and left out") }
    self.init(path: path, log: nil, lines: lines)
  }

  private init(path: String, log: AppendLog?, lines: Lines) {
    self.path = path
    self.log = log
    answers = Mutex(lines.answers)
    models = lines.models.sorted()
  }

  public var count: Int { answers.withLock { $0.count } }

  public func answer(to key: String) -> Answer? { answers.withLock { $0[key] } }

  /// Keeps an answer; the first to a key stands.
  ///
  /// - Throws: `DataError` when it could not be written.
  public func keep(_ answer: Answer, to request: ChatRequest, model: String) throws(DataError) {
    let key = request.key(model: model)
    guard self.answer(to: key) == nil else { return }
    try log?.append(Recording.line(answer, key: key, model: model, asks: Recording.asks(request)))
    answers.withLock { $0[key] = answer }
  }

  /// The start of the last message, so that a person can find a request in the file.
  static func asks(_ request: ChatRequest) -> String { excerpt(request.messages.last?.content ?? "", 80) }

  private static func line(_ answer: Answer, key: String, model: String, asks: String) -> JSONValue {
    var line = JSONObject(["key": .string(key), "model": .string(model), "asks": .string(asks)])
    switch answer {
    case .success(let reply):
      line["content"] = .string(reply.content)
      line["cut"] = .bool(reply.isCut)
      line["usage"] = [
        "prompt_tokens": .integer(reply.usage.promptTokens),
        "completion_tokens": .integer(reply.usage.completionTokens),
      ]
    case .failure(let problem):
      line["problem"] = .string(problem.kind.rawValue)
      line["detail"] = .string(problem.detail)
    }
    return .object(line)
  }

  /// The lines of a recording as they are read.
  private struct Lines {
    let path: String
    var answers: [String: Answer] = [:]
    var models: Set<String> = []

    init(_ path: String) { self.path = path }

    mutating func add(_ text: String, _ number: Int) throws(DataError) {
      let value: JSONValue
      do { value = try JSONValue(parsing: text) } catch {
        throw DataError(
          file: path, line: number, byte: error.byte, "this is not JSON: \(error.problem)",
          expected: "expected a recording of penchant, one answer a line",
          repair: "remove the line, or choose another file")
      }
      guard let object = value.object, let key = object["key"]?.string, let model = object["model"]?.string,
        let answer = Lines.answer(object)
      else {
        throw DataError(
          file: path, line: number, "this is not an answer of a recording",
          expected: "expected \"key\", \"model\", and \"content\" or \"problem\"",
          repair: "give --llm-record a file of its own")
      }
      models.insert(model)
      if answers[key] == nil { answers[key] = answer }
    }

    private static func answer(_ object: JSONObject) -> Answer? {
      if let kind = object["problem"]?.string.flatMap(ReplyProblem.Kind.init(rawValue:)) {
        return .failure(ReplyProblem(kind, object["detail"]?.string ?? ""))
      }
      guard let content = object["content"]?.string else { return nil }
      let usage = object["usage"]?.object
      func count(_ name: String) -> Int { max(0, usage?[name]?.integer ?? 0) }
      return .success(
        ChatReply(
          content: content, isCut: object["cut"]?.bool ?? false,
          usage: Usage(promptTokens: count("prompt_tokens"), completionTokens: count("completion_tokens"))))
    }
  }
}
