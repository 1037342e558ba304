import PenchantKernels

/// Tensors of all texts of a table, with content and standards of some training pairs.
struct PaletteStage: Sendable {
  let content: PaletteContent.Fit
  let heads: FittedAttributeHeads
  private let tensor: AttributeTensor
  /// The pairs that content and heads' standards come from.
  let train: [Int]
  private let attributesFirst: Bool

  /// nil when the content stays whole.
  let residual: PaletteResidual?
  let texts: PaletteTexts
  /// The content-only model as a start.
  let start: PaletteStart

  init(
    _ content: PaletteContent.Fit, heads: FittedAttributeHeads, _ tensor: AttributeTensor,
    attributesFirst: Bool,
    train: [Int]
  ) throws {
    self.content = content
    self.heads = heads
    self.tensor = tensor
    self.attributesFirst = attributesFirst
    self.train = train
    let (d, K) = (content.content.width, heads.attributes.count)
    residual =
      attributesFirst
      ? try PaletteResidual(
        content.columns, width: d, scores: tensor.scores, attributes: K, inside: content.cross.inside) : nil
    texts = try FittedTextPalette.tensors(content: content.columns, width: d, residual, tensor)
    // Content's first column is a utility.
    let weights = residual?.weights
    start = PaletteStart(
      content: [1] + [Float](repeating: 0, count: d - 1), attributes: (0..<K).map { weights?[$0 * d] ?? 0 })
  }

  /// The stage with other scores by the content-only model.
  func rescored(_ scores: [Double]) throws -> PaletteStage {
    var content = content
    let d = content.content.width
    for (text, score) in scores.enumerated() { content.columns[text * d] = Float(score) }
    return try PaletteStage(content, heads: heads, tensor, attributesFirst: attributesFirst, train: train)
  }
}
