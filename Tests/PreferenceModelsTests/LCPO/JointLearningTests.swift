import Foundation
import PenchantKernels
import PenchantTrain
import TestSupport
import Testing

@testable import PreferenceModels

/// Sections 7.4 and 7.5: reliabilities and a model learnt together.
@Suite struct JointLearningTests {
  private static let isLong = ProcessInfo.processInfo.environment["PENCHANT_LONG"] == "1"

  /// Acceptance 3: the joint maximum within 0.015 of η* where margins are wide enough, the mean over seeds; at
  /// η* = 0.6 within 0.02, where scale and reliability are harder to tell apart.
  @Test(
    .enabled(if: isOptimised, "20,000 pairs a fit"), arguments: [0.9, 0.8, 0.7, 0.6], [2.0, 3.0])
  func jointMaximumFindsReliabilityAndScale(_ eta: Double, _ sd: Double) throws {
    let seeds = Self.isLong ? 4 : 2
    var found: [Double] = []
    for seed in 0..<seeds {
      let labels = LinearLabels(
        20_000, width: 20, sd: sd, reliability: eta, seed: "joint \(eta) \(sd) \(seed)")
      let likelihood = try NoisyLikelihood(FeatureDifferences(width: 20, labels.differences))
      let fit = try likelihood.maximiseDirectly(from: likelihood.start(Reliabilities(annotators: 1)))
      found.append(fit.reliabilities.eta[0])
      #expect(abs(found[seed] - eta) <= (eta == 0.6 ? 0.04 : 0.03), "\(found[seed]) for \(eta)")
      let scale = dot(fit.parameters, fit.parameters).squareRoot() / sd
      #expect(scale > 0.7 && scale < 1.4, "scale \(scale)")
    }
    print("7.4: joint, eta* \(eta), sd \(sd): \(found)")
    #expect(abs(found.sum() / Double(seeds) - eta) <= (eta == 0.6 ? 0.02 : 0.015), "\(found)")
  }

  /// The same on few pairs, for every build.
  @Test func jointMaximumOfFewPairs() throws {
    let labels = LinearLabels(4000, width: 8, sd: 3, reliability: 0.8, seed: "few")
    let likelihood = try NoisyLikelihood(FeatureDifferences(width: 8, labels.differences))
    let fit = try likelihood.maximiseDirectly(from: likelihood.start(Reliabilities(annotators: 1)))
    #expect(abs(fit.reliabilities.eta[0] - 0.8) <= 0.04, "\(fit.reliabilities.eta[0])")
    #expect(labels.signAccuracy(fit.parameters, count: 4000) > 0.96)
  }

  /// Full EM and the direct search end at the same optimum.
  @Test func fullEMAndDirectSearchAgree() throws {
    let labels = LinearLabels(3000, width: 5, sd: 3, reliability: 0.8, seed: "agree")
    let likelihood = try NoisyLikelihood(FeatureDifferences(width: 5, labels.differences), ridge: 0.1)
    let direct = try likelihood.maximiseDirectly(from: likelihood.start(Reliabilities(annotators: 1)))
    var em = likelihood.start(Reliabilities(annotators: 1))
    try likelihood.maximise(&em, iterations: 1500)
    #expect(abs(em.reliabilities.eta[0] - direct.reliabilities.eta[0]) < 2e-4)
    #expect(abs(em.objective - direct.objective) < 1e-5 * direct.objective)
    for (a, b) in zip(em.parameters, direct.parameters) { #expect(abs(a - b) < 5e-3 * (1 + abs(b))) }
  }

  private static func trained(
    _ labels: LinearLabels, _ method: RobustConfiguration.Method, reliability: Double, seed: UInt64,
    epochs: Int
  ) throws -> (weights: [Double], eta: Double) {
    var robust = RobustConfiguration()
    robust.method = method
    robust.step = 0.1
    robust.warmup = 0
    robust.smoothing = method == .rdpo ? 1 - reliability : 0.1
    let task = try MarginTask(
      FeatureDifferences(width: labels.width, labels.differences), batchSize: 128, rate: 1e-2, epochs: epochs,
      seed: seed)
    var training = try RobustTraining(task, robust, steps: epochs * task.stepsPerEpoch)
    var run = TrainerConfiguration()
    run.epochs = epochs
    _ = try Trainer(run).train(&training, from: TrainingState(seed: seed))
    return (training.base.parameters.map(Double.init), training.reliabilities.eta[0])
  }

  /// Acceptance 3: RE-DPO's signs are at least as good as DPO's under noise, and lose nothing without it.
  @Test(.enabled(if: isOptimised, "trains 40 models"), arguments: [1.0, 0.9, 0.8, 0.7])
  func robustTrainingKeepsTheSigns(_ eta: Double) throws {
    var (plain, robust, found) = (0.0, 0.0, 0.0)
    for seed in 0..<5 {
      let labels = LinearLabels(20_000, width: 20, sd: 3, reliability: eta, seed: "signs \(seed)")
      plain +=
        labels.signAccuracy(
          try Self.trained(labels, .none, reliability: eta, seed: UInt64(seed), epochs: 10).weights) / 5
      let fit = try Self.trained(labels, .lcpo, reliability: eta, seed: UInt64(seed), epochs: 10)
      robust += labels.signAccuracy(fit.weights) / 5
      found += fit.eta / 5
    }
    print("7.4: eta* \(eta): DPO \(plain), RE-DPO \(robust), eta \(found)")
    if eta == 1 {
      #expect(robust >= plain - 0.002, "\(robust) and \(plain)")
      #expect(found > 0.98)
    } else {
      #expect(robust >= plain, "\(robust) and \(plain)")
      #expect(found > eta - 0.05 && found < eta + 0.15, "\(found)")
    }
  }

  /// The table of section 7.4: every method, one seed (three with PENCHANT_LONG=1).
  @Test(
    .enabled(if: isOptimised && isLong, "trains 100 models; PENCHANT_LONG=1"),
    arguments: [0.9, 0.8, 0.7, 0.6])
  func tableOfMethods(_ eta: Double) throws {
    let methods: [RobustConfiguration.Method] = [
      .none, .cdpo, .rdpo, .ropo, .holder, .drdpo, .hinge, .lcpo,
    ]
    var row: [String] = []
    for method in methods {
      var sum = 0.0
      for seed in 0..<3 {
        let labels = LinearLabels(20_000, width: 20, sd: 3, reliability: eta, seed: "signs \(seed)")
        let fit = try Self.trained(labels, method, reliability: eta, seed: UInt64(seed), epochs: 10)
        sum += labels.signAccuracy(fit.weights) / 3
      }
      row.append("\(method.rawValue) \(String(format: "%.4f", sum))")
      #expect(sum > 0.9, "\(method)")
    }
    print("7.4: eta* \(eta): \(row.joined(separator: ", "))")
  }

  /// Two annotators, section 7.5.
  @Test func twoAnnotatorsAreToldApart() throws {
    let n = isOptimised ? 20_000 : 10_000
    let labels = NoisyLabels(n, sd: 3, reliability: [0.953, 0.6], seed: "two annotators")
    let likelihood = try NoisyLikelihood(
      GivenMargins(labels.margins), annotators: labels.annotator, annotatorCount: 2)
    var fit = likelihood.start(Reliabilities(annotators: 2))
    try likelihood.maximise(&fit)
    #expect(abs(fit.reliabilities.eta[0] - 0.953) < 0.02 && abs(fit.reliabilities.eta[1] - 0.6) < 0.03)
  }

  /// Acceptance 4: twenty annotators with two adversaries, and 227 with about 176 labels each. How far off an estimate is
  /// follows from the information in the labels of one annotator, which depends on how reliable they are: the bound is
  /// 1.3 times that.
  @Test(arguments: [(20, 20_000), (227, 40_000)])
  func manyAnnotatorsAreRecovered(_ count: Int, _ n: Int) throws {
    var generator = TestGenerator(stream: "annotators \(count)")
    var truth = (0..<count).map { _ in 0.6 + 0.38 * generator.unit() }
    if count == 20 { (truth[3], truth[11]) = (0.18, 0.23) }
    let labels = NoisyLabels(n, sd: 3, reliability: truth, seed: "many \(count)")
    let likelihood = try NoisyLikelihood(
      GivenMargins(labels.margins), annotators: labels.annotator, annotatorCount: count)
    var fit = likelihood.start(Reliabilities(annotators: count))
    try likelihood.maximise(&fit, iterations: 500)
    let squares = zip(fit.reliabilities.eta, truth).map { ($0 - $1) * ($0 - $1) }
    let rms = (squares.sum() / Double(count)).squareRoot()
    var atTruth = Reliabilities(annotators: count)
    atTruth.eta = truth
    let known = try atTruth.expect(labels.margins, annotators: labels.annotator)
    let bound = (known.information.map { 1 / $0 }.sum() / Double(count)).squareRoot()
    print(
      "7.5: \(count) annotators: RMSE \(rms), bound \(bound), r \(correlation(fit.reliabilities.eta, truth))")
    #expect(rms < 1.3 * bound, "\(rms) and \(bound)")
    #expect(correlation(fit.reliabilities.eta, truth) > (count == 227 ? 0.9 : 0.99))
    if count == 20 {
      #expect(rms < 0.011 * 1.5)
      #expect(fit.reliabilities.eta[3] < 0.25 && fit.reliabilities.eta[11] < 0.3)
    }
  }

  /// Algorithm 1 with 227 annotators: a small step, or one that counts labels, beats the paper's 0.1.
  @Test(.enabled(if: isOptimised, "trains three models"))
  func slowAveragesSuitManyAnnotators() throws {
    var generator = TestGenerator(stream: "ema")
    let truth = (0..<227).map { _ in 0.6 + 0.38 * generator.unit() }
    let labels = NoisyLabels(40_000, sd: 3, reliability: truth, seed: "ema labels")
    func rms(_ update: RobustConfiguration.Update, _ step: Double, epochs: Int) throws -> (Double, Double) {
      var robust = RobustConfiguration()
      robust.method = .lcpo
      robust.update = update
      robust.step = step
      robust.warmup = 0
      let task = try MarginTask(GivenMargins(labels.margins), batchSize: 128, rate: 1e-2, epochs: epochs)
      var training = try RobustTraining(
        task, robust, annotators: labels.annotator, steps: epochs * task.stepsPerEpoch)
      var run = TrainerConfiguration()
      run.epochs = epochs
      _ = try Trainer(run).train(&training, from: TrainingState(seed: 0))
      let eta = training.reliabilities.eta
      return (
        (zip(eta, truth).map { ($0 - $1) * ($0 - $1) }.sum() / 227).squareRoot(), eta.sum() / 227
      )
    }
    let fast = try rms(.average, 0.1, epochs: 10)
    let slow = try rms(.average, 0.01, epochs: 10)
    let once = try rms(.average, 0.1, epochs: 1)
    print("7.5: EMA 0.1 RMSE \(fast.0), 0.01 \(slow.0); one epoch \(once.0), mean \(once.1)")
    #expect(fast.0 > 0.05 && fast.0 < 0.084 * 1.5, "\(fast.0)")
    #expect(slow.0 < 0.034 * 1.5, "\(slow.0)")
    // One pass is as noisy as the last labels that the average remembers.
    #expect(once.0 > slow.0)
  }

  /// Worths of items with annotators, of whom one is contrary: found, and marked label by label.
  @Test func itemsAndAnnotatorsAreLearntTogether() throws {
    var generator = TestGenerator(stream: "items")
    let worth = (0..<32).map { _ in 1.5 * generator.normal() }
    let truth = [0.95, 0.95, 0.9, 0.6, 0.1]
    var (chosen, rejected, who, isRight) = ([UInt32](), [UInt32](), [UInt32](), [Bool]())
    for _ in 0..<3000 {
      let a = Int.random(in: 0..<32, using: &generator)
      let b = (a + 1 + Int.random(in: 0..<31, using: &generator)) % 32
      let k = Int.random(in: 0..<5, using: &generator)
      let clean = generator.unit() < sigmoid(worth[a] - worth[b])
      let right = generator.unit() < truth[k]
      chosen.append(UInt32(clean == right ? a : b))
      rejected.append(UInt32(clean == right ? b : a))
      who.append(UInt32(k))
      isRight.append(right)
    }
    let data = try LCPOData(
      .items(names: (0..<32).map { "item \($0)" }, chosen: chosen, rejected: rejected),
      annotators: (0..<5).map { "annotator \($0)" }, annotator: who, gold: isRight)
    let fitted = try LCPO().fit(data)
    #expect(correlation(fitted.worths, worth) > 0.95)
    for (annotator, truth) in zip(fitted.annotators, truth) {
      #expect(abs(annotator.reliability - truth) < 0.1, "\(annotator)")
    }
    let confidence = try fitted.confidence(data)
    #expect(rankArea(confidence, isRight) > 0.85)
    #expect(LabelAUC.area(confidence, isRight) == rankArea(confidence, isRight))
    #expect(fitted.diagnostics.contradictions ?? 0 > 0)
  }
}
