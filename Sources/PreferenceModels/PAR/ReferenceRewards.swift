import PenchantKernels

/// Rewards of answers that the reference policy gave to every prompt: drawn once, as many for each.
public struct ReferenceRewards: Sendable, Equatable {
  /// `prompts × perPrompt`.
  public let values: [Float]
  public let perPrompt: Int

  /// - Throws: `ShapingError` when the values are not whole prompts or one is not finite.
  public init(_ values: [Float], perPrompt: Int) throws(ShapingError) {
    guard perPrompt > 0, values.count % perPrompt == 0 else {
      throw .references("\(values.count) rewards are not \(perPrompt) for every prompt")
    }
    if let i = values.firstIndex(where: { !$0.isFinite }) {
      throw .references(
        "reward \(i % perPrompt) of prompt \(i / perPrompt) is \(values[i]); references are finite")
    }
    self.values = values
    self.perPrompt = perPrompt
  }

  public var prompts: Int { values.count / perPrompt }

  /// The zero of LSC for every prompt.
  ///
  /// - Throws: `ShapingError.references` with one reference a prompt, which has no deviation.
  func thresholds(quantile: Double) throws -> ReferenceRewards {
    guard perPrompt > 1 else {
      throw ShapingError.references("lsc needs two references a prompt or more: one has no deviation")
    }
    var found = [Float](repeating: 0, count: prompts)
    var span = found.mutableSpan
    try rewardThresholds(
      references: values.span, perPrompt: perPrompt, quantile: normalQuantile(quantile), into: &span)
    return try ReferenceRewards(found, perPrompt: 1)
  }
}

/// What shaping refused.
public enum ShapingError: Error, Sendable, Equatable, CustomStringConvertible {
  case references(String)
  case rewards(String)

  public var description: String {
    switch self {
    case .references(let detail): "reference rewards: \(detail)"
    case .rewards(let detail): "rewards: \(detail)"
    }
  }
}
