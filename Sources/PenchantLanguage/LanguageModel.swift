/// Answers questions: an endpoint (`ChatClient`), a recording (`RecordedModel`), or a function in a test.
public protocol LanguageModel: Sendable {
  /// The name that stands in reports and requests.
  var name: String { get }

  /// - Throws: `LanguageError.reply` when an answer came that cannot be used, which another seed may mend;
  ///   any other case means that no answer came.
  func ask(_ request: ChatRequest) async throws(LanguageError) -> ChatReply
}
