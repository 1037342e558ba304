import Foundation
import PenchantKernels
import TestSupport
import Testing

@testable import PenchantData

struct WordPieceTests {
  private static let pieces = [
    "[PAD]", "[UNK]", "[CLS]", "[SEP]", "the", "run", "##ning", "##ner", "##s", "a", "##b", "cafe", ",", "!",
    "漢", "字", "un", "##run", "$",
    "\u{1B87}", "##\u{93F}", "ह",
  ]

  private func tokens(_ text: String, limit: Int = 256, lowercases: Bool = true) throws -> [String] {
    let tokenizer = try WordPieceTokenizer(pieces: Self.pieces, lowercases: lowercases)
    return tokenizer.encode(text, limit: limit).map { Self.pieces[Int($0)] }
  }

  @Test(
    arguments: [
      ("", []), ("the", ["the"]), ("The RUNNING runners", ["the", "run", "##ning", "run", "##ner", "##s"]),
      ("unrun", ["un", "##run"]),
      ("Café, cafe\u{301}!", ["cafe", ",", "cafe", "!"]), ("漢字the", ["漢", "字", "the"]),
      ("xyz the", ["[UNK]", "the"]),
      ("runx", ["[UNK]"]), ("a\u{200B}b a\u{0}b", ["a", "##b", "a", "##b"]),
      ("a\u{A0}a\u{3000}a\u{2028}a", ["a", "a", "a", "a"]),
      ("a$a", ["a", "$", "a"]), ("\u{FFFD}\u{7F}\u{85}", []), ("हि", ["ह", "##\u{93F}"]),
      (String(repeating: "a", count: 101), ["[UNK]"]),
      ("[SEP]", ["[UNK]", "[UNK]", "[UNK]"]),
    ] as [(String, [String])])
  func splitsIntoLongestPieces(_ text: String, _ expected: [String]) throws {
    #expect(try tokens(text) == ["[CLS]"] + expected + ["[SEP]"])
  }

  @Test func casedModelsKeepCaseAndAccents() throws {
    #expect(try tokens("The the", lowercases: false) == ["[CLS]", "[UNK]", "the", "[SEP]"])
    #expect(try tokens("café", lowercases: false) == ["[CLS]", "[UNK]", "[SEP]"])
  }

  @Test func longTextsAreCut() throws {
    #expect(try tokens("the running the", limit: 5) == ["[CLS]", "the", "run", "##ning", "[SEP]"])
    #expect(try tokens("the running the", limit: 4) == ["[CLS]", "the", "run", "[SEP]"])
    #expect(try tokens("the", limit: 0) == ["[CLS]", "[SEP]"])
  }

  @Test func brokenVocabulariesAreNamed() {
    #expect {
      try WordPieceTokenizer(pieces: ["[UNK]", "[CLS]"])
    } throws: { "\($0)".contains("the piece \"[SEP]\" is missing") }
    #expect {
      try WordPieceTokenizer(pieces: Self.pieces + ["run"])
    } throws: { ($0 as? DataError)?.line == Self.pieces.count + 1 }
  }
}

struct SentenceEncoderTests {
  private static let shape = EncoderShape(
    width: 12, heads: 3, inner: 20, layers: 2, vocabulary: 24, positions: 16)

  /// A Hugging Face folder with random weights.
  private func folder(
    prefix: String = "", change: (inout JSONObject, inout SafeTensorsWriter) throws -> Void = { _, _ in }
  ) throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    var generator = TestGenerator(stream: "folder")
    var config = JSONObject([
      "model_type": "bert", "hidden_act": "gelu", "hidden_size": 12, "num_attention_heads": 3,
      "intermediate_size": 20,
      "num_hidden_layers": 2, "vocab_size": 24, "max_position_embeddings": 16, "layer_norm_eps": 1e-12,
    ])
    var writer = SafeTensorsWriter()
    func add(_ name: String, _ shape: [Int]) throws {
      try writer.add(
        prefix + name, shape: shape, (0..<shape.reduce(1, *)).map { _ in 0.4 * Float(generator.normal()) })
    }
    try add("embeddings.word_embeddings.weight", [24, 12])
    try add("embeddings.position_embeddings.weight", [16, 12])
    try add("embeddings.token_type_embeddings.weight", [2, 12])
    try add("embeddings.LayerNorm.weight", [12])
    try add("embeddings.LayerNorm.bias", [12])
    for layer in 0..<2 {
      let own = "encoder.layer.\(layer)."
      for (name, rows, columns) in [
        ("attention.self.query", 12, 12), ("attention.self.key", 12, 12), ("attention.self.value", 12, 12),
        ("attention.output.dense", 12, 12), ("intermediate.dense", 20, 12), ("output.dense", 12, 20),
      ] {
        try add(own + name + ".weight", [rows, columns])
        try add(own + name + ".bias", [rows])
      }
      for name in ["attention.output.LayerNorm", "output.LayerNorm"] {
        try add(own + name + ".weight", [12])
        try add(own + name + ".bias", [12])
      }
    }
    try change(&config, &writer)
    _ = try folder.write("config.json", Array(JSONValue.object(config).description.utf8))
    _ = try folder.write("model.safetensors", writer.bytes())
    let pieces =
      ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
      + (0..<20).map { String(Character(Unicode.Scalar(97 + UInt8($0)))) }
    _ = try folder.write("vocab.txt", Array(pieces.joined(separator: "\n").utf8))
    return folder
  }

  /// The same network put together by hand from the file.
  private func byHand(_ folder: TemporaryFolder) throws -> EncoderNetwork {
    let file = try SafeTensors("\(folder.path)/model.safetensors")
    let types = try file.floats("embeddings.token_type_embeddings.weight")
    let positions = try file.floats("embeddings.position_embeddings.weight")
    let layers = try (0..<2).map { number in
      func own(_ name: String) throws -> [Float] { try file.floats("encoder.layer.\(number).\(name)") }
      return EncoderLayer(
        queryKeyValue: try own("attention.self.query.weight") + own("attention.self.key.weight")
          + own("attention.self.value.weight"),
        queryKeyValueBias: try own("attention.self.query.bias") + own("attention.self.key.bias")
          + own("attention.self.value.bias"),
        output: try own("attention.output.dense.weight"), outputBias: try own("attention.output.dense.bias"),
        attentionNormScale: try own("attention.output.LayerNorm.weight"),
        attentionNormShift: try own("attention.output.LayerNorm.bias"),
        up: try own("intermediate.dense.weight"),
        upBias: try own("intermediate.dense.bias"), down: try own("output.dense.weight"),
        downBias: try own("output.dense.bias"),
        normScale: try own("output.LayerNorm.weight"), normShift: try own("output.LayerNorm.bias"))
    }
    return try EncoderNetwork(
      Self.shape, words: file.floats("embeddings.word_embeddings.weight"),
      positions: positions.indices.map { positions[$0] + types[$0 % 12] },
      normScale: file.floats("embeddings.LayerNorm.weight"),
      normShift: file.floats("embeddings.LayerNorm.bias"), layers: layers)
  }

  @Test func aFolderIsReadAsTheFilesSay() throws {
    let folder = try folder()
    let encoder = try SentenceEncoder(folder: folder.path)
    #expect(encoder.width == 12)
    let texts = ["a b c", "", "T!", String(repeating: "d ", count: 40)]
    let rows = try encoder.encode(texts)
    let expected = try byHand(folder).encode(
      tokens: [2, 4, 5, 6, 3, 2, 3, 2, 23, 1, 3, 2] + [UInt32](repeating: 7, count: 14) + [3],
      offsets: [0, 5, 7, 11, 27])
    #expect(rows.dense == expected)
    #expect(rows.rows == 4 && rows.sparseWidth == 0)
    #expect(try encoder.encode([]).rows == 0)
  }

  /// A layer's rows are those of a network that ends there.
  @Test func innerLayersAreReadAsMeans() throws {
    let (whole, short) = (try folder(), try folder { config, _ in config["num_hidden_layers"] = 1 })
    try FileManager.default.createDirectory(
      atPath: whole.path + "/1_Pooling", withIntermediateDirectories: true)
    _ = try whole.write("1_Pooling/config.json", Array(#"{"pooling_mode_cls_token": true}"#.utf8))
    _ = try whole.write("modules.json", Array(#"[{"type": "sentence_transformers.models.Normalize"}]"#.utf8))
    let encoder = try SentenceEncoder(folder: whole.path)
    let texts = ["a b c", "", "T!"]
    let first = try encoder.reading(layer: 1).encode(texts)
    #expect(try first == SentenceEncoder(folder: short.path).encode(texts))
    let last = try encoder.reading(layer: 2).encode(texts)
    #expect(try last == SentenceEncoder(folder: folder().path).encode(texts))
    #expect(first != last && encoder.layers == 2)
    for layer in [-1, 0, 3] {
      #expect {
        try encoder.reading(layer: layer)
      } throws: { "\($0)".contains("found \(layer)") }
    }
    #expect {
      try byHand(folder()).encode(tokens: [2, 3], offsets: [0, 2], depth: 3)
    } throws: { "\($0)".contains("a depth of 3, there are 2 layers") }
  }

  @Test func namesMayStandBelowBert() throws {
    let (plain, nested) = (try folder(), try folder(prefix: "bert."))
    #expect(
      try SentenceEncoder(folder: plain.path).encode(["a b"])
        == SentenceEncoder(folder: nested.path).encode(["a b"]))
  }

  @Test func poolingAndLengthAreRead() throws {
    let folder = try folder()
    try FileManager.default.createDirectory(
      atPath: folder.path + "/1_Pooling", withIntermediateDirectories: true)
    _ = try folder.write(
      "1_Pooling/config.json",
      Array(#"{"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": false}"#.utf8))
    _ = try folder.write("modules.json", Array(#"[{"type": "sentence_transformers.models.Normalize"}]"#.utf8))
    _ = try folder.write("sentence_bert_config.json", Array(#"{"max_seq_length": 4}"#.utf8))
    let encoder = try SentenceEncoder(folder: folder.path)
    #expect(encoder.configuration.pooling == .first)
    #expect(encoder.configuration.longestText == 4)
    let rows = try encoder.encode(["a b c d"]).dense
    #expect(
      rows
        == (try byHand(folder).encode(
          tokens: [2, 4, 5, 3], offsets: [0, 4], pooling: .first, normalise: true)))
    #expect(abs(rows.reduce(0) { $0 + $1 * $1 } - 1) < 1e-5)
    _ = try folder.write("1_Pooling/config.json", Array(#"{"pooling_mode_max_tokens": true}"#.utf8))
    #expect(throws: DataError.self) { try SentenceEncoder(folder: folder.path) }
  }

  @Test(
    arguments: [
      ("model_type", "gpt2", "\"model_type\" is not one that is read"),
      ("hidden_act", "quick", "\"hidden_act\" is not one that is read"),
      ("hidden_size", 13, "a divisor of hidden_size 13"),
      ("num_hidden_layers", 3, "encoder.layer.2.attention.self.query.weight"),
      ("intermediate_size", 0, "a whole number from 1"), ("vocab_size", 23, "the vocabulary does not fit"),
      ("vocab_size", 25, "has another shape"),
      ("position_embedding_type", "relative_key", "absolute"), ("layer_norm_eps", -1, "0 or more"),
      ("hidden_size", 1e300, "a whole number"),
    ] as [(String, JSONValue, String)])
  func otherArchitecturesAreRefused(_ key: String, _ value: JSONValue, _ part: String) throws {
    let folder = try folder { config, _ in config[key] = value }
    #expect {
      try SentenceEncoder(folder: folder.path)
    } throws: { "\($0)".contains(part) }
  }

  @Test func missingFilesAreNamed() throws {
    for name in ["config.json", "model.safetensors", "vocab.txt"] {
      let folder = try folder()
      try FileManager.default.removeItem(atPath: "\(folder.path)/\(name)")
      #expect {
        try SentenceEncoder(folder: folder.path)
      } throws: { "\($0)".contains("\(name): there is no such file") }
    }
  }
}

/// The real model, when its folder is named: `PENCHANT_MINILM=FOLDER swift test --filter MiniLM`.
struct MiniLMTests {
  static let path = ProcessInfo.processInfo.environment["PENCHANT_MINILM"]

  @Test(.enabled(if: path != nil, "set PENCHANT_MINILM to the folder of all-MiniLM-L6-v2 (docs/encoder.md)"))
  func agreesWithTheReference() throws {
    let encoder = try SentenceEncoder(folder: try #require(Self.path))
    let rows = try encoder.encode(["A man is eating food.", "A man is eating a piece of bread."])
    let cosine = (0..<rows.width).reduce(0) {
      $0 + Double(rows.dense[$1]) * Double(rows.dense[rows.width + $1])
    }
    // 0.7553 as published with the model; seven digits from the reference implementation.
    #expect(abs(cosine - 0.7553) < 5e-5)
    #expect(
      encoder.tokenizer.encode("A man is eating food.") == [101, 1037, 2158, 2003, 5983, 2833, 1012, 102])
  }

  static let reference = ProcessInfo.processInfo.environment["PENCHANT_MINILM_REFERENCE"]

  @Test(
    .enabled(
      if: path != nil && reference != nil,
      "set PENCHANT_MINILM_REFERENCE to a folder of bench/peers/minilm_reference.py"))
  func embeddingsAreThoseOfTheReference() throws {
    let folder = try #require(Self.reference)
    let texts = try JSONDecoder().decode(
      [String].self, from: Data(contentsOf: URL(fileURLWithPath: folder + "/texts.json")))
    let theirs = try FeatureMatrix(embeddings: folder + "/embeddings.npy")
    let ours = try SentenceEncoder(folder: try #require(Self.path)).encode(texts)
    #expect(texts.count >= 200 && theirs.rows == texts.count && theirs.denseWidth == ours.width)
    var worst = 1.0
    for row in texts.indices {
      var (product, own, other) = (0.0, 0.0, 0.0)
      for column in 0..<ours.width {
        let (x, y) = (
          Double(ours.dense[row * ours.width + column]), Double(theirs.dense[row * ours.width + column])
        )
        product += x * y
        own += x * x
        other += y * y
      }
      worst = min(worst, product / (own * other).squareRoot())
    }
    print("\(texts.count) texts, smallest cosine \(worst)")
    #expect(worst >= 0.9999)
  }
}
