import PenchantKernels

/// Pictures are `[batch, height, width, channels]`: channels last, so that a 1 × 1 convolution is ``linear(_:bias:)``,
/// skips are joined along the last axis, and pixels reshape to the positions of a sequence.
extension Tensor {
  /// Convolution with `weight` `[outputs, kernel, kernel, inputs]`: `[batch, height, width, inputs]` to
  /// `[batch, height', width', outputs]`, height' = ⌊(height + 2 padding − kernel) / stride⌋ + 1.
  ///
  /// - Parameters:
  ///   - bias: `[outputs]`.
  ///   - padding: zeros on all four sides.
  ///   - base: what the result is added to, of the result's shape.
  public func conv2d(
    _ weight: Tensor, bias: Tensor? = nil, stride: Int = 1, padding: Int = 0, adding base: Tensor? = nil
  ) -> Tensor {
    guard tape.accepts("conv2d", [self, weight, bias, base]) else {
      return Tensor(tape: tape, id: -1, shape: shape)
    }
    let (x, w) = (shape.extents, weight.shape.extents)
    guard x.count == 4, w.count == 4, w[1] == w[2], w[3] == x[3], (bias?.count ?? w[0]) == w[0],
      let height = ConvolutionShape.extent(x[1], kernel: w[1], stride: stride, padding: padding),
      let width = ConvolutionShape.extent(x[2], kernel: w[1], stride: stride, padding: padding)
    else {
      return tape.refuse(
        "conv2d",
        "pictures \(shape), weight \(weight.shape), bias \(bias?.shape ?? []), stride \(stride), padding \(padding); pictures are [batch, height, width, channels], the weight is [outputs, kernel, kernel, channels]"
      )
    }
    let result: Shape = [x[0], height, width, w[0]]
    guard result.isValid, base.map({ $0.shape == result }) ?? true else {
      return tape.refuse("conv2d", "the result \(result) is added to \(base?.shape ?? [])")
    }
    return tape.record(
      .conv2d, [self, weight, bias, base], result,
      sizes: [x[0], x[1], x[2], x[3], w[0], w[1], stride, padding])
  }

  /// Group norm (Wu & He 2018) over the pixels and the channels of each group, a scale and shift a picture (FiLM, Perez
  /// et al. 2018) and SiLU, in one pass: `z = (x̂ scale + shift)(1 + s) + t`, then `z σ(z)` with `silu`. Axes between
  /// the first and the last are pixels.
  ///
  /// - Parameters:
  ///   - scale: `[channels]`, as `shift`.
  ///   - film: `[batch, 2 · channels]`: s, then t.
  public func groupNorm(
    groups: Int, scale: Tensor? = nil, shift: Tensor? = nil, film: Tensor? = nil, silu: Bool = false,
    epsilon: Float = 1e-5
  ) -> Tensor {
    guard tape.accepts("groupNorm", [self, scale, shift, film]) else {
      return Tensor(tape: tape, id: -1, shape: shape)
    }
    let batch = shape.extents.first ?? 1
    guard shape.rank >= 2, groups > 0, width % groups == 0, (scale?.count ?? width) == width,
      (shift?.count ?? width) == width, (film?.count ?? 2 * batch * width) == 2 * batch * width,
      epsilon >= 0, epsilon < .infinity
    else {
      return tape.refuse(
        "groupNorm",
        "pictures \(shape), \(groups) groups, scale \(scale?.shape ?? []), shift \(shift?.shape ?? []), film \(film?.shape ?? []), epsilon \(epsilon)"
      )
    }
    let outputs = tape.emit(
      .groupNorm, [id, scale?.id, shift?.id, film?.id], results: [count, batch * groups, batch * groups],
      sizes: [batch, rows / batch, width, groups, silu ? 1 : 0], reals: [epsilon])
    return Tensor(tape: tape, id: outputs[0] ?? -1, shape: shape)
  }

  /// `[batch, height, width, channels]` at twice the size: every pixel becomes a square of four.
  public func upsampled() -> Tensor {
    guard shape.rank == 4 else { return tape.refuse("upsampled", "pictures have four axes, not \(shape)") }
    let x = shape.extents
    let result: Shape = [x[0], 2 * x[1], 2 * x[2], x[3]]
    guard result.isValid else { return tape.refuse("upsampled", "\(shape) is too large") }
    return tape.record(.upsample, [self], result, sizes: x, reals: [1])
  }

  /// `[batch, height, width, channels]` at half the size: means over squares of four. Height and width are even.
  public func downsampled() -> Tensor {
    let x = shape.extents
    guard x.count == 4, x[1] % 2 == 0, x[2] % 2 == 0 else {
      return tape.refuse("downsampled", "pictures have an even height and width, not \(shape)")
    }
    let small = [x[0], x[1] / 2, x[2] / 2, x[3]]
    return tape.record(.downsample, [self], Shape(small), sizes: small, reals: [0.25])
  }
}
