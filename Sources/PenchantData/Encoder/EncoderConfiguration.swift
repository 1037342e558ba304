import Foundation
import PenchantKernels

/// What a Hugging Face folder says about a sentence encoder: `config.json`, and if they are there
/// `1_Pooling/config.json`, `modules.json`, `sentence_bert_config.json` and `tokenizer_config.json`.
public struct EncoderConfiguration: Sendable, Equatable {
  public var shape: EncoderShape
  public var pooling: EncoderPooling
  /// Make the length of each vector 1.
  public var normalises: Bool
  public var lowercases: Bool
  /// Tokens kept of a text, `[CLS]` and `[SEP]` included.
  public var longestText: Int

  /// - Throws: `DataError` when a file is missing or says what this encoder does not do.
  public init(folder: String) throws(DataError) {
    let config = try JSONFile("\(folder)/config.json")
    func refuse(_ key: String, _ value: JSONValue?, _ expected: String) -> DataError {
      DataError(
        file: config.path, field: key, "\"\(key)\" is not one that is read", expected: "expected \(expected)",
        found: "found \(value.map { clipped($0.description) } ?? "nothing")",
        repair: "BERT-style encoders are read: bert, MiniLM, bge, e5, gte and their kin")
    }
    let type = config["model_type"]
    guard type?.string == "bert" else { throw refuse("model_type", type, "\"bert\"") }
    if let position = config["position_embedding_type"], position.string != "absolute" {
      throw refuse("position_embedding_type", position, "\"absolute\"")
    }
    let activation: Activation
    switch config["hidden_act"]?.string {
    case "gelu": activation = .gelu
    case "gelu_new", "gelu_pytorch_tanh": activation = .geluTanh
    case "relu": activation = .relu
    case "silu", "swish": activation = .silu
    default: throw refuse("hidden_act", config["hidden_act"], "gelu, gelu_new, relu or silu")
    }
    // Bounds keep products of sizes far from overflow; real models are a hundred times smaller.
    func size(_ key: String, _ limit: Int) throws(DataError) -> Int {
      guard let value = config[key]?.integer, (1...limit).contains(value) else {
        throw refuse(key, config[key], "a whole number from 1 to \(limit)")
      }
      return value
    }
    shape = EncoderShape(
      width: try size("hidden_size", 1 << 16), heads: try size("num_attention_heads", 1 << 10),
      inner: try size("intermediate_size", 1 << 18), layers: try size("num_hidden_layers", 1000),
      vocabulary: try size("vocab_size", 1 << 22), positions: try size("max_position_embeddings", 1 << 20),
      epsilon: Float(config["layer_norm_eps"]?.number ?? 1e-12), activation: activation)
    guard shape.width % shape.heads == 0 else {
      throw refuse(
        "num_attention_heads", config["num_attention_heads"], "a divisor of hidden_size \(shape.width)")
    }
    guard shape.epsilon >= 0, shape.epsilon.isFinite else {
      throw refuse("layer_norm_eps", config["layer_norm_eps"], "0 or more")
    }
    pooling = try Self.pooling(folder)
    let modules = try JSONFile(optional: "\(folder)/modules.json")?.value.array ?? []
    normalises = modules.contains { $0.object?["type"]?.string?.hasSuffix(".Normalize") == true }
    let tokenizer = try JSONFile(optional: "\(folder)/tokenizer_config.json")
    lowercases = tokenizer?["do_lower_case"]?.bool ?? true
    let sentences = try JSONFile(optional: "\(folder)/sentence_bert_config.json")
    let limit =
      sentences?["max_seq_length"]?.integer ?? tokenizer?["model_max_length"]?.integer ?? shape.positions
    longestText = max(2, min(limit, shape.positions))
  }

  private static func pooling(_ folder: String) throws(DataError) -> EncoderPooling {
    guard let file = try JSONFile(optional: "\(folder)/1_Pooling/config.json") else { return .mean }
    let modes: [(String, EncoderPooling?)] = [
      ("pooling_mode_mean_tokens", .mean), ("pooling_mode_cls_token", .first),
      ("pooling_mode_max_tokens", nil),
      ("pooling_mode_mean_sqrt_len_tokens", nil), ("pooling_mode_weightedmean_tokens", nil),
      ("pooling_mode_lasttoken", nil),
    ]
    let chosen = modes.filter { file[$0.0]?.bool == true }
    guard chosen.count == 1, let mode = chosen[0].1 else {
      throw DataError(
        file: file.path, field: "pooling_mode", "this pooling is not one that is read",
        expected: "the mean over tokens, or the first token", found: "found \(quotedList(chosen.map(\.0)))")
    }
    return mode
  }
}

/// A small JSON file with an object in it.
struct JSONFile {
  let path: String
  let value: JSONValue

  subscript(key: String) -> JSONValue? {
    guard let value = value.object?[key], value != .null else { return nil }
    return value
  }

  init(_ path: String) throws(DataError) {
    let source = try FileBytes(path: path)
    guard source.count <= 1 << 20 else {
      throw DataError(
        file: path, "the file is too long", expected: "at most 1 MiB of JSON",
        found: "found \(source.count) bytes")
    }
    let bytes = try source.bytes(0..<source.count)
    do {
      value = try JSONValue(parsing: bytes.span)
    } catch {
      throw DataError(file: path, byte: error.byte, "this is not JSON: \(error.problem)")
    }
    self.path = path
  }

  init?(optional path: String) throws(DataError) {
    guard FileManager.default.fileExists(atPath: path) else { return nil }
    try self.init(path)
  }
}
