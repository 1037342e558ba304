import PenchantKernels

/// Numbers of a policy loss; the formulas stand in `include/penchant/policy.h`.
public struct PolicyLossOptions: Sendable, Codable, Equatable {
  public var estimator: DivergenceEstimator
  /// Weight of the divergence from the reference.
  public var penalty: Float
  /// The ratio is held in `1 - clipLow ... 1 + clipHigh`.
  public var clipLow: Float
  public var clipHigh: Float

  public init(
    estimator: DivergenceEstimator = .none, penalty: Float = 0, clipLow: Float = 0.2, clipHigh: Float = 0.2
  ) {
    self.estimator = estimator
    self.penalty = penalty
    self.clipLow = clipLow
    self.clipHigh = clipHigh
  }
}

extension Loss {
  /// Weighted sum over tokens of the clipped surrogate (Schulman et al. 2017), or of −A log π without `old`,
  /// and the penalised divergence from a reference.
  ///
  /// - Parameters:
  ///   - logits: `[tokens, classes]`; `ids`: the classes that were drawn, `UInt32.max` for rows that do not
  ///     count.
  ///   - old: log-probabilities of the policy that drew them.
  ///   - reference: log-probabilities under the reference policy; needed by an estimator.
  ///   - weights: one a token, 1 without; means are made by them.
  public static func policy(
    logits: Tensor, ids: Ids, advantages: Tensor, old: Tensor? = nil, reference: Tensor? = nil,
    weights: Tensor? = nil, options: PolicyLossOptions = PolicyLossOptions()
  ) -> Tensor {
    let rows = logits.rows
    let operands = [advantages, old, reference, weights]
    guard ids.shape.count == rows, operands.allSatisfy({ $0.map { $0.count == rows } ?? true }) else {
      return logits.tape.refuse(
        "policy",
        "logits \(logits.shape), ids \(ids.shape), operands "
          + operands.compactMap { $0.map { "\($0.shape)" } }.joined(separator: ", "))
    }
    guard options.estimator == .none || reference != nil else {
      return logits.tape.refuse("policy", "estimating the divergence needs reference log-probabilities")
    }
    return logits.tape.record(
      .policyLoss, [logits, ids.tensor, advantages, old, reference, weights], [],
      sizes: [rows, logits.width, options.estimator.number],
      reals: [1, options.penalty, options.clipLow, options.clipHigh])
  }

  /// Weighted sum of a critic's squared errors, of the clipped value where that is larger (PPO).
  ///
  /// - Parameters:
  ///   - old: values when the answers were drawn; without them nothing is clipped.
  ///   - clip: how far a value may move from `old`.
  public static func value(
    _ values: Tensor, target: Tensor, old: Tensor? = nil, weights: Tensor? = nil, clip: Float = 0.2
  ) -> Tensor {
    guard [target, old, weights].allSatisfy({ $0.map { $0.count == values.count } ?? true }) else {
      return values.tape.refuse("value", "values \(values.shape), target \(target.shape)")
    }
    return values.tape.record(
      .valueLoss, [values, target, old, weights], [], sizes: [values.count], reals: [1, clip])
  }
}
