import Foundation
import PenchantKernels
import PenchantTrain

/// The loss of section 5, `mean softplus(-(R(y⁺) - R(y⁻) - γ))`, and when the attributes are left out of a step.
struct PaletteObjective: Sendable {
  let configuration: PrefPaletteConfiguration.Objective
  let seed: UInt64
  /// T, steps of the whole training.
  let steps: Int

  /// p(t) = min(p_max, t / (0.75 T)), t counted in optimiser steps (the release counts micro-steps; section 11, row 2).
  func reduction(at step: Int) -> Double {
    min(configuration.reduction, Double(step) / (0.75 * Double(max(1, steps))))
  }

  /// Whether step `step` uses the attributes: a function of (seed, step), so that a resumed run decides alike.
  func usesAttributes(at step: Int) -> Bool {
    let p = reduction(at: step)
    guard p > 0 else { return true }
    var draws = Philox(seed: seed, stream: Self.stream &+ UInt64(step))
    return draws.uniform() >= p
  }

  /// γ of every pair; empty for none.
  static func margins(_ data: PaletteData, _ configuration: PrefPaletteConfiguration.Objective) throws
    -> [Float]
  {
    guard configuration.margin != .none else { return [] }
    guard !data.votes.isEmpty else {
      throw ConfigurationError(
        "objective.margin is \(configuration.margin.rawValue), and the pairs have no votes; set it to none")
    }
    return data.votes.map {
      let scale = configuration.marginScale
      return configuration.margin == .votes ? scale * $0 : scale * Float(log2(1 + max(0, Double($0))))
    }
  }

  /// Streams of the seed: one a step from here on, well above those of parameters and epochs.
  private static let stream: UInt64 = 1 << 56
}
