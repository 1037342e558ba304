import Foundation
import PenchantData
import PenchantKernels
import PenchantTrain
import TestSupport
import Testing

@testable import PreferenceModels

private func sigmoid(_ x: Double) -> Double { x >= 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x)) }

/// Shapings by what they promise.
@Suite struct RewardShaperTests {
  private func shaper(_ kind: RewardShaping.Kind, _ references: [Float] = [0.5, -1, 2], slope: Double = 1)
    throws
    -> RewardShaper
  {
    var shaping = RewardShaping(kind)
    shaping.slope = slope
    return try RewardShaper(shaping, references: ReferenceRewards(references, perPrompt: references.count))
  }

  private func shape(_ kind: RewardShaping.Kind, _ r: Float, references: [Float] = [0.5, -1, 2]) throws
    -> Float
  {
    var shaper = try shaper(kind, references)
    return try shaper.shape([r], prompts: [0])[0]
  }

  /// Table 3.1 for kinds without history, written out here.
  @Test func kindsAreTheirFormulas() throws {
    let references = [0.5, -1, 2]
    func mean(_ f: (Double) -> Double) -> Double { references.map(f).reduce(0, +) / 3 }
    func fit(_ z: Double) -> Double {
      abs(z) >= 5
        ? (z < 0 ? 0 : 1)
        : 2.0266917e-4 * pow(z, 5) - 1.01309121e-2 * pow(z, 3) + 0.228788512 * z + 0.5
    }
    let centre = references.reduce(0, +) / 3
    let deviation = (references.reduce(0) { $0 + ($1 - centre) * ($1 - centre) } / 2).squareRoot()
    let zero = centre + 1.0364334 * (deviation + 1e-5)
    for r in [-7.0, -0.3, 0, 1.2, 4, 9] {
      let table: [(RewardShaping.Kind, Double)] = [
        (.vanilla, r), (.centred, r - centre), (.par, mean { sigmoid(r - $0) }),
        (.sgfc, mean { sigmoid(r - 3 - $0) }), (.sigmoid, sigmoid(r)), (.tanh, tanh(r)),
        (.tanhCentred, mean { tanh(r - $0) }), (.polynomial, fit(r)),
        (.polynomialCentred, mean { fit(r - $0) }), (.lsc, -log1p(exp(zero - r))), (.ceil, min(r, 3)),
      ]
      for (kind, want) in table {
        #expect(abs(Double(try shape(kind, Float(r))) - want) < 2e-6 * max(1, abs(want)), "\(kind) at \(r)")
      }
    }
  }

  @Test func historyIsAddedBeforeItIsUsed() throws {
    var all: [Double] = []
    var shapers = try [RewardShaping.Kind.meanstd, .clip, .minmax].map { ($0, try shaper($0)) }
    for batch in [[1, 2, 6], [0.5], [-3, 9, 4, 2]] as [[Float]] {
      all += batch.map(Double.init)
      let mean = all.reduce(0, +) / Double(all.count)
      let deviation = (all.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(all.count)).squareRoot()
      let (low, high) = (all.min() ?? 0, all.max() ?? 0)
      for i in shapers.indices {
        let got = try shapers[i].1.shape(batch)
        for (r, y) in zip(batch.map(Double.init), got) {
          let want =
            switch shapers[i].0 {
            case .meanstd: (r - mean) / deviation
            case .clip: min(max(r, mean - deviation), mean + deviation)
            default: (r - low) / (high - low)
            }
          #expect(abs(Double(y) - want) < 1e-6)
        }
      }
    }
  }

  /// A first batch of equal rewards has neither deviation nor range.
  @Test(arguments: RewardShaping.Kind.allCases) func equalFirstRewardsAreFinite(_ kind: RewardShaping.Kind)
    throws
  {
    var shaper = try shaper(kind)
    let got = try shaper.shape([3, 3, 3, 3], prompts: [0, 0, 0, 0])
    #expect(got.allSatisfy(\.isFinite) && Set(got).count == 1)
    if kind == .meanstd || kind == .minmax { #expect(got[0] == 0) }
    if kind == .clip { #expect(got[0] == 3) }
  }

  @Test func rewardsThatAreNotFiniteAreNamedAndLeaveTheHistory() throws {
    var shaper = try shaper(.minmax)
    _ = try shaper.shape([0, 4])
    let before = shaper.moments
    for bad in [Float.nan, .infinity, -.infinity] {
      #expect(throws: ShapingError.rewards("reward 1 is \(bad); a reward is finite")) {
        try shaper.shape([1, bad])
      }
    }
    #expect(shaper.moments == before)
    #expect(throws: ShapingError.self) { try ReferenceRewards([1, .nan], perPrompt: 2) }
    #expect(throws: ShapingError.self) { try ReferenceRewards([1, 2, 3], perPrompt: 2) }
  }

  /// One reference is enough for PAR; LSC needs a deviation.
  @Test func oneReference() throws {
    #expect(try shape(.par, 2, references: [2]) == 0.5)
    #expect(
      throws: ShapingError.references("lsc needs two references a prompt or more: one has no deviation")
    ) { try shaper(.lsc, [1]) }
    #expect(throws: ShapingError.self) { try RewardShaper(RewardShaping(.par)) }
    #expect(throws: Never.self) { try RewardShaper(RewardShaping(.minmax)) }
  }

  /// T3: an answer of the reference policy beats another one half of the time.
  @Test func referenceAnswersEarnOneHalf() throws {
    var generator = TestGenerator(stream: "neutral")
    let n = 40_000
    let references = try ReferenceRewards(generator.floats(10 * n, .logNormal), perPrompt: 10)
    var par = try RewardShaper(RewardShaping(.par), references: references)
    let shaped = try par.shape(generator.floats(n, .logNormal))
    let mean = shaped.reduce(0.0) { $0 + Double($1) } / Double(n)
    #expect(abs(mean - 0.5) < 0.005)
  }

  /// T1: with a terminal reward in (0, 1) and no discount, the variance of the return is at most a quarter;
  /// with rewards of size below 1 and a discount, at most 1/(1 − γ)².
  @Test func boundedRewardsBoundTheVarianceOfReturns() throws {
    var generator = TestGenerator(stream: "returns")
    func variance(_ x: [Double]) -> Double {
      let mean = x.reduce(0, +) / Double(x.count)
      return x.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(x.count)
    }
    var par = try shaper(.par, [0])
    let extreme = try par.shape(
      generator.floats(5000, .cauchy).map { 1e3 * $0 }, prompts: [UInt32](repeating: 0, count: 5000))
    #expect(variance(extreme.map(Double.init)) <= 0.25 + 1e-6)
    for discount in [0.5, 0.9, 0.99] {
      let returns = (0..<500).map { _ -> Double in
        let sign = generator.unit() < 0.5 ? -1.0 : 1.0
        return (0..<2000).reduce(0.0) { $0 + pow(discount, Double($1)) * sign * generator.unit() }
      }
      #expect(variance(returns) <= 1 / ((1 - discount) * (1 - discount)))
    }
  }

  /// T6: the better of two answers to a prompt stays the better one, so the best of n is the same under every
  /// shaping.
  @Test(arguments: RewardShaping.Kind.allCases) func orderStays(_ kind: RewardShaping.Kind) throws {
    var generator = TestGenerator(stream: "order \(kind)")
    let rewards = generator.floats(500, .uniform(-4, 4)).sorted()
    var shaper = try shaper(kind)
    let shaped = try shaper.shape(rewards, prompts: [UInt32](repeating: 0, count: 500))
    // The fitted polynomial jumps down by 0.0109 at -5, a third of it with one reference of three.
    let jump: Float = kind == .polynomialCentred ? 0.0037 : 0
    for (a, b) in zip(shaped, shaped.dropFirst()) { #expect(a <= b + jump) }
    if kind != .clip, kind != .ceil { #expect(shaped[0] < shaped[250] && shaped[250] < shaped[499]) }
  }

  /// T5: bounded; fast at first, slow in the end; a function of the distance to the references.
  @Test func principlesHoldForWhomTheyShould() throws {
    func value(_ kind: RewardShaping.Kind, _ z: Double) throws -> Double {
      Double(try shape(kind, Float(z), references: kind == .lsc ? [0, 0] : [0]))
    }
    for kind in [RewardShaping.Kind.par, .tanhCentred, .polynomialCentred, .sgfc, .sigmoid, .tanh] {
      let (far, below) = (try value(kind, 1e6), try value(kind, -1e6))
      #expect(abs(far) <= 1 && abs(below) <= 1, "\(kind)")
    }
    for kind in [RewardShaping.Kind.vanilla, .centred] { #expect(try value(kind, 1e6) >= 1e6) }
    let (far, below) = (try value(.lsc, 1e6), try value(.lsc, -1e6))
    #expect(far <= 0 && below < -1e5)

    func slowness(_ kind: RewardShaping.Kind) throws -> Double {
      let (zero, three, end) = (try value(kind, 0), try value(kind, 3), try value(kind, 100))
      return (end - three) / (end - zero)
    }
    for (kind, want) in [
      (RewardShaping.Kind.par, 0.095), (.tanhCentred, 0.005), (.polynomialCentred, 0.076), (.sgfc, 0.52),
    ] {
      #expect(abs(try slowness(kind) - want) < 0.006, "\(kind)")
    }
    func slope(_ kind: RewardShaping.Kind, _ z: Double) throws -> Double {
      (try value(kind, z + 0.05) - value(kind, z - 0.05)) / 0.1
    }
    for kind in [RewardShaping.Kind.par, .tanhCentred, .polynomialCentred] {
      let most = try stride(from: -4.5, through: 4.5, by: 0.1).map { try slope(kind, $0) }.max() ?? 0
      #expect(try slope(kind, 0) >= 0.5 * most)
    }
    for kind in [RewardShaping.Kind.par, .tanhCentred, .polynomialCentred, .sgfc, .centred, .lsc] {
      let moved = try shape(kind, 1.5, references: [0.5, -1, 2])
      #expect(abs(try shape(kind, 11.5, references: [10.5, 9, 12]) - moved) < 1e-6, "\(kind)")
    }
    #expect(try abs(shape(.sigmoid, 11.5) - shape(.sigmoid, 1.5)) > 0.1)
  }

  @Test func lengthCostsBeforeEverythingElse() throws {
    var shaping = RewardShaping(.ceil)
    shaping.ceiling = 1
    shaping.lengthLimit = 10
    var shaper = try RewardShaper(shaping)
    #expect(try shaper.shape([1.5, 1.5], lengths: [10, 110]) == [1, 0.5])
    #expect(throws: ShapingError.self) { try shaper.shape([1]) }
  }

  @Test func quantilesAreThoseOfTheNormal() {
    for (p, z) in [
      (0.85, 1.0364333894937898), (0.975, 1.959963984540054), (0.5, 0), (1e-10, -6.361340902404056),
    ] {
      #expect(abs(normalQuantile(p) - z) < 1e-10)
      #expect(abs(normalQuantile(1 - p) + z) < 1e-6)
    }
  }
}

/// Rewards as a stream of lines.
@Suite struct ShapingStreamTests {
  private func shape(
    _ text: String, _ kind: RewardShaping.Kind = .par, table: [String: [Float]] = [:]
  ) throws -> [ShapingStream.Answer] {
    var stream = try ShapingStream(RewardShaping(kind), table: table)
    var reader = ScoredReader(bytes: Array(text.utf8), name: "rewards.jsonl")
    var answers: [ShapingStream.Answer] = []
    while let answer = try reader.next() { answers.append(try stream.shape(answer, file: "rewards.jsonl")) }
    return answers
  }

  @Test func linesComeOutShaped() throws {
    let got = try shape(
      """
      {"id": 7, "reward": 1.0, "references": [1.0, 1.0]}

      {"reward": 2, "sample_rewards": 2}
      {"reward": 0, "prompt_id": "a"}
      """, table: ["a": [0, 0]])
    #expect(got.map(\.shaped) == [0.5, 0.5, 0.5] && got[0].id == "7" && got[2].promptID == "a")
  }

  @Test func runningKindsGoOnFromLineToLine() throws {
    let got = try shape("{\"reward\": 1}\n{\"reward\": 3}\n{\"reward\": 2}", .minmax)
    #expect(got.map(\.shaped) == [0, 1, 0.5])
  }

  @Test(arguments: [
    ("{\"reward\": \"high\"}", "rewards.jsonl:1: \"reward\" is"),
    ("{\"rewrad\": 1}", "did you mean \"reward\""),
    ("{\"reward\": 1}", "par needs rewards of reference answers"),
    ("\n{\"reward\": 1, \"references\": []}", "rewards.jsonl:2: \"references\" is"),
    ("{\"reward\": 1, \"references\": [1, null]}", "a finite number"),
    ("{\"reward\": 1e300, \"references\": [1]}", "a finite number that a 32-bit float holds"),
    ("{\"reward\": 1, \"prompt_id\": \"b\"}", "no references for prompt \"b\""),
    ("{\"reward\": NaN}", "this is not JSON"), ("[1]", "the record is"),
    ("{\"reward\": 1, \"references\": [1], \"length\": -3}", "a whole number of tokens"),
  ])
  func wrongLinesAreNamed(_ text: String, _ part: String) throws {
    do {
      _ = try shape(text, table: ["a": [0]])
      Issue.record("\(text) was taken")
    } catch let error as DataError {
      #expect("\(error)".contains(part), "\(error)")
    }
  }

  @Test func lscWantsTwoReferences() throws {
    #expect(throws: DataError.self) { try shape("{\"reward\": 1, \"references\": [1]}", .lsc) }
    #expect(try shape("{\"reward\": 1, \"references\": [1, 2]}", .lsc)[0].shaped < 0)
  }

  @Test func promptsStandInATableOnce() throws {
    var reader = ScoredReader(
      bytes: Array(
        "{\"prompt_id\": 1, \"references\": [1]}\n{\"prompt_id\": \"1\", \"references\": [2]}".utf8),
      name: "table.jsonl")
    #expect(throws: DataError.self) { try reader.table() }
    var good = ScoredReader(
      bytes: Array("{\"prompt_id\": 1, \"references\": [1, 2]}".utf8), name: "table.jsonl")
    #expect(try good.table() == ["1": [1, 2]])
  }
}
