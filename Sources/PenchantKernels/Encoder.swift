import CPenchant

/// Sizes of a BERT-style encoder.
public struct EncoderShape: Sendable, Equatable {
  public var width: Int
  public var heads: Int
  public var inner: Int
  public var layers: Int
  public var vocabulary: Int
  /// Tokens of the longest sequence.
  public var positions: Int
  public var epsilon: Float
  public var activation: Activation

  public init(
    width: Int, heads: Int, inner: Int, layers: Int, vocabulary: Int, positions: Int, epsilon: Float = 1e-12,
    activation: Activation = .gelu
  ) {
    self.width = width
    self.heads = heads
    self.inner = inner
    self.layers = layers
    self.vocabulary = vocabulary
    self.positions = positions
    self.epsilon = epsilon
    self.activation = activation
  }
}

/// Weights of one layer, `[out, in]` row-major: `w` width, `f` inner width.
public struct EncoderLayer: Sendable {
  /// `[3 w, w]`: the rows of query, key and value, one behind the other.
  public var queryKeyValue: [Float]
  public var queryKeyValueBias: [Float]
  /// `[w, w]`
  public var output: [Float]
  public var outputBias: [Float]
  public var attentionNormScale: [Float]
  public var attentionNormShift: [Float]
  /// `[f, w]`
  public var up: [Float]
  public var upBias: [Float]
  /// `[w, f]`
  public var down: [Float]
  public var downBias: [Float]
  public var normScale: [Float]
  public var normShift: [Float]

  public init(
    queryKeyValue: [Float], queryKeyValueBias: [Float], output: [Float], outputBias: [Float],
    attentionNormScale: [Float], attentionNormShift: [Float], up: [Float], upBias: [Float], down: [Float],
    downBias: [Float], normScale: [Float], normShift: [Float]
  ) {
    self.queryKeyValue = queryKeyValue
    self.queryKeyValueBias = queryKeyValueBias
    self.output = output
    self.outputBias = outputBias
    self.attentionNormScale = attentionNormScale
    self.attentionNormShift = attentionNormShift
    self.up = up
    self.upBias = upBias
    self.down = down
    self.downBias = downBias
    self.normScale = normScale
    self.normShift = normShift
  }
}

/// Which vector stands for a sequence.
public enum EncoderPooling: Sendable, Equatable {
  /// The mean over its tokens.
  case mean
  /// Its first token.
  case first
}

/// A BERT-style encoder with packed weights, ready to run. See `penchant/encoder.h` for the formula.
public final class EncoderNetwork: @unchecked Sendable {
  public let shape: EncoderShape
  private var weights: pn_encoder_weights
  /// Owned memory, which `weights` and `layers` point into. Nothing is written after `init`.
  private var blocks: [UnsafeMutableRawPointer] = []
  private var layers: UnsafeMutablePointer<pn_encoder_layer>?

  /// - Parameters:
  ///   - words: `[vocabulary, width]`
  ///   - positions: `[positions, width]`, the first token type added
  /// - Throws: `KernelError.shape` when a size does not fit, `.memory` when memory is refused.
  public init(
    _ shape: EncoderShape, words: [Float], positions: [Float], normScale: [Float], normShift: [Float],
    layers list: [EncoderLayer]
  ) throws(KernelError) {
    guard shape.width > 0, shape.heads > 0, shape.width % shape.heads == 0, shape.inner > 0,
      shape.vocabulary > 0,
      shape.positions > 0, list.count == shape.layers
    else {
      throw .value("EncoderNetwork", "the shape \(shape) with \(list.count) layers is not possible")
    }
    self.shape = shape
    weights = pn_encoder_weights()
    let (d, f) = (shape.width, shape.inner)
    weights.words = UnsafePointer(try keep(words, shape.vocabulary * d, "words"))
    weights.positions = UnsafePointer(try keep(positions, shape.positions * d, "positions"))
    weights.norm_scale = UnsafePointer(try keep(normScale, d, "normScale"))
    weights.norm_shift = UnsafePointer(try keep(normShift, d, "normShift"))
    let bytes = max(1, list.count) * MemoryLayout<pn_encoder_layer>.stride
    let layers = try allocate(bytes).bindMemory(to: pn_encoder_layer.self, capacity: max(1, list.count))
    for (place, layer) in list.enumerated() {
      var own = pn_encoder_layer()
      own.qkv = UnsafeRawPointer(try pack(layer.queryKeyValue, 3 * d, d, "queryKeyValue"))
      own.out = UnsafeRawPointer(try pack(layer.output, d, d, "output"))
      own.up = UnsafeRawPointer(try pack(layer.up, f, d, "up"))
      own.down = UnsafeRawPointer(try pack(layer.down, d, f, "down"))
      own.qkv_bias = UnsafePointer(try keep(layer.queryKeyValueBias, 3 * d, "queryKeyValueBias"))
      own.out_bias = UnsafePointer(try keep(layer.outputBias, d, "outputBias"))
      own.up_bias = UnsafePointer(try keep(layer.upBias, f, "upBias"))
      own.down_bias = UnsafePointer(try keep(layer.downBias, d, "downBias"))
      own.norm1_scale = UnsafePointer(try keep(layer.attentionNormScale, d, "attentionNormScale"))
      own.norm1_shift = UnsafePointer(try keep(layer.attentionNormShift, d, "attentionNormShift"))
      own.norm2_scale = UnsafePointer(try keep(layer.normScale, d, "normScale"))
      own.norm2_shift = UnsafePointer(try keep(layer.normShift, d, "normShift"))
      (layers + place).initialize(to: own)
    }
    self.layers = layers
    weights.layers = UnsafePointer(layers)
  }

  deinit {
    for block in blocks { pn_free(block) }
  }

  private func allocate(_ bytes: Int) throws(KernelError) -> UnsafeMutableRawPointer {
    guard let block = pn_alloc(bytes) else { throw .memory("EncoderNetwork", bytes: bytes) }
    blocks.append(block)
    return block
  }

  private func keep(_ values: [Float], _ count: Int, _ name: String) throws(KernelError)
    -> UnsafeMutablePointer<Float>
  {
    guard values.count == count else {
      throw .shape("EncoderNetwork", "\(name) has \(values.count) values, the shape wants \(count)")
    }
    let block = try allocate(max(1, count) * MemoryLayout<Float>.stride).bindMemory(
      to: Float.self, capacity: max(1, count))
    values.withUnsafeBufferPointer {
      if let base = $0.baseAddress { block.initialize(from: base, count: count) }
    }
    return block
  }

  private func pack(_ values: [Float], _ rows: Int, _ columns: Int, _ name: String) throws(KernelError)
    -> UnsafeMutableRawPointer
  {
    guard values.count == rows * columns else {
      throw .shape(
        "EncoderNetwork", "\(name) has \(values.count) values, the shape wants [\(rows), \(columns)]")
    }
    let bytes = pn_gemm_pack_b_bytes(rows, columns)
    let block = try allocate(bytes)
    try check(pn_gemm_pack_b_f32(PN_TRANS, rows, columns, values, columns, block, bytes), "EncoderNetwork")
    return block
  }

  /// One vector a sequence, `[sequences, width]`.
  ///
  /// - Parameters:
  ///   - tokens: the tokens of all sequences, one behind the other.
  ///   - offsets: sequence `s` has the tokens `offsets[s]..<offsets[s + 1]`.
  ///   - normalise: make each vector's length 1.
  ///   - depth: layers that are run, from the first on; the vectors are what stands behind the last of them. nil for all.
  /// - Complexity: 12 `width`² + 4 `width` · length multiplications a token and layer; groups of sequences run on the team.
  /// - Throws: `KernelError.shape` for offsets that do not fit or a sequence that is too long, `.value` for a depth that the
  ///   network does not have, `.status` for a token outside the vocabulary, `.memory` when the workspace is refused.
  public func encode(
    tokens: [UInt32], offsets: [UInt32], pooling: EncoderPooling = .mean, normalise: Bool = false,
    depth: Int? = nil
  ) throws(KernelError) -> [Float] {
    let depth = depth ?? shape.layers
    guard (0...shape.layers).contains(depth) else {
      throw .value("EncoderNetwork.encode", "a depth of \(depth), there are \(shape.layers) layers")
    }
    guard let last = offsets.last, Int(last) == tokens.count, offsets.first == 0 else {
      throw .shape(
        "EncoderNetwork.encode", "offsets end at \(offsets.last ?? 0), there are \(tokens.count) tokens")
    }
    var longest = 0
    for (start, end) in zip(offsets, offsets.dropFirst()) {
      guard start <= end, Int(end - start) <= shape.positions else {
        throw .shape(
          "EncoderNetwork.encode",
          "a sequence from token \(start) to \(end); \(shape.positions) tokens are possible")
      }
      longest = max(longest, Int(end - start))
    }
    var sizes = pn_encoder_shape(
      width: shape.width, heads: shape.heads, inner: shape.inner, layers: depth,
      vocabulary: shape.vocabulary,
      positions: shape.positions, epsilon: shape.epsilon, activation: shape.activation.c)
    let sequences = offsets.count - 1
    var output = [Float](repeating: 0, count: sequences * shape.width)
    guard sequences > 0 else { return output }
    let workspace = try Scratch(pn_encoder_workspace(&sizes, sequences, longest), "EncoderNetwork.encode")
    var weights = weights
    try check(
      pn_encoder_f32(
        &sizes, sequences, pooling == .mean ? PN_POOL_MEAN : PN_POOL_FIRST, normalise, offsets, tokens,
        &weights, &output,
        workspace.start, workspace.bytes), "EncoderNetwork.encode")
    return output
  }
}
