import CPenchant

/// Rows that `count` values make; throws when they do not divide.
@inline(__always)
private func rows(_ count: Int, columns: Int, _ call: StaticString) throws(KernelError) -> Int {
  guard columns >= 0, columns > 0 ? count % columns == 0 : count == 0 else {
    throw .shape("\(call)", "\(count) values are not rows of \(columns)")
  }
  return columns > 0 ? count / columns : 0
}

/// e^x over its sum, for every row of `columns` values.
///
/// - Parameter mask: 1 keeps, 0 gives 0; a row that is masked as a whole gives zeros.
/// - Throws: `KernelError.shape`.
public func softmax(
  _ x: Span<Float>, columns: Int, mask: Span<UInt8>? = nil, into y: inout MutableSpan<Float>
) throws(KernelError) {
  let rows = try rows(x.count, columns: columns, "softmax")
  try require(mask, "mask", is: x.count, "softmax")
  try require(y.count, "y", is: x.count, "softmax")
  try check(pn_softmax_f32(rows, columns, address(x), address(mask), address(&y)), "softmax")
}

/// The gradient of `softmax` from its result `y`.
public func softmaxGradient(
  _ y: Span<Float>, columns: Int, upstream: Span<Float>, into dx: inout MutableSpan<Float>
) throws(KernelError) {
  let rows = try rows(y.count, columns: columns, "softmaxGradient")
  try require(upstream.count, "upstream", is: y.count, "softmaxGradient")
  try require(dx.count, "dx", is: y.count, "softmaxGradient")
  try check(
    pn_softmax_grad_f32(rows, columns, address(y), address(upstream), address(&dx)), "softmaxGradient")
}

/// x - log of the sum of e^x, for every row of `columns` values.
///
/// - Parameter mask: 1 keeps, 0 gives -infinity.
public func logSoftmax(
  _ x: Span<Float>, columns: Int, mask: Span<UInt8>? = nil, into y: inout MutableSpan<Float>
) throws(KernelError) {
  let rows = try rows(x.count, columns: columns, "logSoftmax")
  try require(mask, "mask", is: x.count, "logSoftmax")
  try require(y.count, "y", is: x.count, "logSoftmax")
  try check(pn_log_softmax_f32(rows, columns, address(x), address(mask), address(&y)), "logSoftmax")
}

/// The gradient of `logSoftmax` from its result `y`; places with -infinity get 0.
public func logSoftmaxGradient(
  _ y: Span<Float>, columns: Int, upstream: Span<Float>, into dx: inout MutableSpan<Float>
) throws(KernelError) {
  let rows = try rows(y.count, columns: columns, "logSoftmaxGradient")
  try require(upstream.count, "upstream", is: y.count, "logSoftmaxGradient")
  try require(dx.count, "dx", is: y.count, "logSoftmaxGradient")
  try check(
    pn_log_softmax_grad_f32(rows, columns, address(y), address(upstream), address(&dx)), "logSoftmaxGradient")
}

/// (x - mean) / sqrt(variance + eps) · gain + bias, for every row as wide as `gain`.
///
/// - Parameters:
///   - mean: One a row; what the gradient needs.
///   - rstd: 1 / sqrt(variance + eps), one a row; what the gradient needs.
/// - Throws: `KernelError.shape`; `.status` for an `eps` that is negative or not finite.
public func layerNorm(
  _ x: Span<Float>, gain: Span<Float>, bias: Span<Float>, eps: Float = 1e-5, into y: inout MutableSpan<Float>,
  mean: inout MutableSpan<Float>, rstd: inout MutableSpan<Float>
) throws(KernelError) {
  let columns = gain.count
  let rows = try rows(x.count, columns: columns, "layerNorm")
  try require(bias.count, "bias", is: columns, "layerNorm")
  try require(y.count, "y", is: x.count, "layerNorm")
  try require(mean.count, "mean", is: rows, "layerNorm")
  try require(rstd.count, "rstd", is: rows, "layerNorm")
  try check(
    pn_layer_norm_f32(
      rows, columns, eps, address(x), nil, address(gain), address(bias), address(&y), nil, address(&mean),
      address(&rstd)), "layerNorm")
}

/// The same of `x + residual`, which is written into `sum` on the way.
public func layerNorm(
  _ x: Span<Float>, adding residual: Span<Float>, gain: Span<Float>, bias: Span<Float>, eps: Float = 1e-5,
  into y: inout MutableSpan<Float>, sum: inout MutableSpan<Float>, mean: inout MutableSpan<Float>,
  rstd: inout MutableSpan<Float>
) throws(KernelError) {
  let columns = gain.count
  let rows = try rows(x.count, columns: columns, "layerNorm")
  try require(residual.count, "residual", is: x.count, "layerNorm")
  try require(bias.count, "bias", is: columns, "layerNorm")
  try require(y.count, "y", is: x.count, "layerNorm")
  try require(sum.count, "sum", is: x.count, "layerNorm")
  try require(mean.count, "mean", is: rows, "layerNorm")
  try require(rstd.count, "rstd", is: rows, "layerNorm")
  try check(
    pn_layer_norm_f32(
      rows, columns, eps, address(x), address(residual), address(gain), address(bias), address(&y),
      address(&sum),
      address(&mean), address(&rstd)), "layerNorm")
}

/// The gradients of `layerNorm`.
///
/// - Parameters:
///   - h: What was normalised: `x`, or `sum` of the form with a residual.
///   - throughSum: The gradient that reaches `h` on another way; it is added to `dx`.
/// - Throws: `KernelError.shape`, `.memory` without workspace.
public func layerNormGradient(
  _ h: Span<Float>, gain: Span<Float>, mean: Span<Float>, rstd: Span<Float>, upstream: Span<Float>,
  throughSum: Span<Float>? = nil, into dx: inout MutableSpan<Float>, gain dgain: inout MutableSpan<Float>,
  bias dbias: inout MutableSpan<Float>
) throws(KernelError) {
  let columns = gain.count
  let rows = try rows(h.count, columns: columns, "layerNormGradient")
  try require(mean.count, "mean", is: rows, "layerNormGradient")
  try require(rstd.count, "rstd", is: rows, "layerNormGradient")
  try require(upstream.count, "upstream", is: h.count, "layerNormGradient")
  try require(throughSum, "throughSum", is: h.count, "layerNormGradient")
  try require(dx.count, "dx", is: h.count, "layerNormGradient")
  try require(dgain.count, "the gradient of gain", is: columns, "layerNormGradient")
  try require(dbias.count, "the gradient of bias", is: columns, "layerNormGradient")
  let scratch = try Scratch(pn_layer_norm_grad_workspace(rows, columns), "layerNormGradient")
  try check(
    pn_layer_norm_grad_f32(
      rows, columns, address(h), address(gain), address(mean), address(rstd), address(upstream),
      address(throughSum),
      address(&dx), address(&dgain), address(&dbias), scratch.start, scratch.bytes), "layerNormGradient")
}

/// x / sqrt(mean of squares + eps) · gain, for every row as wide as `gain`.
public func rmsNorm(
  _ x: Span<Float>, gain: Span<Float>, eps: Float = 1e-6, into y: inout MutableSpan<Float>,
  rstd: inout MutableSpan<Float>
) throws(KernelError) {
  let columns = gain.count
  let rows = try rows(x.count, columns: columns, "rmsNorm")
  try require(y.count, "y", is: x.count, "rmsNorm")
  try require(rstd.count, "rstd", is: rows, "rmsNorm")
  try check(
    pn_rms_norm_f32(rows, columns, eps, address(x), nil, address(gain), address(&y), nil, address(&rstd)),
    "rmsNorm")
}

/// The gradients of `rmsNorm`.
public func rmsNormGradient(
  _ h: Span<Float>, gain: Span<Float>, rstd: Span<Float>, upstream: Span<Float>,
  throughSum: Span<Float>? = nil,
  into dx: inout MutableSpan<Float>, gain dgain: inout MutableSpan<Float>
) throws(KernelError) {
  let columns = gain.count
  let rows = try rows(h.count, columns: columns, "rmsNormGradient")
  try require(rstd.count, "rstd", is: rows, "rmsNormGradient")
  try require(upstream.count, "upstream", is: h.count, "rmsNormGradient")
  try require(throughSum, "throughSum", is: h.count, "rmsNormGradient")
  try require(dx.count, "dx", is: h.count, "rmsNormGradient")
  try require(dgain.count, "the gradient of gain", is: columns, "rmsNormGradient")
  let scratch = try Scratch(pn_rms_norm_grad_workspace(rows, columns), "rmsNormGradient")
  try check(
    pn_rms_norm_grad_f32(
      rows, columns, address(h), address(gain), address(rstd), address(upstream), address(throughSum),
      address(&dx),
      address(&dgain), scratch.start, scratch.bytes), "rmsNormGradient")
}
