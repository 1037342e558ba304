import CPenchant

/// Sizes of a group norm over pictures, channels last.
public struct GroupNormShape: Sendable, Equatable {
  public var pictures: Int
  public var pixels: Int
  public var channels: Int
  /// How many groups of neighbouring channels.
  public var groups: Int
  public var epsilon: Float
  /// Whether SiLU follows.
  public var silu: Bool

  public init(
    pictures: Int, pixels: Int, channels: Int, groups: Int, epsilon: Float = 1e-5, silu: Bool = true
  ) {
    self.pictures = pictures
    self.pixels = pixels
    self.channels = channels
    self.groups = groups
    self.epsilon = epsilon
    self.silu = silu
  }

  /// Values of the pictures, of scales and shifts, and of statistics.
  fileprivate struct Counts {
    let x: Int
    let film: Int
    let statistics: Int
  }

  fileprivate func counts(_ call: StaticString) throws(KernelError) -> Counts {
    guard groups > 0, channels % groups == 0, let x = product([pictures, pixels, channels]),
      let film = product([pictures, 2, channels]), let statistics = product([pictures, groups])
    else {
      throw .shape(
        "\(call)", "\(pictures) pictures of \(pixels) pixels, \(channels) channels in \(groups) groups")
    }
    return Counts(x: x, film: film, statistics: statistics)
  }

  fileprivate var lowered: pn_group_norm_shape {
    pn_group_norm_shape(
      pictures: pictures, pixels: pixels, channels: channels, groups: groups, eps: epsilon, silu: silu)
  }
}

/// Group norm (Wu & He 2018) with a scale and shift a picture (FiLM, Perez et al. 2018) and SiLU:
/// `z = (x̂ gain + bias)(1 + scale) + shift`, `y = z σ(z)`.
///
/// - Parameters:
///   - x: `[pictures, pixels, channels]`, as `y`.
///   - gain: `[channels]`, as `bias`.
///   - film: `[pictures, 2, channels]`: scale and shift.
///   - mean: `[pictures, groups]`, as `rstd`, 1/√(variance + epsilon); what the gradient needs.
/// - Throws: `KernelError.shape`; `.status` for an `epsilon` that is negative or not finite.
public func groupNorm(
  _ shape: GroupNormShape, _ x: Span<Float>, gain: Span<Float>, bias: Span<Float>, film: Span<Float>? = nil,
  into y: inout MutableSpan<Float>, mean: inout MutableSpan<Float>, rstd: inout MutableSpan<Float>
) throws(KernelError) {
  let counts = try shape.counts("groupNorm")
  try require(x.count, "x", is: counts.x, "groupNorm")
  try require(gain.count, "gain", is: shape.channels, "groupNorm")
  try require(bias.count, "bias", is: shape.channels, "groupNorm")
  try require(film, "film", is: counts.film, "groupNorm")
  try require(y.count, "y", is: counts.x, "groupNorm")
  try require(mean.count, "mean", is: counts.statistics, "groupNorm")
  try require(rstd.count, "rstd", is: counts.statistics, "groupNorm")
  var lowered = shape.lowered
  try check(
    pn_group_norm_f32(
      &lowered, address(x), address(gain), address(bias), address(film), address(&y), address(&mean),
      address(&rstd)), "groupNorm")
}

/// The gradients of ``groupNorm(_:_:gain:bias:film:into:mean:rstd:)``.
///
/// - Parameters:
///   - throughX: the gradient that reaches `x` on another way; it is added to `dx`.
///   - dfilm: `[pictures, 2, channels]`: what reaches scale and shift, whether or not the forward had them.
/// - Throws: `KernelError.shape`, `.memory`.
public func groupNormGradient(
  _ shape: GroupNormShape, _ x: Span<Float>, gain: Span<Float>, bias: Span<Float>, film: Span<Float>? = nil,
  mean: Span<Float>, rstd: Span<Float>, upstream: Span<Float>, throughX: Span<Float>? = nil,
  into dx: inout MutableSpan<Float>, gain dgain: inout MutableSpan<Float>,
  bias dbias: inout MutableSpan<Float>, film dfilm: inout MutableSpan<Float>
) throws(KernelError) {
  let counts = try shape.counts("groupNormGradient")
  try require(x.count, "x", is: counts.x, "groupNormGradient")
  try require(gain.count, "gain", is: shape.channels, "groupNormGradient")
  try require(bias.count, "bias", is: shape.channels, "groupNormGradient")
  try require(film, "film", is: counts.film, "groupNormGradient")
  try require(mean.count, "mean", is: counts.statistics, "groupNormGradient")
  try require(rstd.count, "rstd", is: counts.statistics, "groupNormGradient")
  try require(upstream.count, "upstream", is: counts.x, "groupNormGradient")
  try require(throughX, "throughX", is: counts.x, "groupNormGradient")
  try require(dx.count, "dx", is: counts.x, "groupNormGradient")
  try require(dgain.count, "the gradient of gain", is: shape.channels, "groupNormGradient")
  try require(dbias.count, "the gradient of bias", is: shape.channels, "groupNormGradient")
  try require(dfilm.count, "the gradient of film", is: counts.film, "groupNormGradient")
  var lowered = shape.lowered
  let scratch = try Scratch(pn_group_norm_grad_workspace(&lowered), "groupNormGradient")
  try check(
    pn_group_norm_grad_f32(
      &lowered, address(x), address(gain), address(bias), address(film), address(mean), address(rstd),
      address(upstream), address(throughX), address(&dx), address(&dgain), address(&dbias), address(&dfilm),
      scratch.start, scratch.bytes), "groupNormGradient")
}
