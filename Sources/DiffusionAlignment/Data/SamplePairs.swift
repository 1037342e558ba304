/// Pairs of samples of which one is preferred.
public struct SamplePairs: Sendable, Equatable {
  /// All samples that are compared; the class of a sample is the condition under which it was made.
  public var samples: SampleSet
  /// Rows of `samples`, one a pair.
  public var winners: [Int]
  public var losers: [Int]
  /// How much each pair counts; empty when all count 1.
  public var weights: [Float]

  package init(samples: SampleSet, winners: [Int], losers: [Int], weights: [Float] = []) {
    self.samples = samples
    self.winners = winners
    self.losers = losers
    self.weights = weights
  }

  public var count: Int { winners.count }

  /// Some of the pairs, in the order of `places`; the samples stay.
  public func pairs(_ places: some Sequence<Int>) -> SamplePairs {
    var chosen = SamplePairs(samples: samples, winners: [], losers: [])
    for place in places {
      chosen.winners.append(winners[place])
      chosen.losers.append(losers[place])
      if !weights.isEmpty { chosen.weights.append(weights[place]) }
    }
    return chosen
  }
}
