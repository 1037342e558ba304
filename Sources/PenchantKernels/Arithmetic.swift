import CPenchant

// The small arithmetic of a tape.

/// y += alpha x.
///
/// - Throws: `KernelError.shape` when the lengths differ.
public func axpy(_ alpha: Float, _ x: Span<Float>, into y: inout MutableSpan<Float>) throws(KernelError) {
  guard x.count == y.count else { throw .shape("axpy", "x has \(x.count) elements, y has \(y.count)") }
  try check(pn_axpy_f32(x.count, alpha, address(x), address(&y)), "axpy")
}

/// Sums of the columns of `[rows, columns]` gradients: the gradient of a bias. Accumulated in double.
///
/// - Throws: `KernelError.shape` when `dy` is not rows of the width of `dbias`, `.memory` without workspace.
public func biasGradient(_ dy: Span<Float>, into dbias: inout MutableSpan<Float>) throws(KernelError) {
  let columns = dbias.count
  guard columns > 0 ? dy.count % columns == 0 : dy.isEmpty else {
    throw .shape("biasGradient", "\(dy.count) gradients are not rows of \(columns)")
  }
  guard columns > 0 else { return }
  let rows = dy.count / columns
  let scratch = try Scratch(pn_bias_grad_workspace(rows, columns), "biasGradient")
  try check(
    pn_bias_grad_f32(rows, columns, address(dy), address(&dbias), scratch.start, scratch.bytes),
    "biasGradient")
}

/// Writes `x / (1 - p)` where a draw keeps the element and 0 elsewhere.
///
/// The mask is a function of (seed, stream, first + place): the gradient is the same call on the upstream gradient.
/// - Parameter p: Chance of being dropped, in 0...1.
/// - Throws: `KernelError.shape`, `.value`.
public func dropout(
  _ x: Span<Float>, p: Float, seed: UInt64, stream: UInt64, first: UInt64 = 0,
  into y: inout MutableSpan<Float>
) throws(KernelError) {
  guard x.count == y.count else { throw .shape("dropout", "x has \(x.count) elements, y has \(y.count)") }
  guard (0...1).contains(p) else { throw .value("dropout", "p is \(p), it must be in 0...1") }
  try check(pn_dropout_f32(x.count, p, seed, stream, first, address(x), address(&y)), "dropout")
}
