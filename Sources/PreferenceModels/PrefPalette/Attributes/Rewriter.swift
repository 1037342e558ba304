/// Writes a text anew at a level of one attribute, everything else as it was: the counterfactuals that attribute heads learn
/// from (PrefPalette, Li et al. 2025, counterfactual attribute synthesis).
///
/// Two back-ends: rules (`RuleRewriter`, offline) and a chat endpoint (`EndpointRewriter`).
public protocol Rewriter: Sendable {
  /// Stands in reports beside every number that rests on these texts: "rules", or the name of a model.
  var teacher: String { get }

  /// - Parameters:
  ///   - context: what the text answers (a post's title and body); empty when there is none.
  ///   - level: 1 (the low pole) to 5 (the high pole).
  func rewrite(_ text: String, context: String, attribute: Attribute, level: Int, seed: UInt64) async throws
    -> String
}
