import CPenchant

/// The sizes of a product `C = op(A) op(B)`: `op(A)` is `[rows, inner]`, `op(B)` `[inner, columns]`, `C` `[rows, columns]`,
/// all row-major.
public struct ProductShape: Sendable, Equatable, CustomStringConvertible {
  public var rows: Int
  public var columns: Int
  public var inner: Int
  /// `A` is stored `[inner, rows]`.
  public var transposesA: Bool
  /// `B` is stored `[columns, inner]`, as the weights `[out, in]` of a linear layer.
  public var transposesB: Bool

  public init(rows: Int, columns: Int, inner: Int, transposesA: Bool = false, transposesB: Bool = false) {
    self.rows = rows
    self.columns = columns
    self.inner = inner
    self.transposesA = transposesA
    self.transposesB = transposesB
  }

  public var description: String {
    "[\(rows), \(inner)]\(transposesA ? " (A transposed)" : "") · [\(inner), \(columns)]\(transposesB ? " (B transposed)" : "")"
  }

  var a: pn_transpose { transposesA ? PN_TRANS : PN_NO_TRANS }
  var b: pn_transpose { transposesB ? PN_TRANS : PN_NO_TRANS }
  var lda: Int { transposesA ? rows : inner }
  var ldb: Int { transposesB ? inner : columns }

  func validate(_ call: StaticString, batch: Int = 1) throws(KernelError) {
    guard rows >= 0, columns >= 0, inner >= 0, batch >= 0 else {
      throw .shape("\(call)", "negative size in \(self), batch \(batch)")
    }
  }

  /// Elements of a `[rows, columns]` operand of every item; throws when that is not what the span holds.
  static func require(
    _ call: StaticString, _ name: StaticString, _ rows: Int, _ columns: Int, batch: Int = 1, has count: Int
  ) throws(KernelError) {
    let (matrix, overflow) = rows.multipliedReportingOverflow(by: columns)
    let (all, overflows) = matrix.multipliedReportingOverflow(by: batch)
    guard !overflow, !overflows, all == count else {
      throw .shape(
        "\(call)", "\(name) has \(count) values for \(batch == 1 ? "" : "\(batch) x ")[\(rows), \(columns)]")
    }
  }
}

/// Writes `alpha · op(A) op(B) + beta · C` into `c`, then adds a bias to every row and applies an activation.
///
/// Sums are taken in float in a fixed order: same bits for every number of threads. With `beta` 0 the old contents of `c` are
/// not read. NaN and infinity propagate as in the formula.
///
/// - Parameters:
///   - a: `[rows, inner]`, or `[inner, rows]` when transposed.
///   - b: `[inner, columns]`, or `[columns, inner]` when transposed.
///   - columnBias: `[columns]` or `nil`.
/// - Complexity: O(rows · columns · inner); runs on the team.
/// - Throws: `KernelError.shape` when a count does not fit, `.memory` when the workspace is refused.
public func multiply(
  _ shape: ProductShape, alpha: Float = 1, _ a: Span<Float>, _ b: Span<Float>, beta: Float = 0,
  columnBias: Span<Float>? = nil, activation: Activation = .none, into c: inout MutableSpan<Float>
) throws(KernelError) {
  try shape.validate("multiply")
  try ProductShape.require("multiply", "a", shape.rows, shape.inner, has: a.count)
  try ProductShape.require("multiply", "b", shape.inner, shape.columns, has: b.count)
  try ProductShape.require("multiply", "c", shape.rows, shape.columns, has: c.count)
  if let columnBias {
    try ProductShape.require("multiply", "columnBias", 1, shape.columns, has: columnBias.count)
  }
  let scratch = try Scratch(
    pn_gemm_workspace(shape.a, shape.b, shape.rows, shape.columns, shape.inner), "multiply")
  var epilogue = pn_gemm_epilogue()
  epilogue.column_bias = address(columnBias)
  epilogue.activation = activation.c
  try check(
    pn_gemm_f32(
      shape.a, shape.b, shape.rows, shape.columns, shape.inner, alpha, address(a), max(shape.lda, 1),
      address(b),
      max(shape.ldb, 1), beta, address(&c), shape.columns, &epilogue, scratch.start, scratch.bytes),
    "multiply")
}

/// The input gradient of a layer whose input is an activation: `c = op(A) op(B)` times the activation's derivative.
///
/// - Parameters:
///   - at: `[rows, columns]`, what the activation was applied to, or its result when `fromOutput`.
///   - fromOutput: possible for `.relu`, `.tanh` and `.sigmoid`.
/// - Complexity: O(rows · columns · inner); runs on the team.
/// - Throws: `KernelError.shape`, `.value` for an activation whose derivative cannot be had from its result, `.memory`.
public func multiplyGradient(
  _ shape: ProductShape, _ a: Span<Float>, _ b: Span<Float>, of activation: Activation, at: Span<Float>,
  fromOutput: Bool = false, into c: inout MutableSpan<Float>
) throws(KernelError) {
  try shape.validate("multiplyGradient")
  try ProductShape.require("multiplyGradient", "a", shape.rows, shape.inner, has: a.count)
  try ProductShape.require("multiplyGradient", "b", shape.inner, shape.columns, has: b.count)
  try ProductShape.require("multiplyGradient", "at", shape.rows, shape.columns, has: at.count)
  try ProductShape.require("multiplyGradient", "c", shape.rows, shape.columns, has: c.count)
  if fromOutput, [.gelu, .geluTanh, .silu].contains(activation) {
    throw .value(
      "multiplyGradient", "the derivative of \(activation) does not follow from its result; pass its input")
  }
  let scratch = try Scratch(
    pn_gemm_workspace(shape.a, shape.b, shape.rows, shape.columns, shape.inner), "multiplyGradient")
  var epilogue = pn_gemm_epilogue()
  epilogue.gradient_of = activation.c
  epilogue.gradient_from_output = fromOutput
  epilogue.gradient_at = address(at)
  epilogue.ldgradient = shape.columns
  try check(
    pn_gemm_f32(
      shape.a, shape.b, shape.rows, shape.columns, shape.inner, 1, address(a), max(shape.lda, 1), address(b),
      max(shape.ldb, 1), 0, address(&c), shape.columns, &epilogue, scratch.start, scratch.bytes),
    "multiplyGradient")
}

/// `batch` products of one shape, items one behind the other in every span.
///
/// - Parameters:
///   - sharesA: `a` holds one matrix that every item uses.
///   - sharesB: the same for `b`.
/// - Complexity: O(batch · rows · columns · inner); runs on the team.
/// - Throws: `KernelError.shape` when a count does not fit, `.memory` when the workspace is refused.
public func multiplyBatch(
  _ batch: Int, _ shape: ProductShape, alpha: Float = 1, _ a: Span<Float>, sharesA: Bool = false,
  _ b: Span<Float>,
  sharesB: Bool = false, beta: Float = 0, into c: inout MutableSpan<Float>
) throws(KernelError) {
  try shape.validate("multiplyBatch", batch: batch)
  try ProductShape.require(
    "multiplyBatch", "a", shape.rows, shape.inner, batch: sharesA ? 1 : batch, has: a.count)
  try ProductShape.require(
    "multiplyBatch", "b", shape.inner, shape.columns, batch: sharesB ? 1 : batch, has: b.count)
  try ProductShape.require("multiplyBatch", "c", shape.rows, shape.columns, batch: batch, has: c.count)
  let scratch = try Scratch(
    pn_gemm_batched_workspace(batch, shape.a, shape.b, shape.rows, shape.columns, shape.inner),
    "multiplyBatch")
  try check(
    pn_gemm_batched_f32(
      batch, shape.a, shape.b, shape.rows, shape.columns, shape.inner, alpha, address(a), max(shape.lda, 1),
      sharesA ? 0 : shape.rows * shape.inner, address(b), max(shape.ldb, 1),
      sharesB ? 0 : shape.inner * shape.columns, beta, address(&c), shape.columns, shape.rows * shape.columns,
      scratch.start, scratch.bytes), "multiplyBatch")
}

/// A right factor laid out once for many products: weights during inference, or queries against a catalogue.
public struct PackedMatrix: ~Copyable, @unchecked Sendable {
  // Sendable: the memory is written in init only.
  public let columns: Int
  public let inner: Int
  private let memory: Scratch

  /// - Parameter b: `[inner, columns]`, or `[columns, inner]` when transposed.
  /// - Throws: `KernelError.shape` when the count does not fit, `.memory` when the memory is refused.
  public init(columns: Int, inner: Int, _ b: Span<Float>, transposed: Bool = false) throws(KernelError) {
    guard columns >= 0, inner >= 0 else { throw .shape("PackedMatrix", "[\(inner), \(columns)]") }
    try ProductShape.require("PackedMatrix", "b", inner, columns, has: b.count)
    let memory = try Scratch(pn_gemm_pack_b_bytes(columns, inner), "PackedMatrix")
    try check(
      pn_gemm_pack_b_f32(
        transposed ? PN_TRANS : PN_NO_TRANS, columns, inner, address(b), max(transposed ? inner : columns, 1),
        memory.start, memory.bytes), "PackedMatrix")
    self.columns = columns
    self.inner = inner
    self.memory = memory
  }

  /// Writes `alpha · A · self + beta · C` into `c`, then adds a bias to every row and applies an activation.
  ///
  /// - Parameters:
  ///   - a: `[rows, inner]`.
  ///   - columnBias: `[columns]` or `nil`.
  /// - Throws: `KernelError.shape`, `.memory`.
  public func multiply(
    rows: Int, alpha: Float = 1, _ a: Span<Float>, beta: Float = 0, columnBias: Span<Float>? = nil,
    activation: Activation = .none, into c: inout MutableSpan<Float>
  ) throws(KernelError) {
    guard rows >= 0 else { throw .shape("PackedMatrix.multiply", "\(rows) rows") }
    try ProductShape.require("PackedMatrix.multiply", "a", rows, inner, has: a.count)
    try ProductShape.require("PackedMatrix.multiply", "c", rows, columns, has: c.count)
    if let columnBias {
      try ProductShape.require("PackedMatrix.multiply", "columnBias", 1, columns, has: columnBias.count)
    }
    let scratch = try Scratch(
      pn_gemm_packed_workspace(PN_NO_TRANS, rows, columns, inner), "PackedMatrix.multiply")
    var epilogue = pn_gemm_epilogue()
    epilogue.column_bias = address(columnBias)
    epilogue.activation = activation.c
    try check(
      pn_gemm_packed_f32(
        PN_NO_TRANS, rows, columns, inner, alpha, address(a), max(inner, 1), memory.start, beta, address(&c),
        columns,
        &epilogue, scratch.start, scratch.bytes), "PackedMatrix.multiply")
  }
}

/// `op(A) op(B)` as a new array.
///
/// - Throws: `KernelError.shape` when a count does not fit, `.memory` when the workspace is refused.
public func product(_ shape: ProductShape, _ a: [Float], _ b: [Float]) throws(KernelError) -> [Float] {
  try shape.validate("product")
  let (count, overflow) = shape.rows.multipliedReportingOverflow(by: shape.columns)
  guard !overflow else { throw .shape("product", "\(shape) is too large") }
  var c = [Float](repeating: 0, count: count)
  var span = c.mutableSpan
  try multiply(shape, a.span, b.span, into: &span)
  return c
}
