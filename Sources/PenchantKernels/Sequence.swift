import CPenchant

/// Sequences of rows and how they attend to each other.
public struct SequenceShape: Sendable, Equatable {
  /// Number of sequences.
  public var sequences: Int
  /// Rows a sequence; with offsets, rows of the longest.
  public var length: Int
  public var heads: Int
  /// Floats a head.
  public var headWidth: Int
  /// Multiplies the inner products; 1 / √headWidth when nil.
  public var scale: Float?
  /// Whether a row attends only to itself and earlier rows.
  public var isCausal: Bool

  public init(
    sequences: Int, length: Int, heads: Int, headWidth: Int, scale: Float? = nil, isCausal: Bool = false
  ) {
    self.sequences = sequences
    self.length = length
    self.heads = heads
    self.headWidth = headWidth
    self.scale = scale
    self.isCausal = isCausal
  }

  /// Floats of one row over all heads.
  var width: Int { heads &* headWidth }

  func c(_ call: StaticString) throws(KernelError) -> pn_sequence_shape {
    let (width, overflow) = heads.multipliedReportingOverflow(by: headWidth)
    let (fused, overflow3) = width.multipliedReportingOverflow(by: 3)
    guard sequences >= 0, length >= 0, heads >= 0, headWidth >= 0, !overflow, !overflow3 else {
      throw .shape(
        "\(call)", "\(sequences) sequences of \(length) rows with \(heads) heads of \(headWidth) floats")
    }
    return pn_sequence_shape(
      sequences: sequences, length: length, heads: heads, head_dim: headWidth, qkv_row: fused, out_row: width,
      scale: scale ?? 1 / Float(max(headWidth, 1)).squareRoot(), causal: isCausal)
  }

  /// Rows of all sequences.
  func rows(_ offsets: Span<UInt32>?, _ call: StaticString) throws(KernelError) -> Int {
    guard let offsets else {
      let (rows, overflow) = sequences.multipliedReportingOverflow(by: length)
      guard !overflow else { throw .shape("\(call)", "\(sequences) sequences of \(length) rows overflow") }
      return rows
    }
    guard offsets.count == sequences + 1 else {
      throw .shape(
        "\(call)", "\(offsets.count) offsets for \(sequences) sequences, \(sequences + 1) expected")
    }
    return Int(offsets[sequences])
  }
}

/// Multi-head attention inside short sequences, from one fused projection.
///
/// - Parameters:
///   - offsets: For ragged batches: sequence `s` owns rows `offsets[s]..<offsets[s + 1]`. Else every sequence has
///     `shape.length` rows.
///   - mask: One a row, 1 = keep. A dropped row takes no part; its output is 0.
///   - qkv: `[rows, 3, heads, headWidth]`.
///   - output: `[rows, heads, headWidth]`.
///   - logSums: `[heads, rows]`, what the gradient needs to recompute the weights.
/// - Throws: `KernelError.shape` when counts or offsets do not fit.
public func sequenceAttention(
  _ shape: SequenceShape, offsets: Span<UInt32>? = nil, mask: Span<UInt8>? = nil, qkv: Span<Float>,
  into output: inout MutableSpan<Float>, logSums: inout MutableSpan<Float>
) throws(KernelError) {
  var c = try shape.c("sequenceAttention")
  let rows = try shape.rows(offsets, "sequenceAttention")
  try require(mask, "mask", is: rows, "sequenceAttention")
  try require(qkv.count, "qkv", is: rows * c.qkv_row, "sequenceAttention")
  try require(output.count, "output", is: rows * c.out_row, "sequenceAttention")
  try require(logSums.count, "logSums", is: rows * shape.heads, "sequenceAttention")
  let scratch = try Scratch(pn_sequence_attention_workspace(&c), "sequenceAttention")
  let query = address(qkv)
  try check(
    pn_sequence_attention_f32(
      &c, address(offsets), address(mask), query, query.map { $0 + shape.width },
      query.map { $0 + 2 * shape.width }, address(&output), address(&logSums), scratch.start, scratch.bytes),
    "sequenceAttention")
}

/// The gradient of ``sequenceAttention(_:offsets:mask:qkv:into:logSums:)``.
///
/// - Parameters:
///   - output: What the forward call wrote.
///   - logSums: What the forward call wrote.
///   - outputGradient: `[rows, heads, headWidth]`.
///   - qkvGradient: `[rows, 3, heads, headWidth]`, overwritten.
public func sequenceAttentionGradient(
  _ shape: SequenceShape, offsets: Span<UInt32>? = nil, mask: Span<UInt8>? = nil, qkv: Span<Float>,
  output: Span<Float>, logSums: Span<Float>, outputGradient: Span<Float>,
  into qkvGradient: inout MutableSpan<Float>
) throws(KernelError) {
  var c = try shape.c("sequenceAttentionGradient")
  let rows = try shape.rows(offsets, "sequenceAttentionGradient")
  try require(mask, "mask", is: rows, "sequenceAttentionGradient")
  try require(qkv.count, "qkv", is: rows * c.qkv_row, "sequenceAttentionGradient")
  try require(output.count, "output", is: rows * c.out_row, "sequenceAttentionGradient")
  try require(outputGradient.count, "outputGradient", is: rows * c.out_row, "sequenceAttentionGradient")
  try require(logSums.count, "logSums", is: rows * shape.heads, "sequenceAttentionGradient")
  try require(qkvGradient.count, "qkvGradient", is: rows * c.qkv_row, "sequenceAttentionGradient")
  let scratch = try Scratch(pn_sequence_attention_grad_workspace(&c), "sequenceAttentionGradient")
  let query = address(qkv)
  let gradient = address(&qkvGradient)
  let width = shape.width
  try check(
    pn_sequence_attention_grad_f32(
      &c, address(offsets), address(mask), query, query.map { $0 + width },
      query.map { $0 + 2 * width }, address(output), address(logSums), address(outputGradient), gradient,
      gradient.map { $0 + width }, gradient.map { $0 + 2 * width }, scratch.start, scratch.bytes),
    "sequenceAttentionGradient")
}
