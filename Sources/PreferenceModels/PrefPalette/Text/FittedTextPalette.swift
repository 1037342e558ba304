import PenchantData
import PenchantKernels
import PenchantTrain

/// PrefPalette for texts: what reads a text (content, attribute heads) and the preference model behind it.
///
/// ```swift
/// let model = try FittedTextPalette(reading: "run", encoder: { try SentenceEncoder(folder: $0) })
/// let utility = try model.predict(["Because it is cheap."], community: "tea").utility[0]
/// ```
public struct FittedTextPalette: Sendable {
  public let configuration: TextPaletteConfiguration
  public let attributes: [Attribute]
  let content: PaletteContent
  /// nil when the content stays whole.
  let residual: PaletteResidual?
  /// Standardised over the texts of the training pairs.
  public let heads: FittedAttributeHeads
  let inputs: PaletteTextInputs
  public internal(set) var model: FittedPrefPalette

  /// Communities of the training; empty when the model has none.
  public var communities: [String] { model.communities }

  /// Content, vectors and scores of texts.
  ///
  /// - Parameter contexts: what each text answers; none for empty ones.
  public func tensors(_ texts: [String], contexts: [String] = []) throws -> PaletteTexts {
    let contexts = contexts.isEmpty ? [String](repeating: "", count: texts.count) : contexts
    return try Self.tensors(
      content: content.columns(texts), width: content.width, residual,
      heads.encode(inputs.inputs.features(texts, contexts: contexts), bfloat16: true))
  }

  static func tensors(
    content: [Float], width: Int, _ residual: PaletteResidual?, _ tensor: AttributeTensor
  ) throws -> PaletteTexts {
    let vectors: PaletteTexts.Representations =
      switch tensor.vectors {
      case .float(let values): .float(values)
      case .bfloat16(let values): .bfloat16(values)
      }
    return try PaletteTexts(
      contentWidth: width, attributes: tensor.attributes.count, width: tensor.width,
      content: residual?(content, scores: tensor.scores) ?? content, representations: vectors,
      scores: tensor.scores, mask: tensor.mask)
  }

  /// The model with the community at hand: one that it was not trained on gets the mean of those that it was.
  public func knowing(_ names: some Sequence<String>) throws -> FittedTextPalette {
    guard !model.communities.isEmpty else { return self }
    var grown = self
    for name in names where !grown.model.communities.contains(name) {
      grown.model = try grown.model.adding(community: name, from: noPairs)
    }
    return grown
  }

  /// The model with one more community, learnt from its first pairs (section 9.2); 0 pairs will do.
  public func adding(community name: String, from pairs: [PreferencePair]) throws -> FittedTextPalette {
    guard !pairs.isEmpty else { return try knowing([name]) }
    let table = configuration.features.table(pairs)
    let data = try PaletteData(
      texts: tensors(table.texts, contexts: PaletteTable.contexts(table, pairs)),
      attributes: model.attributes,
      communities: [name], chosen: table.chosen.map(UInt32.init), rejected: table.rejected.map(UInt32.init),
      community: [UInt32](repeating: 0, count: table.count), post: table.post.map(UInt32.init),
      weight: table.weight)
    var grown = self
    grown.model = try model.adding(community: name, from: data)
    return grown
  }

  /// What a community is learnt from of which nothing is known.
  private var noPairs: PaletteData {
    get throws {
      let shape = model.shape
      return try PaletteData(
        texts: PaletteTexts(
          contentWidth: shape.content, attributes: shape.attributes, width: shape.width, content: [],
          representations: .float([]), scores: []), attributes: model.attributes, communities: [], chosen: [],
        rejected: [], community: [], post: [])
    }
  }

  /// Utilities, attention and contributions of texts under one community; utility − Σ contributions is the content's part.
  ///
  /// - Throws: `ConfigurationError` for a community that the model does not know.
  public func predict(
    _ texts: [String], contexts: [String] = [], community: String = "", use: Bool = true
  ) throws -> FittedPrefPalette.Prediction {
    // As in training, a text may be read together with what it answers.
    let read = texts.indices.map { place in
      configuration.features.scored(contexts.isEmpty ? "" : contexts[place], texts[place])
    }
    return try model.predict(tensors(read, contexts: contexts), community: place(community), use: use)
  }

  /// Why the first text is preferred to the second.
  public func explain(
    _ first: String, over second: String, context: String = "", community: String = ""
  ) throws -> PairExplanation {
    try explain(PreferencePair(prompt: context, chosen: first, rejected: second), community: community)
  }

  /// Why a pair's chosen text is preferred, by a community that the model knows.
  public func explain(_ pair: PreferencePair, community: String) throws -> PairExplanation {
    let table = configuration.features.table([pair])
    return try model.explain(
      tensors(table.texts, contexts: PaletteTable.contexts(table, [pair])), first: table.chosen[0],
      second: table.rejected[0], community: Int(place(community).first ?? 0))
  }

  private func place(_ community: String) throws -> [UInt32] {
    model.communities.isEmpty ? [] : [UInt32(try model.community(community))]
  }
}
