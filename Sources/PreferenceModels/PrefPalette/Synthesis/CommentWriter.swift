import Foundation
import PenchantLanguage

/// Writes a comment under a post that has none, as a member of its community would.
public struct CommentWriter: Sendable {
  private let model: any LanguageModel

  public init(_ model: any LanguageModel) { self.model = model }

  /// - Throws: `LanguageError`.
  public func comment(on context: String, community: String = "", seed: UInt64) async throws(LanguageError)
    -> String
  {
    let reply = try await model.ask(Prompts.comment(on: context, community: community, seed: seed))
    return reply.content.trimmingCharacters(in: .whitespacesAndNewlines)
  }
}
