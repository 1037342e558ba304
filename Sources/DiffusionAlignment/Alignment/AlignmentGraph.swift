import PenchantTape

/// The loss of a method on a tape, and its inputs. Rows are pairs, winners first, then losers; ℓ is the mean squared error of
/// a row, as everywhere in the field.
struct AlignmentGraph {
  let noised: NoiseGraph
  let loss: Tensor
  /// `[rows, values]`: the noise that is to be found. For chains: what a move leaves of the next state.
  let target: Tensor
  /// `[rows, values]`: the reference's prediction; nil for methods without one.
  let reference: Tensor?
  /// `[pairs]` or `[rows]`.
  let weights: Tensor
  /// Of chains.
  let chain: Chain?

  struct Chain {
    /// `[rows, 1]`: what ε is multiplied by in a move, and 1 / (2 σ²).
    let factor: Tensor
    let precision: Tensor
    /// `[rows]`: log-probability of the move under the network that made it, or under the reference.
    let before: Tensor
  }

  /// - Parameters:
  ///   - rows: two a pair, one a move for DDPO.
  ///   - beta, gamma, ratio: of the objective.
  init(
    _ model: DiffusionModel, method: AlignmentMethod, rows: Int, beta: Float, gamma: Float, ratio: Float,
    on tape: Tape
  ) {
    let values = model.shape.count
    noised = NoiseGraph(model, rows: rows, on: tape)
    target = tape.input("target", [rows, values])
    reference = method.hasReference && !method.isOnPolicy ? tape.input("reference", [rows, values]) : nil
    weights = tape.input("weights", [method == .kto || method == .ddpo || method == .sft ? rows : rows / 2])
    chain =
      method.isOnPolicy
      ? Chain(
        factor: tape.input("factor", [rows, 1]), precision: tape.input("precision", [rows]),
        before: tape.input("before", [rows])) : nil
    let eps = noised.eps
    func pair(_ rows: Tensor, _ part: Int) -> Tensor {
      rows.reshaped([2, rows.shape.count / 2]).at(axis: 0, part)
    }
    if let chain {
      // log N(x'; μ, σ²) up to what does not depend on the network, averaged over the values as the field does.
      let apart = target - eps * chain.factor
      let log = -(apart.squared().meanAlongRows() * chain.precision)
      let change = log - chain.before
      if method == .d3po {
        // D3PO eq. 9, the ratios kept in 1 ± `ratio`.
        let clipped = Self.clip(change.exp(), 1 - ratio, 1 + ratio).log()
        let margin = (pair(clipped, 0) - pair(clipped, 1)) * beta
        loss = ((-margin).softplus() * weights).mean()
      } else {
        // DDPO's clipped policy gradient: −min(A ρ, A clip(ρ)); the weights are advantages.
        let free = change.exp() * weights
        let held = Self.clip(change.exp(), 1 - ratio, 1 + ratio) * weights
        loss = -(held - (held - free).relu()).mean()
      }
      return
    }
    let error = (eps - target).squared().meanAlongRows()
    switch (method, reference) {
    case (.kto, let reference?):
      // ℓ − ℓ_ref without cancellation.
      let change = ((eps - reference) * (eps + reference - target * 2)).meanAlongRows()
      let gain = -change
      let anchor = gain.mean().detached().relu()
      let sign = tape.constant((0..<rows).map { $0 < rows / 2 ? 1 : -1 }, [rows])
      let utility = ((gain - anchor) * sign * beta).sigmoid()
      loss = ((1 - utility) * weights).mean()
    case (.mapo, _):
      // o = u / (e^u − 1) with u = ℓ / 2, written with tanh: the plain form loses all digits where ℓ is small.
      let half = error * 0.25
      let odds = (half + 1e-20) / (half + 1e-20).tanh() - half
      let margin = (pair(odds, 0) - pair(odds, 1)) * Float(model.schedule.steps)
      loss = (pair(error, 0) * weights).mean() + ((-margin).softplus() * weights).mean() * 0.1
    case (.sft, _): loss = (error * weights).mean()
    case (.smpo, let reference?):
      // The logit of InPO times γ (2p − 1); the weights are 2p − 1.
      let change = ((eps - reference) * (eps + reference - target * 2)).meanAlongRows()
      let margin = (pair(change, 1) - pair(change, 0)) * weights * (beta / 2 * gamma)
      loss = (-margin).softplus().mean()
    default:
      loss = Loss.diffusionPreference(
        eps: eps, reference: reference ?? eps, noise: target, weights: weights, beta: beta)
    }
  }

  /// x kept in low...high.
  private static func clip(_ x: Tensor, _ low: Float, _ high: Float) -> Tensor {
    (x - low).relu() - (x - high).relu() + low
  }
}
