import Foundation
import PenchantData
import PenchantKernels
import PenchantTrain
import TestSupport
import Testing

@testable import PreferenceModels

/// LCPO over arrays: estimates, guards, files.
@Suite struct LCPOTests {
  private static func configuration(_ change: (inout LCPOConfiguration) -> Void = { _ in })
    -> LCPOConfiguration
  {
    var configuration = LCPOConfiguration()
    configuration.objective.beta = 1
    change(&configuration)
    return configuration
  }

  private static func data(_ n: Int = 6000, factor: Double = 1, eta: [Double] = [0.9, 0.6]) throws -> (
    data: LCPOData, labels: NoisyLabels
  ) {
    let labels = NoisyLabels(n, sd: 3, reliability: eta, seed: "lcpo \(eta)")
    return (
      try LCPOData(
        .margins(labels.margins.map { $0 * factor }), annotators: eta.indices.map { "judge \($0)" },
        annotator: labels.annotator, gold: labels.isRight), labels
    )
  }

  @Test func estimatesHoldTheirIntervals() throws {
    let (data, labels) = try Self.data()
    let fitted = try LCPO(Self.configuration()).fit(data)
    #expect(fitted.converged && fitted.ending == .finished || fitted.ending == .stoppedEarly)
    for (annotator, truth) in zip(fitted.annotators, [0.9, 0.6]) {
      let error = try #require(annotator.standardError)
      #expect(abs(annotator.reliability - truth) < 4 * error, "\(annotator)")
      #expect(error > 0.003 && error < 0.06)
    }
    let rate = Double(labels.isRight.count { !$0 }) / Double(data.count)
    let interval = fitted.noiseRateInterval
    #expect(
      abs(fitted.noiseRate - rate) < 0.04 && interval.low < fitted.noiseRate
        && fitted.noiseRate < interval.high)
    let confidence = try fitted.confidence(data)
    #expect(LabelAUC.area(confidence, labels.isRight) > 0.85)
  }

  /// The standard error is the spread of the estimate over draws of the labels.
  @Test func standardErrorsAreTheSpread() throws {
    var found: [(eta: Double, error: Double)] = []
    for draw in 0..<24 {
      let labels = NoisyLabels(2000, sd: 3, reliability: [0.8], seed: "spread \(draw)")
      let fitted = try LCPO(
        Self.configuration {
          $0.noise.pseudoRight = 0
          $0.noise.pseudoWrong = 0
        }
      ).fit(LCPOData(.margins(labels.margins)))
      found.append((fitted.annotators[0].reliability, fitted.annotators[0].standardError ?? .nan))
    }
    let mean = found.map(\.eta).sum() / 24
    let spread = (found.map { ($0.eta - mean) * ($0.eta - mean) }.sum() / 23).squareRoot()
    let error = found.map(\.error).sum() / 24
    #expect(abs(mean - 0.8) < 0.02, "\(mean)")
    // The spread of 24 draws has an error of 15 %.
    #expect(error / spread > 0.6 && error / spread < 1.7, "\(error) and \(spread)")
  }

  @Test(arguments: LCPOConfiguration.Method.allCases)
  func everyMethodFindsTheAnnotators(_ method: LCPOConfiguration.Method) throws {
    let (data, _) = try Self.data()
    let fitted = try LCPO(
      Self.configuration {
        $0.fit.method = method
        $0.noise.slope = .fixed
        $0.run.epochs = 12
      }
    ).fit(data)
    #expect(abs(fitted.annotators[0].reliability - 0.9) < 0.08, "\(fitted.annotators)")
    #expect(abs(fitted.annotators[1].reliability - 0.6) < 0.08, "\(fitted.annotators)")
  }

  /// Section 7.2, and the guard: a fixed slope is warned about, with what the fit of it says.
  @Test func miscalibratedMarginsAreWarnedAbout() throws {
    let shy = try Self.data(factor: 0.3, eta: [0.8]).data
    let fixed = try LCPO(Self.configuration { $0.noise.slope = .fixed }).fit(shy)
    #expect(fixed.annotators[0].reliability > 0.95)
    #expect(fixed.diagnostics.warnings.contains { $0.contains("too small for the labels") })
    #expect(abs((fixed.diagnostics.bestSlope ?? 0) * 0.3 - 1) < 0.25)
    let fitted = try LCPO(Self.configuration()).fit(shy)
    #expect(abs(fitted.annotators[0].reliability - 0.8) < 0.05, "\(fitted.annotators)")
    #expect(!fitted.diagnostics.warnings.contains { $0.contains("too small") })
    let bold = try Self.data(factor: 4, eta: [0.8]).data
    let over = try LCPO(Self.configuration { $0.noise.slope = .fixed }).fit(bold)
    #expect(over.annotators[0].reliability < 0.77)
    #expect(over.diagnostics.warnings.contains { $0.contains("too large for the labels") })
    // Known noise is kept as it is.
    for method in LCPOConfiguration.Method.allCases {
      let known = try LCPO(
        Self.configuration {
          $0.fit.method = method
          $0.noise.learns = false
          $0.noise.reliability = 0.8
          $0.run.epochs = 1
        }
      ).fit(shy)
      #expect(abs(known.annotators[0].reliability - 0.8) < 1e-12 && known.annotators[0].standardError == nil)
    }
    // The slope is fitted by EM alone.
    #expect(throws: ConfigurationError.self) {
      try LCPO(
        Self.configuration {
          $0.fit.method = .direct
          $0.noise.slope = .fit
        }
      ).fit(shy)
    }
  }

  /// Section 7.6: without a reference, margins follow length; that is refused, or said.
  @Test func marginsWithoutReferenceAreRefusedWhenTheyFollowLength() throws {
    var generator = TestGenerator(stream: "lengths")
    var (chosen, rejected, a, b) = ([Float](), [Float](), [UInt32](), [UInt32]())
    for _ in 0..<2000 {
      let (m, k) = (
        UInt32.random(in: 20...200, using: &generator), UInt32.random(in: 20...200, using: &generator)
      )
      let s = 2 * generator.normal()
      let u = generator.unit() < sigmoid(s) ? s : -s
      chosen.append(Float(-1.5 * Double(m) + u / 2))
      rejected.append(Float(-1.5 * Double(k) - u / 2))
      a.append(m)
      b.append(k)
    }
    let data = try LCPOData(
      .logProbabilities(
        .init(chosen: chosen, rejected: rejected, chosenLength: a, rejectedLength: b)))
    for loss in [LCPOConfiguration.Loss.cpo, .dpo] {
      let refused = Self.configuration { $0.objective.loss = loss }
      let error = #expect(throws: ConfigurationError.self) { try LCPO(refused).fit(data) }
      #expect(error?.description.contains("guards.saturation=warn") ?? false)
    }
    let warned = try LCPO(
      Self.configuration {
        $0.objective.loss = .cpo
        $0.guards.saturation = .warn
        $0.noise.slope = .fixed
      }
    ).fit(data)
    #expect(warned.diagnostics.warnings.contains { $0.contains("no reference") })
    #expect(warned.diagnostics.warnings.contains { $0.contains("goes with length") })
    #expect(
      (warned.diagnostics.lengthCorrelation ?? 0) < -0.3, "the shorter one is trusted for being shorter")
    let centred = try LCPO(
      Self.configuration {
        $0.objective.loss = .cpo
        $0.objective.perToken = true
        $0.objective.centre = true
      }
    ).fit(data)
    #expect(abs(centred.diagnostics.lengthCorrelation ?? 1) < 0.3)
  }

  /// What can be wrong with labels has a message or a documented result (docs/lcpo.md).
  @Test func degenerateLabelsHaveAResult() throws {
    // An annotator with one pair stays near the pseudo-counts, and their error says so.
    var (data, _) = try Self.data(1000, eta: [0.9])
    data.annotators = ["many", "one"]
    data.annotator[17] = 1
    let one = try LCPO(Self.configuration()).fit(data)
    #expect(one.annotators[1].pairs == 1 && one.annotators[1].reliability > 0.75)
    #expect((one.annotators[1].standardError ?? 0) > 0.05 && one.diagnostics.rareAnnotators == 1)
    let free = try LCPO(
      Self.configuration {
        $0.noise.pseudoRight = 0
        $0.noise.pseudoWrong = 0
      }
    ).fit(data)
    #expect(free.diagnostics.warnings.contains { $0.contains("fewer than five labels") })
    // All from one annotator: one reliability, as without names.
    data.annotator[17] = 0
    data.annotators = ["many"]
    let named = try LCPO(Self.configuration()).fit(data)
    #expect(named.annotators.count == 1 && named.annotators[0].pairs == 1000)
    // Margins of 0 say nothing: η stays, the interval is all of 0 to 1, a warning says it.
    let zero = try LCPO(
      Self.configuration {
        $0.noise.pseudoRight = 0
        $0.noise.pseudoWrong = 0
        $0.noise.slope = .fixed
      }
    ).fit(LCPOData(.margins([Double](repeating: 0, count: 50))))
    #expect(abs(zero.annotators[0].reliability - 0.9) < 1e-12 && zero.annotators[0].standardError == nil)
    #expect(zero.noiseRateInterval == Interval(low: 0, high: 1) && zero.diagnostics.zeroMargins == 1)
    #expect(zero.diagnostics.warnings.contains { $0.contains("do not say how reliable") })
    #expect(try zero.confidence(LCPOData(.margins([0])))[0] - 0.9 < 1e-12)
    // A noise rate of one half: nothing can be learnt of the truth, and every confidence is η = ½ where the margin is 0.
    let coin = try LCPO(
      Self.configuration {
        $0.noise.slope = .fixed
        $0.noise.pseudoRight = 0
        $0.noise.pseudoWrong = 0
      }
    ).fit(Self.data(20_000, eta: [0.5]).data)
    #expect(abs(coin.noiseRate - 0.5) < 0.03, "\(coin.noiseRate)")
    #expect(coin.noiseRateInterval.low < 0.5 && coin.noiseRateInterval.high > 0.5)
    // Contradictions are the signal: the same pair judged both ways.
    let both = try LCPO(Self.configuration()).fit(
      LCPOData(.items(names: ["a", "b"], chosen: [0, 0, 0, 1], rejected: [1, 1, 1, 0])))
    #expect(both.diagnostics.contradictions == 1)
    let trust = try both.confidence(LCPOData(.items(names: ["a", "b"], chosen: [0, 1], rejected: [1, 0])))
    #expect(trust[0] > trust[1])
    // As many texts as pairs: worths would repeat the labels.
    #expect(both.diagnostics.warnings.isEmpty)
    let sparse = try LCPO(Self.configuration()).fit(
      LCPOData(.items(names: ["a", "b", "c", "d"], chosen: [0, 2], rejected: [1, 3])))
    #expect(sparse.diagnostics.warnings.contains { $0.contains("--robust lcpo") })
  }

  @Test func wrongArraysAreNamed() throws {
    for (make, words) in [
      ({ try LCPOData(.margins([.nan])) }, "margin of pair 0"),
      ({ try LCPOData(.margins([1]), annotator: [1]) }, "annotator 1"),
      ({ try LCPOData(.margins([1]), weight: [-1]) }, "weight of pair 0"),
      ({ try LCPOData(.margins([1, 2]), annotator: [0]) }, "2 values for 1 pairs"),
      ({ try LCPOData(.items(names: ["a"], chosen: [0], rejected: [1])) }, "item 1"),
      ({ try LCPOData(.logProbabilities(.init(chosen: [.infinity], rejected: [0]))) }, "chosen of pair 0"),
      (
        { try LCPOData(.logProbabilities(.init(chosen: [0], rejected: [0], chosenReference: [0]))) },
        "for neither"
      ),
    ] as [(() throws -> LCPOData, String)] {
      let error = #expect(throws: ConfigurationError.self) { _ = try make() }
      #expect(error?.description.contains(words) ?? false, "\(words): \(String(describing: error))")
    }
    #expect(throws: ConfigurationError.self) { try LCPO().fit(LCPOData(.margins([]))) }
    #expect(throws: ConfigurationError.self) { try LCPO().fit(LCPOData(.margins([1]), weight: [0])) }
    var configuration = LCPOConfiguration()
    configuration.objective.perToken = true
    #expect(throws: ConfigurationError.self) {
      try LCPO(configuration).fit(LCPOData(.logProbabilities(.init(chosen: [0], rejected: [0]))))
    }
  }

  @Test func threadsAndResumptionDoNotChangeTheBits() throws {
    let (data, _) = try Self.data(3000)
    let system = try LCPO(Self.configuration { $0.run.checkpointEvery = 3 })
    let whole = try system.fit(data)
    for threads in [1, 2, 3, 5] {
      let again = try Team.with(threads: threads) { try system.fit(data) }
      #expect(again.annotators == whole.annotators && again.slope == whole.slope)
    }
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("lcpo-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    let run = try RunDirectory.create(folder.path)
    try run.write("config.yaml", "")
    var short = system.configuration
    // Stopped after seven iterations, as Ctrl-C would.
    short.run = system.configuration.run
    let problem = try LCPOProblem(data, short)
    var task = NoiseTask(problem, short)
    for number in 0..<7 { _ = try task.step(number) }
    var other = NoiseTask(problem, short)
    try other.restore(task.checkpointFiles())
    for number in 7..<30 {
      _ = try task.step(number)
      _ = try other.step(number)
    }
    #expect(task.fit == other.fit)
  }

  @Test func modelsSurviveTheirFile() throws {
    let (data, _) = try Self.data(500)
    let margins = try LCPO(Self.configuration(), seed: 9).fit(data)
    let items = try LCPO().fit(
      LCPOData(
        .items(names: ["a", "b", "c"], chosen: [0, 0, 1, 2], rejected: [1, 2, 2, 0]), annotators: ["x", "y"],
        annotator: [0, 0, 1, 1]))
    for model in [margins, items] {
      let bytes = try model.bytes()
      let read = try FittedLCPO(bytes: bytes, name: "model")
      #expect(try read.bytes() == bytes)
      #expect(read.annotators == model.annotators && read.worths == model.worths && read.seed == model.seed)
      for end in stride(from: 0, to: bytes.count, by: 97) {
        #expect(throws: (any Error).self) { try FittedLCPO(bytes: Array(bytes[..<end]), name: "cut") }
      }
    }
    #expect(throws: ConfigurationError.self) { try items.margins(data) }
    // Who was never seen counts as the mean, a text that was never compared too.
    let stranger = try LCPOData(.margins([1]), annotators: ["nobody"])
    #expect(abs(margins.reliability(stranger)[0] - (1 - margins.noiseRate)) < 1e-12)
    let unknown = try LCPOData(.items(names: ["a", "new"], chosen: [0], rejected: [1]))
    #expect(try items.margins(unknown)[0].isFinite)
  }

  @Test func recordsComeBackWeightedCleanedAndTurned() throws {
    let text = """
      {"id": "p", "chosen": "yes", "rejected": "no", "chosen_id": 1, "rejected_id": 2, "margin": 2, "weight": 0.5, "gold": 1}
      {"id": "q", "chosen": "no", "rejected": "yes", "chosen_id": 2, "rejected_id": 1, "margin": -3, "gold": "1"}

      """
    let reader = JudgedReader(bytes: Array(text.utf8), name: "m.jsonl")
    let records = try reader.records()
    #expect(records.map(\.gold) == [true, false])
    #expect(records.map(\.chosen) == ["1", "2"] && records[0].weight == 0.5)
    let weighted = try #require(records[0].weighted(0.8).object)
    #expect(weighted["weight"] == .number(0.4) && weighted["id"] == "p")
    #expect(abs((weighted["flip_probability"]?.number ?? 0) - 0.2) < 1e-15)
    var output = LCPOConfiguration.Output()
    #expect(records[1].cleaned(0.3, output) == nil && records[1].cleaned(0.5, output) != nil)
    output.cleaning = .swap
    let turned = try #require(records[1].cleaned(0.3, output)?.object)
    #expect(turned["chosen"] == "yes" && turned["chosen_id"] == 1 && turned["margin"]?.number == 3)
    #expect(turned.keys == records[1].fields.keys)
  }

  @Test(arguments: [
    (#"{"policy_chosen_logps": -1}"#, "\"policy_rejected_logps\" is missing"),
    (#"{"policy_chosen_logps": NaN, "policy_rejected_logps": -1}"#, "NaN is not a number"),
    (#"{"policy_chosen_logps": "NaN", "policy_rejected_logps": -1}"#, "policy_chosen_logps"),
    (#"{"policy_chosen_logps": 1e300, "policy_rejected_logps": -1}"#, "32-bit"),
    (
      #"{"policy_chosen_logps": -1, "policy_rejected_logps": -1, "chosen_len": 2.5, "rejected_len": 1}"#,
      "chosen_len"
    ),
    (#"{"margin": "big"}"#, "margin"), (#"{"margin": 1, "weight": -2}"#, "weight"),
    (#"{"ref_chosen_logps": -1, "ref_rejected_logps": -2, "margin": 1}"#, "policy_chosen_logps"),
    (#"{"chosen": "a", "rejected": "b", "gold": "z"}"#, "gold"), (#"{"a": 1}"#, "nothing to learn from"),
    (#"[1]"#, "a list"), ("", "the file is empty"),
  ])
  func wrongRecordsNameLineAndField(_ line: String, _ words: String) {
    let error = #expect(throws: DataError.self) {
      let reader = JudgedReader(bytes: Array(line.utf8), name: "bad.jsonl")
      _ = try reader.records()
    }
    #expect(error?.description.contains(words) ?? false, "\(String(describing: error))")
    #expect(error?.description.contains("bad.jsonl") ?? false)
  }

  @Test func mixedRecordsAreRefusedWithTheirLine() throws {
    let text = """
      {"policy_chosen_logps": -1, "policy_rejected_logps": -2, "ref_chosen_logps": -1, "ref_rejected_logps": -1}
      {"policy_chosen_logps": -1, "policy_rejected_logps": -2}

      """
    let reader = JudgedReader(bytes: Array(text.utf8), name: "mixed.jsonl")
    let records = try reader.records()
    let error = #expect(throws: DataError.self) { try LCPOData(records, file: "mixed.jsonl") }
    #expect(error?.line == 2 && error?.field == "ref_chosen_logps")
  }

  @Test(arguments: LCPOConfiguration.Loss.allCases)
  func logitsAreTheInducedOnes(_ loss: LCPOConfiguration.Loss) throws {
    var objective = LCPOConfiguration.Objective()
    (objective.loss, objective.beta, objective.gamma, objective.likelihood) = (loss, 0.5, 0.3, 0.2)
    let data = try LCPOData(
      .logProbabilities(
        .init(
          chosen: [-10], rejected: [-14], chosenReference: [-11], rejectedReference: [-12], chosenLength: [5],
          rejectedLength: [7])))
    let u = try #require(try data.logits(objective))[0]
    let d = (-10.0 + 11) - (-14.0 + 12)
    let tokens = -10.0 / 5 + 14.0 / 7
    func swapped(_ f: (Double) -> Double, _ x: Double) -> Double { f(-x) - f(x) }
    let want =
      switch loss {
      case .dpo: swapped({ softplus(-$0) }, 0.5 * d)
      case .ipo: swapped({ ($0 - 1) * ($0 - 1) }, d)  // c = 1/(2τ) = 1
      case .simpo: swapped({ softplus(-($0 - 0.3)) }, 0.5 * tokens)
      case .cpo: 0.5 * 4 + 0.2 * tokens
      case .hinge: swapped({ max(0, 1 - $0) }, 0.5 * d)
      }
    #expect(abs(u - want) < 1e-5, "\(u), expected \(want)")
  }
}
