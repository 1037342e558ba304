import Foundation
import TestSupport
import Testing

@testable import DiffusionAlignment

/// InPO section 14 B: the shapes that a run in two dimensions must have, three seeds. Prints the table.
///
///     PENCHANT_LONG=1 swift test -c release -Xswiftc -enable-testing --filter RingShapeTests
@Suite(.serialized) struct RingShapeTests {
  private static let isLong = ProcessInfo.processInfo.environment["PENCHANT_LONG"] != nil

  private struct Measure {
    var reward = 0.0
    var up = 0.0
    var off = 0.0
  }

  private let ring: RingOfGaussians
  private let data: SampleSet
  private let start: FittedDiffusion

  init() throws {
    ring = try RingOfGaussians()
    data = try ring.samples(Self.isLong ? 65536 : 64, seed: 1)
    var configuration = DiffusionConfiguration()
    configuration.run.steps = Self.isLong ? 6000 : 1
    configuration.optimizer.rows = 512
    start = try Diffusion(configuration, seed: 1).fit(data).model
  }

  private func measure(_ points: SampleSet) throws -> Measure {
    let heights = (0..<points.count).map { Double(points.values[2 * $0 + 1]) / ring.radius }
    return Measure(
      reward: heights.reduce(0, +) / Double(heights.count),
      up: Double(heights.count { $0 > 0.3 }) / Double(heights.count), off: try ring.offShare(points))
  }

  private func pairs(seed: UInt64, temperature: Double = 0.3) throws -> SamplePairs {
    let drawn = try ring.samples(8192, seed: 100 + seed)
    return try PreferenceDraw.pairs(
      drawn, reward: (0..<drawn.count).map { Double(drawn.values[2 * $0 + 1]) / ring.radius },
      temperature: temperature, count: 4096, seed: seed)
  }

  /// What 4000 drawn points are like after each of `steps`.
  private func curve(
    _ change: (inout AlignmentConfiguration) -> Void, seed: UInt64, temperature: Double = 0.3
  ) throws -> [Int: Measure] {
    var configuration = AlignmentConfiguration()
    configuration.held = 0
    configuration.run.steps = 400
    configuration.run.validateEvery = 25
    configuration.run.patience = 0
    configuration.watching.samples = 4000
    configuration.watching.reward = "coordinate:1"
    configuration.watching.budget = 1
    change(&configuration)
    var found: [Int: Measure] = [:]
    _ = try Alignment(configuration, seed: seed).fit(
      pairs(seed: seed, temperature: temperature), from: start, data: data.samples(0..<2048)
    ) { step, samples in if [0, 25, 50, 100, 200, 400].contains(step) { found[step] = try measure(samples) } }
    return found
  }

  @Test(.enabled(if: isLong, "PENCHANT_LONG")) func expectedShapesHold() throws {
    let begun = try measure(start.samples(start.classes(4000), seed: 7))
    print("start: reward \(begun.reward), up \(begun.up), off \(begun.off)")
    #expect(abs(begun.reward) < 0.06 && begun.off < 0.02)
    let methods: [(String, Double, (inout AlignmentConfiguration) -> Void)] = [
      ("dpo", 0.3, { $0.objective.method = .dpo }),
      ("inpo, grid", 0.3, { ($0.objective.preset, $0.inversion.landing) = (.faithful, .grid) }),
      ("inpo, exact", 0.3, { $0.objective.preset = .faithful }),
      ("inpo, reference inverts", 0.3, { $0.objective.preset = .stable }),
      ("sft", 0.3, { $0.objective.method = .sft }),
      ("kto", 0.3, { $0.objective.method = .kto }),
      ("dpo, random labels", .infinity, { $0.objective.method = .dpo }),
      ("inpo, random labels", .infinity, { $0.objective.preset = .faithful }),
    ]
    let steps = [25, 50, 100, 200, 400]
    var means: [String: [Int: Measure]] = [:]
    for (name, temperature, change) in methods {
      let curves = try (1...3).map { try curve(change, seed: $0, temperature: temperature) }
      var mean: [Int: Measure] = [:]
      for step in steps {
        for curve in curves {
          mean[step, default: Measure()].reward += (curve[step]?.reward ?? .nan) / 3
          mean[step, default: Measure()].up += (curve[step]?.up ?? .nan) / 3
          mean[step, default: Measure()].off += (curve[step]?.off ?? .nan) / 3
        }
      }
      means[name] = mean
      let spread = steps.map { step in
        let rewards = curves.map { $0[step]?.reward ?? .nan }
        return ((rewards.max() ?? 0) - (rewards.min() ?? 0)) / 2
      }
      print(
        name + ": "
          + zip(steps, spread).map { step, spread in
            let m = mean[step] ?? Measure()
            return
              "\(step): \(Self.three(m.reward))±\(Self.three(spread))/\(Self.three(m.up))/\(Self.three(m.off))"
          }.joined(separator: "  "))
    }
    func reward(_ name: String, _ step: Int) -> Double { means[name]?[step]?.reward ?? .nan }
    func off(_ name: String, _ step: Int) -> Double { means[name]?[step]?.off ?? .nan }
    // (1) early, InPO gains more; (2) later, DPO catches up.
    #expect(reward("inpo, exact", 25) - begun.reward >= 1.2 * (reward("dpo", 25) - begun.reward))
    #expect(reward("dpo", 400) >= 0.95 * reward("inpo, exact", 400))
    // (3) InPO leaves the data sooner, least with the reference.
    for step in [100, 200, 400] { #expect(off("inpo, exact", step) > 1.5 * off("dpo", step), "\(step)") }
    #expect(off("inpo, reference inverts", 400) < off("inpo, exact", 400))
    // (4) at equal calls of a network, 20.8 a pair to 8, DPO is ahead.
    #expect(reward("dpo", 200) > reward("inpo, exact", 50))
    // (5) winners alone teach less than half; random labels nothing.
    #expect(reward("sft", 400) < 0.5 * min(reward("dpo", 400), reward("inpo, exact", 400)))
    for name in ["dpo, random labels", "inpo, random labels"] {
      for step in steps { #expect(abs(reward(name, step) - begun.reward) < 0.07, "\(name) \(step)") }
    }
  }

  @Test(.enabled(if: isLong, "PENCHANT_LONG")) func aPairSaysMoreWhenItIsInverted() throws {
    let rows = try GradientProbe(start, pairs: pairs(seed: 1), seed: 1).rows(draws: 1200)
    for row in rows { print(row.method, row.signal, row.variance, row.ratio) }
    let ratios = rows.map(\.ratio)
    #expect(ratios == ratios.sorted(by: >))
    #expect(ratios[0] > 2 * ratios[2])
  }

  private static func three(_ value: Double) -> String { String(format: "%.3f", value) }
}
