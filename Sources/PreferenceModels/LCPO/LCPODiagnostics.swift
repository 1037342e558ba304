import Foundation
import PenchantKernels
import PenchantTrain

/// Whether an estimate of label noise can be believed, and what speaks against it.
public struct LCPODiagnostics: Codable, Sendable, Equatable {
  /// Mean size of κ u.
  public var meanMargin: Double
  /// Share of pairs whose observed order the model prefers; a margin of 0 counts one half.
  public var agreement: Double
  /// Share of pairs with a margin of exactly 0: their posterior is η, and they say nothing of it.
  public var zeroMargins: Double
  /// The slope at which the margins would fit the labels best, noise and slope fitted together; nil where worths are fitted.
  public var bestSlope: Double?
  /// η at that slope, the mean over labels.
  public var bestReliability: Double?
  /// Correlation of the confidence with the length of the chosen response over that of the rejected; nil without lengths.
  public var lengthCorrelation: Double?
  /// Text pairs that were judged both ways; for compared texts.
  public var contradictions: Int?
  /// Annotators with fewer than five labels.
  public var rareAnnotators: Int
  /// Sentences for the user.
  public var warnings: [String]

  init(
    _ problem: LCPOProblem, _ fit: NoiseFit, margins: [Double], _ found: NoiseExpectation,
    _ annotators: [FittedLCPO.Annotator], _ configuration: LCPOConfiguration
  ) throws {
    let data = problem.data
    let n = Double(data.count)
    let slope = fit.reliabilities.slope
    meanMargin = margins.map { abs($0) * slope }.sum() / n
    agreement = margins.map(PairMetrics.hit).sum() / n
    zeroMargins = Double(margins.count { $0 == 0 }) / n
    rareAnnotators = annotators.count > 1 ? annotators.count { $0.pairs < 5 } : 0
    lengthCorrelation = data.lengthDifference.flatMap { Self.correlation(found.posterior, $0) }
    let mean = fit.reliabilities.mean(over: found.count)
    var warnings = problem.warnings

    if case .items(_, let chosen, let rejected) = data.evidence {
      contradictions = Self.contradictions(chosen, rejected)
      if problem.likelihood.model.parameterCount * 2 > data.count {
        warnings.append(
          "\(problem.likelihood.model.parameterCount) texts for \(data.count) pairs: worths can repeat every label, and a "
            + "label that is repeated looks right\n  use penchant train bradley-terry --robust lcpo, which learns from "
            + "what texts say, or give more judgements a text")
      }
    } else {
      var calibrated = problem.likelihood.start(problem.start)
      var moves = NoisyLikelihood.Moves()
      moves.slope = true
      moves.tolerance = 1e-5
      if problem.fitsSlope {
        calibrated = fit
      } else {
        try problem.likelihood.maximise(&calibrated, iterations: 500, moves)
      }
      bestSlope = calibrated.reliabilities.slope
      let best = calibrated.reliabilities.mean(over: found.count)
      bestReliability = best
      let ratio = calibrated.reliabilities.slope / slope
      if ratio > 1.25 {
        warnings.append(
          "the margins are too small for the labels: at \(Self.number(ratio)) times their size they fit best, and reliability "
            + "is \(Self.number(best)) there, not \(Self.number(mean)). Small margins drive reliability to 1\n"
            + "  set noise.slope to fit, or noise.learns to false with a rate that you know")
      } else if ratio < 0.8 {
        warnings.append(
          "the margins are too large for the labels: at \(Self.number(ratio)) of their size they fit best, and reliability is "
            + "\(Self.number(best)) there, not \(Self.number(mean)). Large margins pull it down to the share of pairs that the "
            + "model puts in the observed order\n  set noise.slope to fit")
      }
    }
    if mean > 0.99, agreement < 0.9, configuration.noise.learns {
      warnings.append(
        "reliability has run to \(Self.number(mean)) while the model disagrees with \(Self.number(1 - agreement)) of the "
          + "labels: the margins do not say more than a coin, or are too small; no label is doubted")
    }
    if mean < 0.5, configuration.noise.learns {
      warnings.append(
        "reliability is \(Self.number(mean)), below one half: most labels are taken to be wrong. This is the mirrored "
          + "solution when margins have the wrong sign or noise.reliability starts below 0.5")
    }
    // Of log-probabilities alone: longer texts may well be better, but sums of log-probabilities are smaller for being longer.
    if case .logProbabilities = data.evidence, let r = lengthCorrelation, abs(r) > 0.3 {
      warnings.append(
        "confidence goes with length (correlation \(Self.number(r))): the longer response is "
          + (r > 0 ? "trusted" : "doubted") + " for being longer, perhaps\n"
          + "  give references, or set objective.per_token and objective.centre to true, and compare")
    }
    let unknown = annotators.count { ($0.standardError ?? 1) > 0.25 }
    if configuration.noise.learns, unknown == annotators.count {
      warnings.append(
        "the labels do not say how reliable they are: margins are near 0, and reliability stays near where it started"
      )
    }
    if rareAnnotators > 0, configuration.noise.pseudoRight + configuration.noise.pseudoWrong == 0 {
      warnings.append(
        "\(rareAnnotators) annotators gave fewer than five labels, and without pseudo-counts their reliability runs to 0 or 1\n"
          + "  set noise.pseudo_right and noise.pseudo_wrong, 9 and 1 unless you know better")
    }
    self.warnings = warnings
  }

  static func number(_ value: Double) -> String { String(format: "%.3g", value) }

  /// Pearson's; nil when one of them does not vary.
  static func correlation(_ x: [Double], _ y: [Double]) -> Double? {
    let n = Double(max(1, x.count))
    let (mx, my) = (x.sum() / n, y.sum() / n)
    let (dx, dy) = (x.map { $0 - mx }, y.map { $0 - my })
    let scale = (dot(dx, dx) * dot(dy, dy)).squareRoot()
    return scale > 1e-12 * n ? dot(dx, dy) / scale : nil
  }

  private static func contradictions(_ chosen: [UInt32], _ rejected: [UInt32]) -> Int {
    var seen: [UInt64: UInt8] = [:]
    for (a, b) in zip(chosen, rejected) where a != b {
      seen[UInt64(min(a, b)) << 32 | UInt64(max(a, b)), default: 0] |= a < b ? 1 : 2
    }
    return seen.values.count { $0 == 3 }
  }
}
