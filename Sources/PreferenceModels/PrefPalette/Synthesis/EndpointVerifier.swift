import PenchantLanguage

/// Asks a language model which of two texts stands nearer to a pole (PrefPalette, Li et al. 2025:
/// verification).
public struct EndpointVerifier: Verifier {
  private let model: any LanguageModel

  public init(_ model: any LanguageModel) { self.model = model }

  public var judge: String { model.name }

  public func answer(
    attribute: Attribute, question: VerifierQuestion, first: String, second: String, context: String
  ) async throws -> Int? {
    let request = Prompts.verify(attribute, question, first: first, second: second, context: context)
    do throws(LanguageError) { return RewriteReply.winner(try await model.ask(request).content) } catch {
      if case .reply = error { return nil }
      throw error
    }
  }
}
