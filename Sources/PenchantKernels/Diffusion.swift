import CPenchant

/// A move between two noise levels: `x' = x·signal + eps·noise + z·spread`.
///
/// A level is ᾱ in (0, 1]: `x = √ᾱ x0 + √(1−ᾱ) noise`. The same move samples (`to` above `from`) and inverts.
public struct DDIMMove: Sendable, Equatable {
  public let signal: Double
  public let noise: Double
  public let spread: Double

  /// - Parameter eta: 0 is the deterministic move, 1 the posterior of DDPM; used when `to` is above `from`.
  /// - Throws: `KernelError.value` for a level outside (0, 1] or an `eta` outside 0...1.
  public init(from: Double, to: Double, eta: Double = 0) throws(KernelError) {
    guard from > 0, from <= 1, to > 0, to <= 1, eta >= 0, eta <= 1 else {
      throw .value("DDIMMove", "from \(from) to \(to) with eta \(eta); levels are in (0, 1], eta in 0...1")
    }
    var c = pn_ddim_coefficients()
    try check(pn_ddim_level(from, to, eta, &c), "DDIMMove")
    signal = c.x
    noise = c.eps
    spread = c.z
  }
}

/// Moves rows, each by its own coefficients: `out = signal·x + noise·eps (+ spread·z)`.
///
/// - Parameters:
///   - moves: one a row; `x`, `eps`, `z` and `out` are `[rows, columns]`.
///   - free, guidance: for classifier-free guidance, the prediction without condition;
///     `free + guidance·(eps − free)` then stands for `eps`.
///   - z: noise to add; `nil` leaves the spread of the moves out.
public func ddimMove(
  _ moves: [DDIMMove], _ x: Span<Float>, eps: Span<Float>, free: Span<Float>? = nil, guidance: Float = 1,
  z: Span<Float>? = nil, into out: inout MutableSpan<Float>
) throws(KernelError) {
  let columns = try columns(x.count, moves.count, "ddimMove")
  try require(eps.count, "eps", is: x.count, "ddimMove")
  try require(free, "free", is: x.count, "ddimMove")
  try require(z, "z", is: x.count, "ddimMove")
  try require(out.count, "out", is: x.count, "ddimMove")
  let signal = moves.map { Float($0.signal) }
  let noise = moves.map { Float($0.noise) }
  let spread = z == nil ? [] : moves.map { Float($0.spread) }
  let (z, free, out) = (address(z), address(free), address(&out))
  let (x, eps) = (address(x), address(eps))
  let status = spread.withUnsafeBufferPointer { spread in
    let spread = z == nil ? nil : spread.baseAddress
    return free == nil
      ? pn_ddim_move_f32(moves.count, columns, signal, noise, spread, x, eps, z, out)
      : pn_ddim_move_guided_f32(
        moves.count, columns, guidance, signal, noise, spread, x, eps, free, z, out)
  }
  try check(status, "ddimMove")
}

/// Deterministic move of rows between levels; the inversion step of DDIM when `to` is below `from`.
public func ddimMove(
  from: Span<Double>, to: Span<Double>, _ x: Span<Float>, eps: Span<Float>, into out: inout MutableSpan<Float>
) throws(KernelError) {
  let columns = try columns(x.count, from.count, "ddimMove")
  try require(to.count, "to", is: from.count, "ddimMove")
  try require(eps.count, "eps", is: x.count, "ddimMove")
  try require(out.count, "out", is: x.count, "ddimMove")
  try check(
    pn_ddim_invert_f32(
      from.count, columns, address(from), address(to), address(x), address(eps), address(&out)),
    "ddimMove")
}

/// The noise that turned `clean` into `x`: `(x − √level·clean)/√(1 − level)`, one level a row, in (0, 1).
public func impliedNoise(
  levels: Span<Double>, _ x: Span<Float>, clean: Span<Float>, into out: inout MutableSpan<Float>
) throws(KernelError) {
  let columns = try columns(x.count, levels.count, "impliedNoise")
  try require(clean.count, "clean", is: x.count, "impliedNoise")
  try require(out.count, "out", is: x.count, "impliedNoise")
  try check(
    pn_implied_noise_f32(levels.count, columns, address(levels), address(x), address(clean), address(&out)),
    "impliedNoise")
}

/// What a preference loss over noise predictions says about its pairs.
public struct DiffusionPairs: Sendable {
  /// Loss of each pair.
  public var losses: [Float]
  /// Log-odds that the policy gives to the winner.
  public var logits: [Float]
  /// Mean squared errors: policy on winners, on losers, reference on winners, on losers.
  public var errors: [[Float]]
  public var mean: Double
}

/// Diffusion-DPO: preference loss over pairs of noise predictions, with the gradient to those of the policy.
///
/// - Parameters:
///   - eps, reference, noise: `[2·pairs, columns]`, winners first, then losers in the same order.
///   - gradient: like `eps`, or no elements.
public func diffusionPreferenceLoss(
  pairs: Int, beta: Float, eps: Span<Float>, reference: Span<Float>, noise: Span<Float>,
  weights: Span<Float>? = nil, gradientScale: Float = 1, gradient: inout MutableSpan<Float>
) throws(KernelError) -> DiffusionPairs {
  let call: StaticString = "diffusionPreferenceLoss"
  let columns = try columns(eps.count, 2 * pairs, call)
  try require(reference.count, "reference", is: eps.count, call)
  try require(noise.count, "noise", is: eps.count, call)
  try require(weights, "weights", is: pairs, call)
  try requireOutput(gradient.count, "gradient", is: eps.count, call)
  let scratch = try Scratch(pn_diffusion_loss_workspace(pairs), call)
  var result = Outcome(pairs)
  try check(
    pn_diffusion_loss_f32(
      pairs, columns, beta, gradientScale, address(eps), address(reference), address(noise), address(weights),
      &result.losses, &result.logits, &result.errors, address(&gradient), &result.mean, scratch.start,
      scratch.bytes), call)
  return result.folded(pairs)
}

/// InPO (Lu et al. 2025): the same, with the noise implied by inverted latents `x` of the clean ones at a level a pair.
public func inversionPreferenceLoss(
  levels: Span<Double>, beta: Float, eps: Span<Float>, reference: Span<Float>, x: Span<Float>,
  clean: Span<Float>,
  weights: Span<Float>? = nil, gradientScale: Float = 1, gradient: inout MutableSpan<Float>
) throws(KernelError) -> DiffusionPairs {
  let call: StaticString = "inversionPreferenceLoss"
  let pairs = levels.count
  let columns = try columns(eps.count, 2 * pairs, call)
  try require(reference.count, "reference", is: eps.count, call)
  try require(x.count, "x", is: eps.count, call)
  try require(clean.count, "clean", is: eps.count, call)
  try require(weights, "weights", is: pairs, call)
  try requireOutput(gradient.count, "gradient", is: eps.count, call)
  let scratch = try Scratch(pn_diffusion_loss_workspace(pairs), call)
  var result = Outcome(pairs)
  try check(
    pn_inpo_loss_f32(
      pairs, columns, beta, gradientScale, address(levels), address(eps), address(reference), address(x),
      address(clean), address(weights), &result.losses, &result.logits, &result.errors, address(&gradient),
      &result.mean, scratch.start, scratch.bytes), call)
  return result.folded(pairs)
}

private struct Outcome {
  var losses: [Float]
  var logits: [Float]
  var errors: [Float]
  var mean = 0.0

  init(_ pairs: Int) {
    losses = [Float](repeating: 0, count: pairs)
    logits = losses
    errors = [Float](repeating: 0, count: 4 * pairs)
  }

  func folded(_ pairs: Int) -> DiffusionPairs {
    DiffusionPairs(
      losses: losses, logits: logits, errors: (0..<4).map { Array(errors[$0 * pairs..<($0 + 1) * pairs]) },
      mean: mean)
  }
}

/// Columns of `count` values in `rows` rows; no rows count as rows of one.
private func columns(_ count: Int, _ rows: Int, _ call: StaticString) throws(KernelError) -> Int {
  guard rows >= 0, rows == 0 ? count == 0 : count % rows == 0 else {
    throw .shape("\(call)", "\(count) values do not fill \(rows) rows")
  }
  return rows == 0 ? 1 : count / rows
}
