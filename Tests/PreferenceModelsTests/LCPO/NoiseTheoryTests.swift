import Foundation
import PenchantKernels
import PenchantTrain
import TestSupport
import Testing

@testable import PreferenceModels

/// Section 7 of the specification: theorem 4.1, and the failures that go with it.
@Suite struct NoiseTheoryTests {
  private static let isLong = ProcessInfo.processInfo.environment["PENCHANT_LONG"] == "1"

  private static func fixedPoint(
    _ margins: [Double], from start: Double, iterations: Int = 3000, slope: Double = 1
  ) throws -> (eta: Double, iterations: Int, objective: [Double]) {
    let likelihood = try NoisyLikelihood(GivenMargins(margins))
    var fit = likelihood.start(Reliabilities(annotators: 1, start: start, slope: slope))
    let path = try likelihood.maximise(&fit, iterations: iterations)
    return (fit.reliabilities.eta[0], fit.iterations, path)
  }

  /// η*, sd, iterations of the specification to |Δη| < 1e-10.
  private static let theorem: [(eta: Double, sd: Double, iterations: Int)] = [
    (0.6, 1, 115), (0.6, 2, 46), (0.6, 4, 24), (0.8, 1, 140), (0.8, 2, 54), (0.8, 4, 26), (0.9, 1, 220),
    (0.9, 2, 68), (0.9, 4, 31), (0.95, 1, 310), (0.95, 2, 96), (0.95, 4, 35),
  ]

  @Test(arguments: theorem.indices)
  func everyStartFindsTheReliability(_ row: Int) throws {
    let (eta, sd, iterations) = Self.theorem[row]
    let labels = NoisyLabels(20_000, sd: sd, reliability: [eta], seed: "theorem \(row)")
    let ends = try [0.1, 0.55, 0.9, 0.99].map { try Self.fixedPoint(labels.margins, from: $0) }
    for end in ends {
      #expect(abs(end.eta - eta) <= 4 * labels.standardError(eta), "\(end.eta) for \(eta)")
      #expect(abs(end.eta - ends[0].eta) < 1e-7)
    }
    print(
      "7.1: eta* \(eta), sd \(sd): \(ends[0].eta) ± \(labels.standardError(eta)), \(ends.map(\.iterations)), \(iterations)"
    )
    // The linear rate is 1 − η(1 − η) I.
    let middle = ends.map(\.iterations).sorted()[1...2].reduce(0, +) / 2
    #expect(
      Double(middle) > 0.8 * Double(iterations) && Double(middle) < 1.2 * Double(iterations), "\(middle)")
    // Confidence tells right from wrong labels as well as the margins allow, whatever η is.
    let found = try Reliabilities(annotators: 1, start: ends[0].eta).expect(labels.margins)
    let area = LabelAUC.area(found.posterior, labels.isRight)
    let expected = sd == 1 ? 0.74 : sd == 2 ? 0.86 : 0.95
    #expect(abs(area - expected) < 0.025, "\(area)")
  }

  /// Section 7.2. Under-confident models drive η to 1, over-confident ones to the rate of agreement.
  @Test(arguments: [
    (0.7, [1.0, 0.794, 0.73, 0.699, 0.67, 0.655, 0.633, 0.619]),
    (0.8, [1.0, 0.931, 0.843, 0.799, 0.755, 0.733, 0.70, 0.679]),
    (0.9, [1.0, 1.0, 0.952, 0.901, 0.846, 0.817, 0.771, 0.742]),
  ])
  func miscalibratedMarginsMoveTheReliability(_ eta: Double, _ table: [Double]) throws {
    let n = Self.isLong ? 200_000 : 50_000
    let labels = NoisyLabels(n, sd: 2, reliability: [eta], seed: "miscalibrated \(eta)")
    for (tau, want) in zip([0.25, 0.5, 0.75, 1, 1.5, 2, 4, 10], table) {
      let got = try Self.fixedPoint(labels.margins.map { tau * $0 }, from: 0.9, iterations: 20_000).eta
      print("7.2: eta* \(eta), tau \(tau): \(got), \(want)")
      #expect(abs(got - want) <= 0.01, "tau \(tau): \(got), expected \(want)")
    }
  }

  /// The remedy: with the slope fitted beside it, η is found whatever the margins were multiplied by.
  @Test(arguments: [0.25, 0.5, 2, 10]) func fittedSlopeUndoesMiscalibration(_ tau: Double) throws {
    let labels = NoisyLabels(isOptimised ? 50_000 : 20_000, sd: 2, reliability: [0.8], seed: "slope")
    let likelihood = try NoisyLikelihood(GivenMargins(labels.margins.map { tau * $0 }))
    var fit = likelihood.start(Reliabilities(annotators: 1, start: 0.9))
    var moves = NoisyLikelihood.Moves()
    moves.slope = true
    moves.tolerance = 1e-6
    let path = try likelihood.maximise(&fit, iterations: 3000, moves)
    #expect(abs(fit.reliabilities.slope * tau - 1) < 0.15, "\(fit.reliabilities.slope)")
    #expect(abs(fit.reliabilities.eta[0] - 0.8) < 0.025, "\(fit.reliabilities.eta[0])")
    for (before, after) in zip(path, path.dropFirst()) { #expect(after <= before * (1 + 1e-12)) }
  }

  /// Section 7.3: a model that knows nothing leaves η where it is; tiny margins barely move it.
  @Test func marginsOfZeroSayNothing() throws {
    let got = try Self.fixedPoint([Double](repeating: 0, count: 1000), from: 0.83)
    #expect(abs(got.eta - 0.83) < 1e-12 && got.iterations == 1)
    let labels = NoisyLabels(20_000, sd: 2, reliability: [0.8], seed: "tiny")
    // While p ≈ ½ every iteration adds the mean margin to logit η, wherever it started: the end follows the start.
    let margins = labels.margins.map { $0 * 0.02 }
    let drift = margins.sum() / Double(margins.count)
    for start in [0.8, 0.9, 0.95, 0.99] {
      let got = try Self.fixedPoint(margins, from: start, iterations: 100).eta
      let moved = log(got / (1 - got)) - log(start / (1 - start))
      #expect(abs(moved - 100 * drift) < 0.15 * 100 * drift, "from \(start) to \(got)")
      #expect(got > start)
    }
  }

  /// (θ, η) and (−θ, 1 − η) are equally likely: a start below ½ ends at the mirrored solution.
  @Test func startBelowOneHalfFindsTheMirror() throws {
    let labels = LinearLabels(6000, width: 5, sd: 3, reliability: 0.8, seed: "mirror")
    let likelihood = try NoisyLikelihood(FeatureDifferences(width: 5, labels.differences))
    let right = try likelihood.maximiseDirectly(
      from: likelihood.start(Reliabilities(annotators: 1, start: 0.9)))
    var start = likelihood.start(Reliabilities(annotators: 1, start: 0.3))
    let mirrored = try likelihood.maximiseDirectly(from: start)
    #expect(abs(mirrored.reliabilities.eta[0] - (1 - right.reliabilities.eta[0])) < 1e-3)
    #expect(correlation(mirrored.parameters, right.parameters.map { -$0 }) > 0.999)
    #expect(abs(mirrored.objective - right.objective) < 1e-5 * right.objective)
    #expect(dot(right.parameters, labels.truth) > 0)
    // At θ = 0 the posterior is η itself: the first iteration moves θ and leaves η alone.
    start = likelihood.start(Reliabilities(annotators: 1, start: 0.9))
    try likelihood.step(&start)
    #expect(abs(start.reliabilities.eta[0] - 0.9) < 1e-12 && !start.converged)
    #expect(start.parameters.contains { abs($0) > 0.1 })
  }

  /// Section 7.7: with more weights than pairs every label is repeated, and a repeated label looks right.
  @Test func memorisedLabelsLookRight() throws {
    let labels = LinearLabels(100, width: 200, sd: 3, reliability: 0.7, seed: "memory")
    let likelihood = try NoisyLikelihood(FeatureDifferences(width: 200, labels.differences), ridge: 1e-6)
    let fit = try likelihood.maximiseDirectly(from: likelihood.start(Reliabilities(annotators: 1)))
    let margins = try likelihood.model.margins(fit.parameters)
    #expect(margins.allSatisfy { $0 > 0 } && fit.reliabilities.eta[0] > 0.99)
    let found = try fit.reliabilities.expect(margins)
    #expect(zip(found.posterior, labels.isRight).allSatisfy { $1 || $0 > 0.99 })
  }

  /// Acceptance 7: full EM never lowers the likelihood.
  @Test func likelihoodNeverFalls() throws {
    let labels = NoisyLabels(5000, sd: 1, reliability: [0.7, 0.95, 0.4], seed: "monotone")
    let given = try NoisyLikelihood(
      GivenMargins(labels.margins), annotators: labels.annotator, annotatorCount: 3)
    let linear = LinearLabels(2000, width: 6, sd: 2, reliability: 0.8, seed: "monotone linear")
    let joint = try NoisyLikelihood(
      FeatureDifferences(width: 6, linear.differences), ridge: 0.1, pseudo: (9, 1))
    for (likelihood, limit) in [(given, 400), (joint, 120)] {
      var fit = likelihood.start(Reliabilities(annotators: likelihood.annotatorCount))
      let path = try likelihood.maximise(&fit, iterations: limit)
      #expect(path.count > 5)
      for (before, after) in zip(path, path.dropFirst()) { #expect(after <= before + 1e-12 * abs(before)) }
    }
  }

  /// The marginal loss is the weighted cross-entropy plus KL(w ‖ η), and the gradient of both is the same.
  @Test func marginalIsCrossEntropyPlusDivergence() throws {
    for (u, eta) in [(0.3, 0.9), (-2, 0.7), (4, 0.4), (-0.01, 0.99)] {
      let found = try Reliabilities(annotators: 1, start: eta).expect([u])
      let w = found.posterior[0]
      let entropy = w * softplus(-u) + (1 - w) * softplus(u)
      let divergence = w * log(w / eta) + (1 - w) * log((1 - w) / (1 - eta))
      #expect(abs(found.loss - entropy - divergence) < 1e-13)
      #expect(abs(found.gradient[0] - (sigmoid(u) - w)) < 1e-15)
    }
  }
}
