import Foundation
import PenchantKernels

/// Pairs whose winner is known up to noise: `P(a wins) = σ((r_a - r_b) / temperature)`.
public enum PreferenceDraw {
  private static let stream: UInt64 = 0x5052_4546_0000_0000

  /// Draws `count` pairs of different samples of one class, or of all samples when there are no classes. The
  /// first is uniform over those that have another beside them, the second uniform over the others of its
  /// class. Pair i is a function of the seed and i.
  ///
  /// - Parameters:
  ///   - reward: a score for each sample.
  ///   - temperature: of the labels; infinity makes them random.
  /// - Throws: `KernelError.shape` unless there is one score a sample; `.value` for a score that is not
  ///   finite, a temperature that is not above 0, a negative count, and when no class has two samples.
  public static func pairs(
    _ samples: SampleSet, reward: [Double], temperature: Double, count: Int, seed: UInt64
  ) throws(KernelError) -> SamplePairs {
    guard reward.count == samples.count else {
      throw .shape("PreferenceDraw", "\(reward.count) scores for \(samples.count) samples")
    }
    if let row = reward.firstIndex(where: { !$0.isFinite }) {
      throw .value("PreferenceDraw", "the score of sample \(row) is \(reward[row])")
    }
    guard temperature > 0, 0...(1 << 30) ~= count else {
      throw .value(
        "PreferenceDraw",
        "\(count) pairs at temperature \(temperature); a temperature above 0 and a count of 0 or more "
          + "are possible")
    }
    let classes = samples.classes.isEmpty ? [Int](repeating: 0, count: samples.count) : samples.classes
    var members = [[Int]](repeating: [], count: (classes.max() ?? -1) + 1)
    // Where a sample stands in its class.
    var place = [Int](repeating: 0, count: samples.count)
    for (row, number) in classes.enumerated() {
      place[row] = members[number].count
      members[number].append(row)
    }
    let paired = classes.indices.filter { members[classes[$0]].count > 1 }
    guard !paired.isEmpty || count == 0 else {
      throw .value("PreferenceDraw", "no class has two of the \(samples.count) samples")
    }
    var pairs = SamplePairs(samples: samples, winners: [], losers: [])
    for index in 0..<count {
      var draws = Philox(seed: seed, stream: stream &+ UInt64(index))
      let first = paired[draws.index(below: paired.count)]
      let others = members[classes[first]]
      let choice = draws.index(below: others.count - 1)
      let second = others[choice < place[first] ? choice : choice + 1]
      let firstWins = draws.uniform() < 1 / (1 + exp((reward[second] - reward[first]) / temperature))
      pairs.winners.append(firstWins ? first : second)
      pairs.losers.append(firstWins ? second : first)
    }
    return pairs
  }
}
