import PenchantData

/// A language model with a memory: answers from the recording, and asks, when there is someone to ask, what
/// is not in it.
public struct RecordedModel: LanguageModel {
  public let name: String
  private let recording: Recording
  private let model: (any LanguageModel)?

  /// Records what `model` answers.
  public init(_ model: any LanguageModel, recording: Recording) {
    name = model.name
    self.recording = recording
    self.model = model
  }

  /// Replays without a network.
  ///
  /// - Parameter model: the name the answers were recorded under; nil takes the one that is in the file.
  /// - Throws: `LanguageError.configuration` when the file holds answers of several models and none is named.
  public init(replaying recording: Recording, model name: String? = nil) throws(LanguageError) {
    if let name {
      self.name = name
    } else {
      guard recording.models.count == 1 else {
        let found =
          recording.models.isEmpty ? "no answer" : "answers of \(recording.models.joined(separator: ", "))"
        throw .configuration(
          "\(recording.path) holds \(found)\n  say with --model NAME which model to replay")
      }
      self.name = recording.models[0]
    }
    self.recording = recording
    model = nil
  }

  public func ask(_ request: ChatRequest) async throws(LanguageError) -> ChatReply {
    let key = request.key(model: name)
    if let answer = recording.answer(to: key) {
      do throws(ReplyProblem) {
        let reply = try answer.get()
        UsageMeter.current?.add(reply.usage)
        return reply
      } catch { throw .reply(error) }
    }
    guard let model else {
      throw .notRecorded(file: recording.path, key: key, excerpt: Recording.asks(request))
    }
    do throws(LanguageError) {
      let reply = try await model.ask(request)
      try keep(.success(reply), request)
      return reply
    } catch {
      if case .reply(let problem) = error { try keep(.failure(problem), request) }
      throw error
    }
  }

  private func keep(_ answer: Recording.Answer, _ request: ChatRequest) throws(LanguageError) {
    do throws(DataError) { try recording.keep(answer, to: request, model: name) } catch {
      throw .recording("\(error)")
    }
  }
}
