/// Why there is no answer from a language model.
public enum LanguageError: Error, Sendable, Equatable {
  /// A setting that cannot work: a URL without a host, a key with line ends.
  case configuration(String)
  /// The endpoint said no, and would say it again.
  case rejected(url: String, status: Int, body: String)
  /// Every try failed; `last` is what the last one met.
  case unanswered(url: String, tries: Int, last: String)
  /// The endpoint answered, but with nothing to use.
  case reply(ReplyProblem)
  /// Replayed, but never recorded.
  case notRecorded(file: String, key: String, excerpt: String)
  /// The recording could not be written.
  case recording(String)
  /// The task was cancelled.
  case cancelled
}

extension LanguageError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .configuration(let text): return text
    case .rejected(let url, let status, let body):
      let said = body.isEmpty ? "it gave no reason" : "it says: \(body)"
      return "\(url) answers with status \(status)\n  \(said)\n  \(LanguageError.repair(status))"
    case .unanswered(let url, let tries, let last):
      return "\(url) gave no answer in \(tries) \(tries == 1 ? "try" : "tries"); the last: \(last)\n"
        + "  check that the server runs and is not overloaded; lower --concurrency or raise --timeout"
    case .reply(let problem): return problem.description
    case .notRecorded(let file, let key, let excerpt):
      return "\(file): there is no answer to request \(key)\n"
        + "  it asks: \(excerpt)\n"
        + "  replay with the data, model, seed and attributes that were recorded, or record it: --llm URL --llm-record \(file)"
    case .recording(let text): return text
    case .cancelled: return "the request was cancelled"
    }
  }

  private static func repair(_ status: Int) -> String {
    switch status {
    case 300...399:
      "the address has moved: give the final one (a redirect is not followed, it would carry the key along)"
    case 401, 403: "set PENCHANT_API_KEY (or OPENAI_API_KEY) to a key that may use this model"
    case 404: "check the path of --llm and the name of --model"
    case 413: "the request is too long for this server: shorten the texts"
    default: "check --llm, --model and what the server's log says"
    }
  }
}
