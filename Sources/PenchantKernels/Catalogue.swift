import CPenchant

/// A target that is not counted (padding).
public let catalogueIgnore = UInt32.max

/// Rows, items and floats a row of a softmax over a catalogue.
public struct CatalogueShape: Sendable, Equatable {
  public var rows: Int
  public var items: Int
  public var width: Int

  public init(rows: Int, items: Int, width: Int) {
    self.rows = rows
    self.items = items
    self.width = width
  }

  func checkInputs(
    _ hidden: Span<Float>, _ table: Span<Float>, _ bias: Span<Float>?, _ call: StaticString
  ) throws(KernelError) {
    let hiddenCount = rows.multipliedReportingOverflow(by: width)
    let tableCount = items.multipliedReportingOverflow(by: width)
    guard rows >= 0, items >= 0, width >= 0, !hiddenCount.overflow, !tableCount.overflow else {
      throw .shape("\(call)", "\(rows) rows, \(items) items of \(width) floats")
    }
    try require(hidden.count, "hidden", is: hiddenCount.partialValue, call)
    try require(table.count, "items", is: tableCount.partialValue, call)
    try require(bias, "bias", is: items, call)
  }
}

/// Weighted mean of the cross-entropy of a softmax over all items; no logits are kept.
///
/// - Parameters:
///   - hidden: `[rows, width]`.
///   - items: `[items, width]`.
///   - targets: One a row; ``catalogueIgnore`` leaves a row out.
///   - weights: One a row; 1 when nil.
///   - losses: `[rows]`.
/// - Throws: `KernelError.shape` for counts that do not fit, `.status` for a target outside the catalogue.
public func catalogueLoss(
  _ shape: CatalogueShape, hidden: Span<Float>, items: Span<Float>, bias: Span<Float>? = nil,
  targets: Span<UInt32>, weights: Span<Float>? = nil, losses: inout MutableSpan<Float>
) throws(KernelError) -> Double {
  try shape.checkInputs(hidden, items, bias, "catalogueLoss")
  try require(targets.count, "targets", is: shape.rows, "catalogueLoss")
  try require(weights, "weights", is: shape.rows, "catalogueLoss")
  try require(losses.count, "losses", is: shape.rows, "catalogueLoss")
  let scratch = try Scratch(
    pn_catalogue_loss_workspace(shape.rows, shape.items, shape.width), "catalogueLoss")
  var mean = 0.0
  try check(
    pn_catalogue_loss_f32(
      shape.rows, shape.items, shape.width, 1, false, address(hidden), address(items), address(bias),
      address(targets), address(weights), address(&losses), &mean, nil, nil, nil, scratch.start, scratch.bytes
    ),
    "catalogueLoss")
  return mean
}

/// The value of ``catalogueLoss(_:hidden:items:bias:targets:weights:losses:)`` and `scale` times its gradients, in one
/// pass over the catalogue.
///
/// - Parameters:
///   - accumulating: Adds to `itemsGradient` and `biasGradient` instead of overwriting them.
///   - biasGradient: `[items]`, or empty when it is not wanted.
public func catalogueLossGradient(
  _ shape: CatalogueShape, scale: Float = 1, accumulating: Bool = false, hidden: Span<Float>,
  items: Span<Float>,
  bias: Span<Float>? = nil, targets: Span<UInt32>, weights: Span<Float>? = nil,
  hiddenGradient: inout MutableSpan<Float>, itemsGradient: inout MutableSpan<Float>,
  biasGradient: inout MutableSpan<Float>
) throws(KernelError) -> Double {
  try shape.checkInputs(hidden, items, bias, "catalogueLossGradient")
  try require(targets.count, "targets", is: shape.rows, "catalogueLossGradient")
  try require(weights, "weights", is: shape.rows, "catalogueLossGradient")
  try require(hiddenGradient.count, "hiddenGradient", is: hidden.count, "catalogueLossGradient")
  try require(itemsGradient.count, "itemsGradient", is: items.count, "catalogueLossGradient")
  if biasGradient.count != 0 {
    try require(biasGradient.count, "biasGradient", is: shape.items, "catalogueLossGradient")
  }
  let scratch = try Scratch(
    pn_catalogue_loss_workspace(shape.rows, shape.items, shape.width), "catalogueLossGradient")
  var mean = 0.0
  try check(
    pn_catalogue_loss_f32(
      shape.rows, shape.items, shape.width, scale, accumulating, address(hidden), address(items),
      address(bias),
      address(targets), address(weights), nil, &mean, address(&hiddenGradient), address(&itemsGradient),
      address(&biasGradient), scratch.start, scratch.bytes),
    "catalogueLossGradient")
  return mean
}

/// For evaluation: the log-probability of every row's target and the log of the sum of exponentials.
///
/// - Parameters:
///   - logProbabilities: `[rows]`; 0 where the target is ``catalogueIgnore``.
///   - logSums: `[rows]`.
public func catalogueLogProbabilities(
  _ shape: CatalogueShape, hidden: Span<Float>, items: Span<Float>, bias: Span<Float>? = nil,
  targets: Span<UInt32>, into logProbabilities: inout MutableSpan<Float>, logSums: inout MutableSpan<Float>
) throws(KernelError) {
  try shape.checkInputs(hidden, items, bias, "catalogueLogProbabilities")
  try require(targets.count, "targets", is: shape.rows, "catalogueLogProbabilities")
  try require(logProbabilities.count, "logProbabilities", is: shape.rows, "catalogueLogProbabilities")
  try require(logSums.count, "logSums", is: shape.rows, "catalogueLogProbabilities")
  let scratch = try Scratch(
    pn_catalogue_log_prob_workspace(shape.rows, shape.items, shape.width), "catalogueLogProbabilities")
  try check(
    pn_catalogue_log_prob_f32(
      shape.rows, shape.items, shape.width, address(hidden), address(items), address(bias), address(targets),
      address(&logProbabilities), address(&logSums), scratch.start, scratch.bytes),
    "catalogueLogProbabilities")
}

/// Sampled softmax with the logQ correction, value and gradients (Bengio and Senecal 2008; Yi et al. 2019).
///
/// The softmax runs over a row's target and candidates that all rows share; a candidate equal to the target is left out.
///
/// - Parameters:
///   - candidates: Ids of items.
///   - candidateLogQ: Log of the probability with which each candidate was drawn; 0 when nil.
///   - targetLogQ: The same for every row's target.
///   - candidatesGradient: `[candidates, width]`, the rows that belong to `candidates`.
///   - targetsGradient: `[rows, width]`, the rows that belong to `targets`. Both go to
///     ``scatterRows(_:rows:width:of:into:)``.
public func sampledCatalogueLoss(
  _ shape: CatalogueShape, scale: Float = 1, hidden: Span<Float>, items: Span<Float>, targets: Span<UInt32>,
  targetLogQ: Span<Float>? = nil, candidates: Span<UInt32>, candidateLogQ: Span<Float>? = nil,
  weights: Span<Float>? = nil, hiddenGradient: inout MutableSpan<Float>,
  candidatesGradient: inout MutableSpan<Float>, targetsGradient: inout MutableSpan<Float>
) throws(KernelError) -> Double {
  try shape.checkInputs(hidden, items, nil, "sampledCatalogueLoss")
  let count = candidates.count
  try require(targets.count, "targets", is: shape.rows, "sampledCatalogueLoss")
  try require(weights, "weights", is: shape.rows, "sampledCatalogueLoss")
  try require(candidateLogQ, "candidateLogQ", is: count, "sampledCatalogueLoss")
  try require(targetLogQ, "targetLogQ", is: shape.rows, "sampledCatalogueLoss")
  try require(hiddenGradient.count, "hiddenGradient", is: hidden.count, "sampledCatalogueLoss")
  try require(targetsGradient.count, "targetsGradient", is: hidden.count, "sampledCatalogueLoss")
  try require(candidatesGradient.count, "candidatesGradient", is: count * shape.width, "sampledCatalogueLoss")
  let scratch = try Scratch(
    pn_catalogue_sampled_loss_workspace(shape.rows, count, shape.width), "sampledCatalogueLoss")
  var mean = 0.0
  try check(
    pn_catalogue_sampled_loss_f32(
      shape.rows, shape.items, shape.width, count, scale, address(hidden), address(items), address(targets),
      address(targetLogQ), address(candidates), address(candidateLogQ), address(weights), nil,
      &mean, address(&hiddenGradient), address(&candidatesGradient), address(&targetsGradient), scratch.start,
      scratch.bytes),
    "sampledCatalogueLoss")
  return mean
}
