import CPenchant

/// An id that takes no part in log-probabilities and losses of a policy.
public let ignoredToken = UInt32.max

/// How the divergence from the reference is estimated from one token, with q = log π − log π_ref.
public enum DivergenceEstimator: String, Sendable, Codable, CaseIterable {
  case none
  /// q²/2.
  case k2
  /// e^−q + q − 1, unbiased for KL(π ‖ π_ref) under samples of π.
  case k3
  /// e^q − q − 1: what some code has in the place of k3.
  case reversedK3 = "reversed_k3"

  /// Its number in C.
  package var number: Int {
    switch self {
    case .none: Int(PN_KL_NONE.rawValue)
    case .k2: Int(PN_KL_K2.rawValue)
    case .k3: Int(PN_KL_K3.rawValue)
    case .reversedK3: Int(PN_KL_K3_REVERSED.rawValue)
    }
  }
}

/// Log-probabilities of one class a row of logits, and entropies of the rows in nats.
///
/// - Parameter entropies: as many as rows, or no elements.
/// - Throws: `KernelError.shape`, `.status` for an id that is no class.
public func tokenLogProbabilities(
  logits: Span<Float>, classes: Int, ids: Span<UInt32>, into logProbabilities: inout MutableSpan<Float>,
  entropies: inout MutableSpan<Float>
) throws(KernelError) {
  let rows = ids.count
  try requireRows(logits.count, rows, classes, "tokenLogProbabilities")
  try require(logProbabilities.count, "logProbabilities", is: rows, "tokenLogProbabilities")
  try requireOutput(entropies.count, "entropies", is: rows, "tokenLogProbabilities")
  try check(
    pn_token_logp_f32(
      rows, classes, address(logits), address(ids), address(&logProbabilities), address(&entropies)),
    "tokenLogProbabilities")
}

private func requireRows(_ count: Int, _ rows: Int, _ classes: Int, _ call: StaticString) throws(KernelError)
{
  let (size, overflow) = rows.multipliedReportingOverflow(by: max(classes, 0))
  guard classes > 0, !overflow, count == size else {
    throw .shape("\(call)", "\(count) logits are not \(rows) rows of \(classes)")
  }
}

extension RandomStream {
  /// Draws a class a row from softmax(logits / `temperature`), row *i* by the draw `next` + *i*, with its
  /// log-probability at temperature 1.
  ///
  /// - Throws: `KernelError.status` for a row without a distribution or a temperature that is not positive.
  public mutating func tokens(
    logits: Span<Float>, classes: Int, temperature: Float = 1, into ids: inout MutableSpan<UInt32>,
    logProbabilities: inout MutableSpan<Float>
  ) throws(KernelError) {
    let rows = ids.count
    try requireRows(logits.count, rows, classes, "RandomStream.tokens")
    try require(logProbabilities.count, "logProbabilities", is: rows, "RandomStream.tokens")
    try check(
      pn_draw_token_f32(
        rows, classes, temperature, seed, stream, next, address(logits), address(&ids),
        address(&logProbabilities)), "RandomStream.tokens")
    next += UInt64(rows)
  }
}

/// Generalised advantages of packed sequences (Schulman et al. 2016) and discounted sums of their rewards.
///
/// - Parameter offsets: sequence *s* owns tokens `offsets[s]..<offsets[s + 1]`.
/// - Throws: `KernelError.shape` for lengths or offsets that do not fit, `.status` for a discount outside
///   0...1.
public func tokenAdvantages(
  offsets: Span<UInt32>, rewards: Span<Float>, values: Span<Float>, discount: Double = 1, lambda: Double,
  advantages: inout MutableSpan<Float>, totals: inout MutableSpan<Float>
) throws(KernelError) {
  let n = rewards.count
  guard offsets.count > 0 else { throw .shape("tokenAdvantages", "offsets begin with 0") }
  try require(values.count, "values", is: n, "tokenAdvantages")
  try require(advantages.count, "advantages", is: n, "tokenAdvantages")
  try require(totals.count, "totals", is: n, "tokenAdvantages")
  try check(
    pn_advantage_f32(
      offsets.count - 1, n, discount, lambda, address(offsets), address(rewards), address(values),
      address(&advantages), address(&totals)), "tokenAdvantages")
}

/// (x − mean) / √(population variance + epsilon); zeros when all are equal within their rounding.
public func whiten(
  _ x: Span<Float>, epsilon: Double = 1e-8, into y: inout MutableSpan<Float>
) throws(KernelError) {
  try require(y.count, "y", is: x.count, "whiten")
  let scratch = try Scratch(pn_whiten_workspace(x.count), "whiten")
  try check(
    pn_whiten_f32(x.count, epsilon, address(x), address(&y), scratch.start, scratch.bytes), "whiten")
}

/// What a group of answers to one prompt is measured by.
public enum GroupBaseline: String, Sendable, Codable, CaseIterable {
  /// r − mean: Dr. GRPO.
  case centre
  /// (r − mean) / (deviation + epsilon): GRPO.
  case deviation
  /// r − mean of the others: RLOO.
  case leaveOneOut = "leave_one_out"

  var c: pn_group_baseline {
    switch self {
    case .centre: PN_GROUP_CENTRE
    case .deviation: PN_GROUP_DEVIATION
    case .leaveOneOut: PN_GROUP_LEAVE_OUT
    }
  }
}

/// Advantages of answers by the others of their group; groups lie one behind the other.
///
/// Rewards that are equal within their rounding have advantage 0.
/// - Throws: `KernelError.shape` when the rewards are not whole groups.
public func groupAdvantages(
  _ rewards: Span<Float>, groupSize: Int, baseline: GroupBaseline, epsilon: Double = 1e-8,
  into advantages: inout MutableSpan<Float>
) throws(KernelError) {
  guard groupSize > 0, rewards.count % groupSize == 0 else {
    throw .shape("groupAdvantages", "\(rewards.count) rewards are not groups of \(groupSize)")
  }
  try require(advantages.count, "advantages", is: rewards.count, "groupAdvantages")
  try check(
    pn_group_advantage_f32(
      rewards.count / groupSize, groupSize, baseline.c, epsilon, address(rewards), address(&advantages)),
    "groupAdvantages")
}

/// Places of the largest reward among the first 1, 2, 4, … answers of every prompt, `levels` of them a
/// prompt.
///
/// - Throws: `KernelError.shape` when the rewards are not whole prompts or 2^(levels − 1) answers are not
///   there.
public func bestOfFirst(_ rewards: Span<Float>, perPrompt: Int, levels: Int) throws(KernelError) -> [UInt32] {
  guard perPrompt > 0, rewards.count % perPrompt == 0, (0...32).contains(levels),
    levels == 0 || 1 << (levels - 1) <= perPrompt
  else {
    throw .shape("bestOfFirst", "\(levels) levels of \(rewards.count) rewards, \(perPrompt) a prompt")
  }
  var places = [UInt32](repeating: 0, count: rewards.count / perPrompt * levels)
  var span = places.mutableSpan
  try check(
    pn_best_of_f32(rewards.count / perPrompt, perPrompt, levels, address(rewards), address(&span)),
    "bestOfFirst")
  return places
}
