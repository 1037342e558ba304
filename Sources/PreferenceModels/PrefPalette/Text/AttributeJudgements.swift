import PenchantData

/// Judgements of people on attributes of texts, as pairs with one more field:
/// `{"attribute": "formality", "chosen": the text with more of it, "rejected": the other}`.
public enum AttributeJudgements {
  /// - Throws: `DataError` with file, line and field.
  public static func read(_ path: String) throws(DataError) -> [AttributePairs.Judgement] {
    var reader = try PairReader(path, keepExtra: true)
    var judgements: [AttributePairs.Judgement] = []
    while let pair = try reader.next() {
      guard case .string(let attribute)? = pair.extra["attribute"], !attribute.isEmpty else {
        throw DataError(
          file: path, line: reader.line, field: "attribute", "\"attribute\" is missing",
          expected: "a judgement names what chosen has more of: {\"attribute\": \"formality\", \"chosen\": …}"
        )
      }
      judgements.append(
        AttributePairs.Judgement(
          attribute: attribute, more: pair.chosen, less: pair.rejected, context: pair.prompt,
          weight: Float(pair.weight)))
    }
    guard !judgements.isEmpty else {
      throw DataError(file: path, "no judgement in it", repair: "see: penchant help data")
    }
    return judgements
  }

  /// The attributes in the order in which they first stand there.
  public static func names(_ judgements: [AttributePairs.Judgement]) -> [String] {
    var seen: Set<String> = []
    return judgements.map(\.attribute).filter { seen.insert($0).inserted }
  }
}
