import Foundation
import PenchantKernels
import Testing

@testable import DiffusionAlignment

@Suite struct PreferenceDrawTests {
  private static let samples = SampleSet(
    shape: .point(1), values: [0, 1, 2, 3, 4, 5, 6], classes: [0, 1, 0, 2, 1, 1, 0],
    classNames: ["a", "b", "c"])

  @Test func winnersWinAsOftenAsTheLogisticSays() throws {
    let reward = [0.0, 0.2, 0.5, 9, -0.4, 0.1, 1]
    let count = 60_000
    let pairs = try PreferenceDraw.pairs(
      Self.samples, reward: reward, temperature: 0.3, count: count, seed: 4)
    #expect(pairs.count == count && pairs.weights.isEmpty && pairs.samples == Self.samples)
    var wins: [[Int]: (Int, Int)] = [:]
    for place in 0..<count {
      let (winner, loser) = (pairs.winners[place], pairs.losers[place])
      #expect(winner != loser && Self.samples.classes[winner] == Self.samples.classes[loser])
      let key = [min(winner, loser), max(winner, loser)]
      let (won, all) = wins[key] ?? (0, 0)
      wins[key] = (won + (winner == key[0] ? 1 : 0), all + 1)
    }
    // Three pairs of each of the two classes, equally often.
    #expect(wins.count == 6)
    for (key, (won, all)) in wins {
      #expect(abs(all - 10_000) < 500)
      let chance = 1 / (1 + exp((reward[key[1]] - reward[key[0]]) / 0.3))
      let error = (chance * (1 - chance) / Double(all)).squareRoot()
      #expect(abs(Double(won) / Double(all) - chance) < 5 * error, "\(key)")
    }
  }

  @Test func aPairDependsOnSeedAndIndexOnly() throws {
    let reward = (0..<7).map(Double.init)
    let many = try PreferenceDraw.pairs(Self.samples, reward: reward, temperature: 1, count: 50, seed: 4)
    let few = try PreferenceDraw.pairs(Self.samples, reward: reward, temperature: 1, count: 9, seed: 4)
    #expect(many.pairs(0..<9) == few)
    #expect(try PreferenceDraw.pairs(Self.samples, reward: reward, temperature: 1, count: 9, seed: 5) != few)
  }

  @Test func temperatureDecidesHowSureTheLabelsAre() throws {
    let points = SampleSet(shape: .point(1), values: [0, 1])
    func share(_ temperature: Double, _ reward: [Double] = [0, 1]) throws -> Double {
      let pairs = try PreferenceDraw.pairs(
        points, reward: reward, temperature: temperature, count: 4000, seed: 1)
      return Double(pairs.winners.count { $0 == 1 }) / 4000
    }
    #expect(try share(1e-9) == 1)
    #expect(try abs(share(.infinity) - 0.5) < 0.04)
    #expect(try share(1e-300, [-1e300, 1e300]) == 1)
  }

  @Test func whatCannotBeDrawnIsRefused() {
    let reward = [Double](repeating: 0, count: 7)
    func draw(_ reward: [Double], _ temperature: Double, _ count: Int, _ samples: SampleSet = Self.samples)
      throws
    {
      _ = try PreferenceDraw.pairs(samples, reward: reward, temperature: temperature, count: count, seed: 0)
    }
    #expect(throws: KernelError.self) { try draw([0], 1, 1) }
    #expect(throws: KernelError.self) { try draw(reward, 0, 1) }
    #expect(throws: KernelError.self) { try draw(reward, .nan, 1) }
    #expect(throws: KernelError.self) { try draw(reward, 1, -1) }
    #expect(throws: KernelError.self) { try draw(Array(reward.dropLast()) + [.nan], 1, 1) }
    let alone = SampleSet(shape: .point(1), values: [0, 1], classes: [0, 1], classNames: ["a", "b"])
    #expect(throws: KernelError.self) { try draw([0, 0], 1, 1, alone) }
    #expect(throws: Never.self) { try draw([0, 0], 1, 0, alone) }
    #expect(throws: Never.self) { try draw([], 1, 0, SampleSet(shape: .point(1), values: [])) }
  }
}
