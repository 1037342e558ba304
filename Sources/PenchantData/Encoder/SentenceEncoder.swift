import PenchantKernels

/// A BERT-style sentence encoder, run by the kernels of this package from a Hugging Face folder.
///
/// ```swift
/// let encoder = try SentenceEncoder(folder: "all-MiniLM-L6-v2")
/// let rows = try encoder.encode(["A man is eating food.", "A man is eating a piece of bread."])
/// ```
/// The folder holds `config.json`, `model.safetensors` and `vocab.txt`; docs/encoder.md says what else is read.
public struct SentenceEncoder: LayeredTextEncoder {
  public let configuration: EncoderConfiguration
  public let tokenizer: WordPieceTokenizer
  private let network: EncoderNetwork
  /// Layers that are run.
  private let depth: Int

  public var width: Int { configuration.shape.width }

  /// - Throws: `DataError` for a file that is missing, damaged or of another architecture; `KernelError.memory` when the
  ///   weights do not fit.
  public init(folder: String) throws {
    let configuration = try EncoderConfiguration(folder: folder)
    let tokenizer = try WordPieceTokenizer(
      vocabulary: "\(folder)/vocab.txt", lowercases: configuration.lowercases)
    guard tokenizer.vocabularySize <= configuration.shape.vocabulary else {
      throw DataError(
        file: "\(folder)/vocab.txt", "the vocabulary does not fit the model",
        expected: "at most \(configuration.shape.vocabulary) pieces",
        found: "found \(tokenizer.vocabularySize)")
    }
    self.configuration = configuration
    self.tokenizer = tokenizer
    network = try SentenceEncoder.load(SafeTensors("\(folder)/model.safetensors"), configuration.shape)
    depth = configuration.shape.layers
  }

  public var layers: Int { configuration.shape.layers }

  public func reading(layer: Int) throws -> any TextEncoder {
    guard (1...layers).contains(layer) else {
      throw DataError(
        file: "encoder", field: "layer", "the encoder has no such layer", expected: "expected 1 to \(layers)",
        found: "found \(layer)")
    }
    return SentenceEncoder(self, depth: layer)
  }

  /// The mean over tokens behind layer `depth`, by the same weights.
  private init(_ whole: SentenceEncoder, depth: Int) {
    var configuration = whole.configuration
    configuration.pooling = .mean
    configuration.normalises = false
    self.configuration = configuration
    tokenizer = whole.tokenizer
    network = whole.network
    self.depth = depth
  }

  private static func load(_ file: SafeTensors, _ shape: EncoderShape) throws -> EncoderNetwork {
    // Files of whole models put everything below "bert.".
    let root =
      file.entry("embeddings.word_embeddings.weight") == nil
        && file.entry("bert.embeddings.word_embeddings.weight") != nil ? "bert." : ""
    let (d, f) = (shape.width, shape.inner)
    func vector(_ name: String, _ size: Int) throws(DataError) -> [Float] {
      try file.floats(root + name, shape: [size], finite: true)
    }
    func matrix(_ name: String, _ rows: Int, _ columns: Int) throws(DataError) -> [Float] {
      try file.floats(root + name, shape: [rows, columns], finite: true)
    }
    var positions = try matrix("embeddings.position_embeddings.weight", shape.positions, d)
    // Every token of a lone text is of the first type, so its row can be added to the positions once.
    let types = try file.floats(
      root + "embeddings.token_type_embeddings.weight", shape: [nil, d], finite: true)
    guard types.count >= d else {
      throw DataError(
        file: file.file, field: "embeddings.token_type_embeddings.weight", "the table of token types is empty"
      )
    }
    for place in positions.indices { positions[place] += types[place % d] }
    var layers: [EncoderLayer] = []
    for number in 0..<shape.layers {
      let own = "encoder.layer.\(number)."
      let attention = own + "attention.self."
      layers.append(
        EncoderLayer(
          queryKeyValue: try matrix(attention + "query.weight", d, d) + matrix(attention + "key.weight", d, d)
            + matrix(attention + "value.weight", d, d),
          queryKeyValueBias: try vector(attention + "query.bias", d) + vector(attention + "key.bias", d)
            + vector(attention + "value.bias", d),
          output: try matrix(own + "attention.output.dense.weight", d, d),
          outputBias: try vector(own + "attention.output.dense.bias", d),
          attentionNormScale: try vector(own + "attention.output.LayerNorm.weight", d),
          attentionNormShift: try vector(own + "attention.output.LayerNorm.bias", d),
          up: try matrix(own + "intermediate.dense.weight", f, d),
          upBias: try vector(own + "intermediate.dense.bias", f),
          down: try matrix(own + "output.dense.weight", d, f),
          downBias: try vector(own + "output.dense.bias", d),
          normScale: try vector(own + "output.LayerNorm.weight", d),
          normShift: try vector(own + "output.LayerNorm.bias", d)))
    }
    return try EncoderNetwork(
      shape, words: matrix("embeddings.word_embeddings.weight", shape.vocabulary, d), positions: positions,
      normScale: vector("embeddings.LayerNorm.weight", d), normShift: vector("embeddings.LayerNorm.bias", d),
      layers: layers)
  }

  /// One row of `width` a text, cut to `longestText` tokens.
  ///
  /// - Throws: `KernelError.memory` when a workspace is refused.
  public func encode(_ texts: [String]) throws -> FeatureMatrix {
    var tokens: [UInt32] = []
    var offsets: [UInt32] = [0]
    for text in texts {
      tokens += tokenizer.encode(text, limit: configuration.longestText)
      offsets.append(UInt32(tokens.count))
    }
    let rows = try network.encode(
      tokens: tokens, offsets: offsets, pooling: configuration.pooling, normalise: configuration.normalises,
      depth: depth)
    return try FeatureMatrix(rows: texts.count, width: width, dense: rows)
  }
}
