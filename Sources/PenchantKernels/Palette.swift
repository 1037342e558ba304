import CPenchant

extension PaletteShape {
  /// The mean loss of pairs of texts and its gradient by every parameter.
  ///
  /// - Parameters:
  ///   - chosen, rejected: texts `[P]`. community: `[P]`. weight: `[P]` or no elements for 1. margin: `[P]` or no
  ///     elements for 0.
  ///   - use: false leaves the attributes out. ridge: on the rows of communities.
  ///   - gradient: `[count]`, overwritten.
  /// - Throws: `KernelError.shape`, `.value`, `.memory`; `.status` with `PN_EINDEX` for a text or community that is not there.
  public func loss(
    _ texts: PaletteTexts, chosen: Span<UInt32>, rejected: Span<UInt32>, community: Span<UInt32>,
    weight: Span<Float>, margin: Span<Float>, use: Bool, ridge: Float, parameters: Span<Float>,
    gradient: inout MutableSpan<Float>
  ) throws(KernelError) -> Double {
    let call: StaticString = "PaletteShape.loss"
    var shape = try c(call)
    try fit(texts, parameters.count, call)
    let pairs = chosen.count
    try require(rejected.count, "rejected", is: pairs, call)
    try require(community.count, "community", is: pairs, call)
    try requireOutput(weight.count, "weight", is: pairs, call)
    try requireOutput(margin.count, "margin", is: pairs, call)
    try require(gradient.count, "gradient", is: count, call)
    let scratch = try Scratch(pn_palette_loss_workspace(&shape, pairs), call)
    let (chosen, rejected, community, weight, margin, parameters, out) = (
      address(chosen), address(rejected), address(community), address(weight), address(margin),
      address(parameters), address(&gradient)
    )
    var loss = 0.0
    try texts.withC { (texts) throws(KernelError) in
      try check(
        pn_palette_loss_f32(
          &shape, texts, pairs, use, ridge, parameters, chosen, rejected, community, weight, margin, &loss,
          out, scratch.start, scratch.bytes), call)
    }
    return loss
  }

  /// Utilities `[N]`; with elements, alpha and kappa `[N, K]`. `community`: `[N]`, or no elements for the first.
  public func utility(
    _ texts: PaletteTexts, community: Span<UInt32>, use: Bool, parameters: Span<Float>,
    utility: inout MutableSpan<Float>, alpha: inout MutableSpan<Float>, kappa: inout MutableSpan<Float>
  ) throws(KernelError) {
    let call: StaticString = "PaletteShape.utility"
    var shape = try c(call)
    try fit(texts, parameters.count, call)
    try requireOutput(community.count, "community", is: texts.count, call)
    try require(utility.count, "utility", is: texts.count, call)
    try requireOutput(alpha.count, "alpha", is: texts.count * attributes, call)
    try requireOutput(kappa.count, "kappa", is: texts.count * attributes, call)
    let scratch = try Scratch(pn_palette_utility_workspace(&shape, texts.count), call)
    let (community, parameters, out, alpha, kappa) = (
      address(community), address(parameters), address(&utility), address(&alpha), address(&kappa)
    )
    try texts.withC { (texts) throws(KernelError) in
      try check(
        pn_palette_utility_f32(
          &shape, texts, use, parameters, community, out, alpha, kappa, scratch.start, scratch.bytes), call)
    }
  }

  /// Every text under every community, `[N, C]`: representations are read, and keys made, once.
  public func utilities(
    _ texts: PaletteTexts, use: Bool, parameters: Span<Float>, into utilities: inout MutableSpan<Float>
  ) throws(KernelError) {
    let call: StaticString = "PaletteShape.utilities"
    var shape = try c(call)
    try fit(texts, parameters.count, call)
    guard communities > 0 else { throw .shape("\(call)", "the model has no communities") }
    try require(utilities.count, "utilities", is: texts.count * communities, call)
    let scratch = try Scratch(pn_palette_multi_workspace(&shape, texts.count), call)
    let (parameters, out) = (address(parameters), address(&utilities))
    try texts.withC { (texts) throws(KernelError) in
      try check(
        pn_palette_multi_f32(&shape, texts, use, parameters, out, scratch.start, scratch.bytes), call)
    }
  }

  private func fit(_ texts: PaletteTexts, _ parameters: Int, _ call: StaticString) throws(KernelError) {
    guard texts.contentWidth == content, texts.attributes == attributes, texts.width == width else {
      throw .shape(
        "\(call)",
        "texts have content \(texts.contentWidth) and \(texts.attributes) × \(texts.width), the model \(content) "
          + "and \(attributes) × \(width)")
    }
    try require(parameters, "parameters", is: count, call)
  }
}
