import CPenchant

/// Sizes of a convolution of pictures with square kernels; channels are last everywhere.
public struct ConvolutionShape: Sendable, Equatable {
  public var pictures: Int
  /// Pixels of the input.
  public var height: Int
  public var width: Int
  /// Channels of the input and of the output.
  public var inputs: Int
  public var outputs: Int
  public var kernel: Int
  public var stride: Int
  /// Zeros on all four sides.
  public var padding: Int

  public init(
    pictures: Int, height: Int, width: Int, inputs: Int, outputs: Int, kernel: Int, stride: Int = 1,
    padding: Int = 0
  ) {
    self.pictures = pictures
    self.height = height
    self.width = width
    self.inputs = inputs
    self.outputs = outputs
    self.kernel = kernel
    self.stride = stride
    self.padding = padding
  }

  /// Pixels of the output along an axis of `pixels`; `nil` when the kernel does not fit or a number is out of range.
  public static func extent(_ pixels: Int, kernel: Int, stride: Int, padding: Int) -> Int? {
    guard pixels >= 0, kernel > 0, stride > 0, padding >= 0 else { return nil }
    let extent = pn_conv_extent(pixels, kernel, stride, padding)
    return extent > 0 ? Int(exactly: extent) : nil
  }

  public var outputHeight: Int? {
    Self.extent(height, kernel: kernel, stride: stride, padding: padding)
  }
  public var outputWidth: Int? { Self.extent(width, kernel: kernel, stride: stride, padding: padding) }

  /// Values of the input, output and kernel.
  fileprivate struct Counts {
    let x: Int
    let y: Int
    let weight: Int
  }

  fileprivate func counts(_ call: StaticString) throws(KernelError) -> Counts {
    guard let outputHeight, let outputWidth,
      let x = product([pictures, height, width, inputs]),
      let y = product([pictures, outputHeight, outputWidth, outputs]),
      let weight = product([outputs, kernel, kernel, inputs])
    else {
      throw .shape(
        "\(call)",
        "\(pictures) pictures of \(height) x \(width) x \(inputs) with \(outputs) kernels of \(kernel), stride \(stride), padding \(padding)"
      )
    }
    return Counts(x: x, y: y, weight: weight)
  }

  fileprivate var lowered: pn_conv_shape {
    pn_conv_shape(
      pictures: pictures, height: height, width: width, in: inputs, out: outputs, kernel: kernel,
      stride: stride,
      padding: padding)
  }
}

/// The product of sizes; `nil` when one is negative or it does not fit.
func product(_ sizes: [Int]) -> Int? {
  var product = 1
  for size in sizes {
    let (next, overflow) = product.multipliedReportingOverflow(by: size)
    guard size >= 0, !overflow else { return nil }
    product = next
  }
  return product
}

/// Convolution: `y[b, i, j, o] = bias[o] + Σ weight[o, u, v, c] x[b, stride i + u − padding, stride j + v − padding, c]`,
/// with zeros outside of the picture.
///
/// - Parameters:
///   - x: `[pictures, height, width, inputs]`.
///   - weight: `[outputs, kernel, kernel, inputs]`; `bias`: `[outputs]`.
///   - adding: whether the result is added to what `y` holds.
///   - y: `[pictures, outputHeight, outputWidth, outputs]`.
/// - Throws: `KernelError.shape`, `.memory`.
public func convolution(
  _ shape: ConvolutionShape, _ x: Span<Float>, weight: Span<Float>, bias: Span<Float>? = nil,
  adding: Bool = false, into y: inout MutableSpan<Float>
) throws(KernelError) {
  let counts = try shape.counts("convolution")
  try require(x.count, "x", is: counts.x, "convolution")
  try require(weight.count, "weight", is: counts.weight, "convolution")
  try require(bias, "bias", is: shape.outputs, "convolution")
  try require(y.count, "y", is: counts.y, "convolution")
  var lowered = shape.lowered
  let scratch = try Scratch(pn_conv2d_workspace(&lowered), "convolution")
  try check(
    pn_conv2d_f32(
      &lowered, adding, address(x), address(weight), address(bias), address(&y), scratch.start, scratch.bytes),
    "convolution")
}

/// The gradient of ``convolution(_:_:weight:bias:adding:into:)`` with respect to `x`.
///
/// - Parameter adding: whether it is added to what `dx` holds.
public func convolutionInputGradient(
  _ shape: ConvolutionShape, upstream: Span<Float>, weight: Span<Float>, adding: Bool = false,
  into dx: inout MutableSpan<Float>
) throws(KernelError) {
  let counts = try shape.counts("convolutionInputGradient")
  try require(upstream.count, "upstream", is: counts.y, "convolutionInputGradient")
  try require(weight.count, "weight", is: counts.weight, "convolutionInputGradient")
  try require(dx.count, "dx", is: counts.x, "convolutionInputGradient")
  var lowered = shape.lowered
  let scratch = try Scratch(pn_conv2d_grad_input_workspace(&lowered), "convolutionInputGradient")
  try check(
    pn_conv2d_grad_input_f32(
      &lowered, adding, address(upstream), address(weight), address(&dx), scratch.start, scratch.bytes),
    "convolutionInputGradient")
}

/// The gradients of ``convolution(_:_:weight:bias:adding:into:)`` with respect to weight and bias.
public func convolutionWeightGradient(
  _ shape: ConvolutionShape, upstream: Span<Float>, _ x: Span<Float>,
  weight dweight: inout MutableSpan<Float>, bias dbias: inout MutableSpan<Float>
) throws(KernelError) {
  let counts = try shape.counts("convolutionWeightGradient")
  try require(upstream.count, "upstream", is: counts.y, "convolutionWeightGradient")
  try require(x.count, "x", is: counts.x, "convolutionWeightGradient")
  try require(dweight.count, "the gradient of weight", is: counts.weight, "convolutionWeightGradient")
  try require(dbias.count, "the gradient of bias", is: shape.outputs, "convolutionWeightGradient")
  var lowered = shape.lowered
  let scratch = try Scratch(pn_conv2d_grad_weight_workspace(&lowered), "convolutionWeightGradient")
  try check(
    pn_conv2d_grad_weight_f32(
      &lowered, address(upstream), address(x), address(&dweight), address(&dbias), scratch.start,
      scratch.bytes),
    "convolutionWeightGradient")
}
