import CPenchant

/// Which way pictures are resized.
public enum Resampling: Sendable {
  /// Every pixel becomes a square of four.
  case up
  /// Every square of four becomes its sum.
  case down
}

/// Pictures at twice or half the size, times `factor`: 1 repeats pixels, 1/4 downwards gives means. Each direction is
/// the other's gradient.
///
/// - Parameters:
///   - smaller: pictures, height, width and channels of the smaller pictures; the larger ones are
///     `[pictures, 2 · height, 2 · width, channels]`.
/// - Throws: `KernelError.shape`.
public func resample(
  _ x: Span<Float>, _ direction: Resampling,
  smaller: (pictures: Int, height: Int, width: Int, channels: Int), factor: Float = 1,
  into y: inout MutableSpan<Float>
) throws(KernelError) {
  let (b, h, w, c) = smaller
  guard let small = product([b, h, w, c]), let large = product([4, small]) else {
    throw .shape("resample", "\(b) pictures of \(h) x \(w) x \(c)")
  }
  try require(x.count, "x", is: direction == .up ? small : large, "resample")
  try require(y.count, "y", is: direction == .up ? large : small, "resample")
  switch direction {
  case .up: try check(pn_upsample_f32(b, h, w, c, factor, address(x), address(&y)), "resample")
  case .down: try check(pn_downsample_f32(b, h, w, c, factor, address(x), address(&y)), "resample")
  }
}
