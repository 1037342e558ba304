import PenchantKernels
import PenchantLanguage

/// Has a language model rewrite texts (PrefPalette, Li et al. 2025: counterfactual attribute synthesis).
///
/// Up to `tries` answers, each a draw of its own; the first that can be read and passes the gate is taken.
public struct EndpointRewriter: Rewriter {
  /// Says why a rewrite is not good enough, or nil.
  public typealias Gate =
    @Sendable (
      _ rewrite: String, _ original: String, _ attribute: Attribute, _ level: Int
    ) throws -> RewriteFailure?

  /// As in the paper's release.
  public static let defaultTries = 3

  private let model: any LanguageModel
  private let gate: Gate
  public let tries: Int

  public init(_ model: any LanguageModel, tries: Int = defaultTries, gate: @escaping Gate) {
    self.model = model
    self.tries = max(1, tries)
    self.gate = gate
  }

  public var teacher: String { model.name }

  /// - Throws: `RewriteFailure` when no try gave a text to use; `LanguageError` when there was no answer at
  ///   all.
  public func rewrite(
    _ text: String, context: String, attribute: Attribute, level: Int, seed: UInt64
  ) async throws -> String {
    var random = Philox(seed: seed)
    var failure = RewriteFailure("empty", "there was no try")
    for _ in 0..<tries {
      let request = Prompts.rewrite(
        text, context: context, attribute: attribute, level: level, seed: random.next())
      let reply: ChatReply
      do throws(LanguageError) { reply = try await model.ask(request) } catch {
        guard case .reply(let problem) = error else { throw error }
        failure = RewriteFailure(problem.kind.rawValue, problem.detail)
        continue
      }
      if reply.isCut {
        failure = RewriteFailure("cut", "longer than \(request.maximumTokens) tokens")
      } else if let rewrite = RewriteReply.rewrite(reply.content) {
        guard let refused = try gate(rewrite, text, attribute, level) else { return rewrite }
        failure = refused
      } else {
        failure = RewriteFailure("malformed", "neither {\"rewrite\": …} nor a text")
      }
    }
    throw failure
  }
}
