import PenchantData
import PenchantTrain

/// What heads see of a text: its encoding, that of what it answers, how it is written (`StyleFeatures`), and how many words of
/// the attributes' lists it has (`LexicalScore`), side by side.
public struct AttributeInputs: Sendable {
  /// nil: the other columns alone.
  public var encoder: (any TextEncoder)?
  /// Adds the encoding of the context.
  public var withContext: Bool
  /// Adds the style columns; the built-in featuriser has them already.
  public var withStyle: Bool

  /// Adds a column for each of these attributes. Heads that learn from rules need it to recognise a word of a list in a text
  /// where no rule has put it.
  public var lexicalOf: [Attribute]

  public init(
    _ encoder: (any TextEncoder)?, withContext: Bool = false, withStyle: Bool = false,
    lexicalOf: [Attribute] = []
  ) {
    self.encoder = encoder
    self.withContext = withContext
    self.withStyle = withStyle
    self.lexicalOf = lexicalOf
  }

  /// One row a text; texts and contexts that stand there more than once are encoded once.
  public func features(_ texts: [String], contexts: [String] = []) throws -> FeatureMatrix {
    var parts: [FeatureMatrix] = []
    if let encoder {
      parts.append(try distinct(texts, encoder))
      if withContext {
        guard contexts.count == texts.count else {
          throw ConfigurationError("\(contexts.count) contexts for \(texts.count) texts")
        }
        parts.append(try distinct(contexts, encoder))
      }
    }
    if withStyle {
      let block = 256
      let style = try parallelMap((texts.count + block - 1) / block) { number in
        texts[number * block..<min(texts.count, (number + 1) * block)].flatMap { StyleFeatures.of($0) }
      }.flatMap(\.self)
      parts.append(try FeatureMatrix(rows: texts.count, width: StyleFeatures.names.count, dense: style))
    }
    if !lexicalOf.isEmpty {
      let scores = try LexicalScore.matrix(texts, lexicalOf)
      parts.append(
        try FeatureMatrix(rows: texts.count, width: lexicalOf.count, dense: scores.map { Float($0) }))
    }
    return parts.count == 1 ? parts[0] : try Self.joined(parts, rows: texts.count)
  }

  private func distinct(_ texts: [String], _ encoder: any TextEncoder) throws -> FeatureMatrix {
    var places: [String: Int] = [:]
    var own: [String] = []
    let rows = texts.map { text in
      if let place = places[text] { return place }
      places[text] = own.count
      own.append(text)
      return own.count - 1
    }
    let encoded = try encoder.encode(own)
    return own.count == texts.count ? encoded : encoded.selecting(rows)
  }

  /// Columns of `parts` side by side: all sparse ones, then all dense ones.
  private static func joined(_ parts: [FeatureMatrix], rows: Int) throws -> FeatureMatrix {
    var (starts, columns, values, dense) = ([0], [UInt32](), [Float](), [Float]())
    let width = parts.map(\.denseWidth).reduce(0, +)
    dense.reserveCapacity(rows * width)
    for row in 0..<rows {
      var first: UInt32 = 0
      for part in parts {
        for entry in part.rowStarts[row]..<part.rowStarts[row + 1] {
          columns.append(first + part.columns[entry])
          values.append(part.values[entry])
        }
        first += UInt32(part.sparseWidth)
        dense += part.dense[row * part.denseWidth..<(row + 1) * part.denseWidth]
      }
      starts.append(columns.count)
    }
    return try FeatureMatrix(
      rows: rows, sparseWidth: parts.map(\.sparseWidth).reduce(0, +), rowStarts: starts, columns: columns,
      values: values, denseWidth: width, dense: dense)
  }
}
