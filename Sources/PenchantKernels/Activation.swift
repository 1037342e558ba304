import CPenchant

/// Activations of a layer. The same set is fused into matrix products.
public enum Activation: String, Sendable, Codable, CaseIterable {
  /// The identity.
  case none
  /// max(x, 0).
  case relu
  /// x Φ(x), with the error function.
  case gelu
  /// The form of GELU with tanh, as GPT-2 and BERT checkpoints name `gelu_new`.
  case geluTanh = "gelu_tanh"
  /// x σ(x).
  case silu
  case tanh
  case sigmoid

  var c: pn_activation {
    switch self {
    case .none: PN_ACT_NONE
    case .relu: PN_ACT_RELU
    case .gelu: PN_ACT_GELU
    case .geluTanh: PN_ACT_GELU_TANH
    case .silu: PN_ACT_SILU
    case .tanh: PN_ACT_TANH
    case .sigmoid: PN_ACT_SIGMOID
    }
  }
}

/// Applies an activation to every element.
///
/// - Throws: `KernelError.shape` when the lengths differ.
public func activate(
  _ activation: Activation, _ x: Span<Float>, into y: inout MutableSpan<Float>
) throws(KernelError) {
  guard x.count == y.count else { throw .shape("activate", "x has \(x.count) elements, y has \(y.count)") }
  try check(pn_activation_f32(activation.c, x.count, address(x), address(&y)), "activate")
}

/// The gradient of an activation at its input `x` from the gradient `upstream` of its result.
public func activationGradient(
  _ activation: Activation, _ x: Span<Float>, upstream: Span<Float>, into dx: inout MutableSpan<Float>
) throws(KernelError) {
  guard x.count == upstream.count, x.count == dx.count else {
    throw .shape(
      "activationGradient", "x has \(x.count) elements, upstream \(upstream.count), the output \(dx.count)")
  }
  try check(
    pn_activation_grad_f32(activation.c, x.count, address(x), address(upstream), address(&dx)),
    "activationGradient")
}
