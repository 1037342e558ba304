import PenchantKernels

/// Which loss of a preference margin.
public enum PreferenceLoss: Int, Sendable, Codable, CaseIterable {
  /// Bradley–Terry; with references DPO; with smoothing cDPO; with lengths and gamma SimPO.
  case sigmoid = 0
  /// rDPO.
  case robust
  /// SLiC.
  case hinge
  case ipo
  case holder
  case ropo
  case exo
}

/// Numbers of a preference loss; what each family reads says `include/penchant/preference.h`.
public struct PreferenceOptions: Sendable, Codable, Equatable {
  /// Slope of the margin.
  public var beta: Float = 1
  /// Margin to reach.
  public var gamma: Float = 0
  /// Probability that a label is wrong.
  public var smoothing: Float = 0
  /// HOLDER's exponent, ROPO's α.
  public var shape: Float = 1
  /// Weight of the negative log-likelihood of the chosen side (CPO).
  public var likelihood: Float = 0
  public init(
    beta: Float = 1, gamma: Float = 0, smoothing: Float = 0, shape: Float = 1, likelihood: Float = 0
  ) {
    self.beta = beta
    self.gamma = gamma
    self.smoothing = smoothing
    self.shape = shape
    self.likelihood = likelihood
  }
}

/// Losses: means over a batch, one element each. Value and gradient are computed in one pass.
public enum Loss {
  /// Mean of −log σ((chosen − rejected)): Bradley & Terry 1952.
  public static func bradleyTerry(chosen: Tensor, rejected: Tensor, weights: Tensor? = nil) -> Tensor {
    preference(.sigmoid, chosen: chosen, rejected: rejected, weights: weights)
  }

  /// Losses over pairs of scores or log-probabilities; operands have as many elements each.
  ///
  /// - Parameters:
  ///   - references: log-probabilities of the reference model for the chosen and the rejected side.
  ///   - lengths: token counts of the two sides; scores are divided by them.
  ///   - target: margin of each pair; `labels`: probability that the chosen side is the better one.
  public static func preference(
    _ kind: PreferenceLoss, chosen: Tensor, rejected: Tensor,
    references: (chosen: Tensor, rejected: Tensor)? = nil,
    lengths: (chosen: Ids, rejected: Ids)? = nil, target: Tensor? = nil, labels: Tensor? = nil,
    weights: Tensor? = nil,
    options: PreferenceOptions = PreferenceOptions()
  ) -> Tensor {
    let floats = [chosen, rejected, references?.chosen, references?.rejected, target, labels, weights]
    if let bad = floats.first(where: { $0.map { $0.count != chosen.count } ?? false }), let bad {
      return chosen.tape.refuse("preference", "chosen \(chosen.shape) and an operand \(bad.shape)")
    }
    return chosen.tape.record(
      .preference,
      [
        chosen, rejected, references?.chosen, references?.rejected, lengths?.chosen.tensor,
        lengths?.rejected.tensor,
        target, labels, weights,
      ], [], sizes: [chosen.count, kind.rawValue],
      reals: [1, options.beta, options.gamma, options.smoothing, options.shape, options.likelihood])
  }

  /// Binary cross-entropy from logits; targets in [0, 1].
  public static func binaryCrossEntropy(logits: Tensor, targets: Tensor, weights: Tensor? = nil) -> Tensor {
    pointwise(.bce, logits, targets, weights, "binaryCrossEntropy")
  }

  /// Mean of (x − target)².
  public static func meanSquaredError(_ x: Tensor, target: Tensor, weights: Tensor? = nil) -> Tensor {
    pointwise(.mse, x, target, weights, "meanSquaredError")
  }

  private static func pointwise(
    _ kind: ProgramOperation.Kind, _ x: Tensor, _ target: Tensor, _ weights: Tensor?, _ name: String
  ) -> Tensor {
    guard x.count == target.count, weights.map({ $0.count == x.count }) ?? true else {
      return x.tape.refuse(
        name, "values \(x.shape), targets \(target.shape)\(weights.map { ", weights \($0.shape)" } ?? "")")
    }
    return x.tape.record(kind, [x, target, weights], [], sizes: [x.count], reals: [1])
  }

  /// Mean cross-entropy of logits `[…, classes]` with class ids `[…]`. Rows whose id is `UInt32.max` do not
  /// count.
  public static func crossEntropy(logits: Tensor, ids: Ids) -> Tensor {
    guard ids.shape.count == logits.rows else {
      return logits.tape.refuse("crossEntropy", "logits \(logits.shape) and ids \(ids.shape)")
    }
    return logits.tape.record(
      .crossEntropy, [logits, ids.tensor], [], sizes: [logits.rows, logits.width], reals: [1])
  }

  /// Mean cross-entropy over a catalogue: hidden states `[…, width]` against a table of items `[items,
  /// width]`. The matrix of
  /// logits never exists. Rows whose id is `UInt32.max` do not count.
  public static func catalogueCrossEntropy(
    hidden: Tensor, items: Tensor, ids: Ids, bias: Tensor? = nil, weights: Tensor? = nil
  ) -> Tensor {
    guard items.shape.rank == 2, items.width == hidden.width, ids.shape.count == hidden.rows,
      bias.map({ $0.count == items.shape.extents[0] }) ?? true,
      weights.map({ $0.count == hidden.rows }) ?? true
    else {
      return hidden.tape.refuse(
        "catalogueCrossEntropy", "hidden \(hidden.shape), items \(items.shape), ids \(ids.shape)")
    }
    return hidden.tape.record(
      .catalogueCrossEntropy, [hidden, items, ids.tensor, bias, weights], [],
      sizes: [hidden.rows, items.shape.extents[0], hidden.width], reals: [1])
  }

  /// How far the softmax distributions over a catalogue of several states of a row lie apart: the mean over rows and
  /// ordered pairs of states of KL(p ‖ q), where only p takes a gradient (ReaRec's regulariser, arXiv 2503.22675, eq. 7).
  ///
  /// - Parameters:
  ///   - hidden: `[states, rows, width]`, at most 16 states.
  ///   - items: `[items, width]`; `bias`: `[items]`, without a gradient.
  ///   - ids: `[rows]`; a row whose id is `UInt32.max` does not count, other ids are not read.
  public static func catalogueDivergence(
    hidden: Tensor, items: Tensor, ids: Ids, bias: Tensor? = nil
  ) -> Tensor {
    guard hidden.shape.rank == 3, items.shape.rank == 2, items.width == hidden.width,
      ids.shape.count == hidden.shape.extents[1], bias.map({ $0.count == items.shape.extents[0] }) ?? true
    else {
      return hidden.tape.refuse(
        "catalogueDivergence", "hidden \(hidden.shape), items \(items.shape), ids \(ids.shape)")
    }
    return hidden.tape.record(
      .catalogueDivergence, [hidden, items, ids.tensor, bias], [],
      sizes: [hidden.shape.extents[0], hidden.shape.extents[1], items.shape.extents[0], hidden.width],
      reals: [1])
  }

  /// Mean of `weight · softplus(−h)` over pairs of noise predictions (Diffusion-DPO, Wallace et al. 2024; InPO, Lu et al.
  /// 2025): with ℓ the mean squared error of a prediction, `h = −β/2 · [(ℓ_w − ℓ_l) − (ℓ_ref,w − ℓ_ref,l)]`.
  ///
  /// - Parameters:
  ///   - eps: `[2 · pairs, columns]`, winners first, then losers in the same order; `reference` and `noise` likewise.
  ///   - weights: `[pairs]`.
  public static func diffusionPreference(
    eps: Tensor, reference: Tensor, noise: Tensor, weights: Tensor? = nil, beta: Float
  ) -> Tensor {
    let pairs = eps.rows / 2
    guard eps.rows == 2 * pairs, pairs > 0, reference.count == eps.count, noise.count == eps.count,
      weights.map({ $0.count == pairs }) ?? true
    else {
      return eps.tape.refuse(
        "diffusionPreference",
        "eps \(eps.shape), reference \(reference.shape), noise \(noise.shape)\(weights.map { ", weights \($0.shape)" } ?? "")"
      )
    }
    return eps.tape.record(
      .diffusionPreference, [eps, reference, noise, weights], [], sizes: [pairs, eps.width], reals: [1, beta])
  }

  /// Mean negative log-probability of rankings: scores `[lists, items]`; `places` `[lists, items]` say
  /// where each item stands
  /// (0 = best, `UInt32.max` = below all ranked ones), without them items stand in order. `top` > 0 counts
  /// only the first
  /// places.
  public static func plackettLuce(
    scores: Tensor, places: Ids? = nil, weights: Tensor? = nil, top: Int = 0
  ) -> Tensor {
    guard places.map({ $0.shape.count == scores.count }) ?? true,
      weights.map({ $0.count == scores.rows }) ?? true,
      top >= 0
    else {
      return scores.tape.refuse(
        "plackettLuce", "scores \(scores.shape), places \(places?.shape ?? []), top \(top)")
    }
    return scores.tape.record(
      .plackettLuce, [scores, places?.tensor, weights], [], sizes: [scores.rows, scores.width, top],
      reals: [1])
  }
}
