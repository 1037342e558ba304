/// How good samples are: what a person wants more of.
public protocol SampleReward {
  /// One number a sample, the more the better.
  func rewards(of samples: SampleSet) throws -> [Double]
}
