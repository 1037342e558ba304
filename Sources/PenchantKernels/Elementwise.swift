import CPenchant

// y = f(x), element by element; every function within 2 ulp, gradients from the input x. `into` may not overlap x here:
// the exclusivity of spans says so; in place is for callers of the C layer.

@inline(__always)
private func map(
  _ call: StaticString, _ x: Span<Float>, _ y: inout MutableSpan<Float>,
  _ kernel: (Int, UnsafePointer<Float>?, UnsafeMutablePointer<Float>?) -> pn_status
) throws(KernelError) {
  guard x.count == y.count else { throw .shape("\(call)", "x has \(x.count) elements, y has \(y.count)") }
  try check(kernel(x.count, address(x), address(&y)), call)
}

@inline(__always)
private func combine(
  _ call: StaticString, _ a: Span<Float>, _ b: Span<Float>, _ y: inout MutableSpan<Float>,
  _ kernel: (Int, UnsafePointer<Float>?, UnsafePointer<Float>?, UnsafeMutablePointer<Float>?) -> pn_status
) throws(KernelError) {
  guard a.count == b.count, a.count == y.count else {
    throw .shape("\(call)", "inputs have \(a.count) and \(b.count) elements, the output has \(y.count)")
  }
  try check(kernel(a.count, address(a), address(b), address(&y)), call)
}

/// e to the power of every element.
///
/// - Throws: `KernelError.shape` when the lengths differ.
public func exp(_ x: Span<Float>, into y: inout MutableSpan<Float>) throws(KernelError) {
  try map("exp", x, &y, pn_exp_f32)
}

/// The gradient of `exp` at `x` from the gradient `upstream` of its result.
public func expGradient(
  _ x: Span<Float>, upstream: Span<Float>, into dx: inout MutableSpan<Float>
) throws(KernelError) {
  try combine("expGradient", x, upstream, &dx, pn_exp_grad_f32)
}

/// The natural logarithm of every element.
///
/// - Throws: `KernelError.shape` when the lengths differ.
public func log(_ x: Span<Float>, into y: inout MutableSpan<Float>) throws(KernelError) {
  try map("log", x, &y, pn_log_f32)
}

/// The gradient of `log` at `x` from the gradient `upstream` of its result.
public func logGradient(
  _ x: Span<Float>, upstream: Span<Float>, into dx: inout MutableSpan<Float>
) throws(KernelError) {
  try combine("logGradient", x, upstream, &dx, pn_log_grad_f32)
}

/// e^x - 1 of every element, exact near 0.
///
/// - Throws: `KernelError.shape` when the lengths differ.
public func expm1(_ x: Span<Float>, into y: inout MutableSpan<Float>) throws(KernelError) {
  try map("expm1", x, &y, pn_expm1_f32)
}

/// The gradient of `expm1` at `x` from the gradient `upstream` of its result.
public func expm1Gradient(
  _ x: Span<Float>, upstream: Span<Float>, into dx: inout MutableSpan<Float>
) throws(KernelError) {
  try combine("expm1Gradient", x, upstream, &dx, pn_expm1_grad_f32)
}

/// log(1 + x) of every element, exact near 0.
///
/// - Throws: `KernelError.shape` when the lengths differ.
public func log1p(_ x: Span<Float>, into y: inout MutableSpan<Float>) throws(KernelError) {
  try map("log1p", x, &y, pn_log1p_f32)
}

/// The gradient of `log1p` at `x` from the gradient `upstream` of its result.
public func log1pGradient(
  _ x: Span<Float>, upstream: Span<Float>, into dx: inout MutableSpan<Float>
) throws(KernelError) {
  try combine("log1pGradient", x, upstream, &dx, pn_log1p_grad_f32)
}

/// The hyperbolic tangent of every element.
///
/// - Throws: `KernelError.shape` when the lengths differ.
public func tanh(_ x: Span<Float>, into y: inout MutableSpan<Float>) throws(KernelError) {
  try map("tanh", x, &y, pn_tanh_f32)
}

/// The gradient of `tanh` at `x` from the gradient `upstream` of its result.
public func tanhGradient(
  _ x: Span<Float>, upstream: Span<Float>, into dx: inout MutableSpan<Float>
) throws(KernelError) {
  try combine("tanhGradient", x, upstream, &dx, pn_tanh_grad_f32)
}

/// The error function of every element.
///
/// - Throws: `KernelError.shape` when the lengths differ.
public func erf(_ x: Span<Float>, into y: inout MutableSpan<Float>) throws(KernelError) {
  try map("erf", x, &y, pn_erf_f32)
}

/// The gradient of `erf` at `x` from the gradient `upstream` of its result.
public func erfGradient(
  _ x: Span<Float>, upstream: Span<Float>, into dx: inout MutableSpan<Float>
) throws(KernelError) {
  try combine("erfGradient", x, upstream, &dx, pn_erf_grad_f32)
}

/// The logistic function 1 / (1 + e^-x) of every element.
///
/// - Throws: `KernelError.shape` when the lengths differ.
public func sigmoid(_ x: Span<Float>, into y: inout MutableSpan<Float>) throws(KernelError) {
  try map("sigmoid", x, &y, pn_sigmoid_f32)
}

/// The gradient of `sigmoid` at `x` from the gradient `upstream` of its result.
public func sigmoidGradient(
  _ x: Span<Float>, upstream: Span<Float>, into dx: inout MutableSpan<Float>
) throws(KernelError) {
  try combine("sigmoidGradient", x, upstream, &dx, pn_sigmoid_grad_f32)
}

/// The logarithm of the logistic function of every element.
///
/// - Throws: `KernelError.shape` when the lengths differ.
public func logSigmoid(_ x: Span<Float>, into y: inout MutableSpan<Float>) throws(KernelError) {
  try map("logSigmoid", x, &y, pn_log_sigmoid_f32)
}

/// The gradient of `logSigmoid` at `x` from the gradient `upstream` of its result.
public func logSigmoidGradient(
  _ x: Span<Float>, upstream: Span<Float>, into dx: inout MutableSpan<Float>
) throws(KernelError) {
  try combine("logSigmoidGradient", x, upstream, &dx, pn_log_sigmoid_grad_f32)
}

/// log(1 + e^x) of every element.
///
/// - Throws: `KernelError.shape` when the lengths differ.
public func softplus(_ x: Span<Float>, into y: inout MutableSpan<Float>) throws(KernelError) {
  try map("softplus", x, &y, pn_softplus_f32)
}

/// The gradient of `softplus` at `x` from the gradient `upstream` of its result.
public func softplusGradient(
  _ x: Span<Float>, upstream: Span<Float>, into dx: inout MutableSpan<Float>
) throws(KernelError) {
  try combine("softplusGradient", x, upstream, &dx, pn_softplus_grad_f32)
}
