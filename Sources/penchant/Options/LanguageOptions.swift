import ArgumentParser
import PenchantLanguage
import PenchantTrain

/// Options of verbs that may ask a language model.
struct LanguageOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A chat endpoint, as http://127.0.0.1:8080 or https://host/v1, or replay:FILE to repeat a recording offline.",
      valueName: "url"))
  var llm: String?

  @Option(help: "The model that the endpoint is asked for.")
  var model: String?

  @Option(help: "Keep every answer in this file, and take from it those that are there.")
  var llmRecord: String?

  @Option(help: "Requests at a time.")
  var concurrency = 4

  @Option(help: "Seconds that an answer may take.")
  var timeout = 120.0

  @Option(help: "Requests for one answer, when the server is busy or gone.")
  var attempts = 5

  func validate() throws {
    if !(1...1024).contains(concurrency) {
      throw ValidationError("--concurrency must be 1 to 1024, found \(concurrency)")
    }
    if !(timeout > 0 && timeout <= 86_400) {
      throw ValidationError("--timeout must be above 0 and at most 86400 seconds, found \(timeout)")
    }
    if !(1...100).contains(attempts) {
      throw ValidationError("--attempts must be 1 to 100, found \(attempts)")
    }
    if llm == nil, let option = model.map({ _ in "--model" }) ?? llmRecord.map({ _ in "--llm-record" }) {
      throw ValidationError("\(option) means nothing without --llm URL")
    }
  }

  /// The model to ask; nil without `--llm`.
  func open(_ progress: ProgressLine) throws -> (any LanguageModel)? {
    guard let llm else { return nil }
    if llm.hasPrefix("replay:") {
      guard llmRecord == nil else {
        throw ConfigurationError(
          "--llm replay:FILE asks nobody, so there is nothing for --llm-record to keep")
      }
      let recording = try Recording(replaying: String(llm.dropFirst("replay:".count))) { progress.warn($0) }
      return try RecordedModel(replaying: recording, model: model)
    }
    var endpoint = try ChatEndpoint(url: llm, model: model ?? "", key: APIKey.fromEnvironment())
    endpoint.timeout = .milliseconds(Int64(timeout * 1000))
    endpoint.attempts = attempts
    endpoint.concurrency = concurrency
    if endpoint.exposesKey {
      progress.warn("\(endpoint.address) is not encrypted: the key can be read on the way; use https")
    }
    let client = try ChatClient(endpoint)
    guard let llmRecord else { return client }
    return RecordedModel(client, recording: try Recording(recording: llmRecord) { progress.warn($0) })
  }
}
