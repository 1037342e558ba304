import PenchantLanguage

/// A rewriter whose texts must pass the quality gates. One try: what is a function of the seed does not get
/// better.
public struct GatedRewriter: Rewriter {
  private let rewriter: any Rewriter
  private let gate: QualityGate

  public init(_ rewriter: any Rewriter, gate: QualityGate) {
    self.rewriter = rewriter
    self.gate = gate
  }

  public var teacher: String { rewriter.teacher }

  /// - Throws: `RewriteFailure` with the gates that refused it, and what the rewriter throws.
  public func rewrite(
    _ text: String, context: String, attribute: Attribute, level: Int, seed: UInt64
  ) async throws -> String {
    let rewrite = try await rewriter.rewrite(
      text, context: context, attribute: attribute, level: level, seed: seed)
    if let failure = try gate.failure(rewrite, of: text, attribute: attribute, level: level) { throw failure }
    return rewrite
  }
}

extension QualityGate {
  /// The gates that refuse a rewrite, as the reason that a synthesis records; nil when it passes.
  func failure(_ rewrite: String, of original: String, attribute: Attribute, level: Int) throws
    -> RewriteFailure?
  {
    let refusals = try check(rewrite, of: original, attribute: attribute, level: level)
    guard let first = refusals.first else { return nil }
    return RewriteFailure(first.rawValue, "gates: \(refusals.map(\.rawValue).joined(separator: ", "))")
  }
}

extension EndpointRewriter {
  /// Takes the first answer that passes all gates of one text.
  public init(_ model: any LanguageModel, tries: Int = defaultTries, gate: QualityGate) {
    self.init(model, tries: tries) { try gate.failure($0, of: $1, attribute: $2, level: $3) }
  }
}
