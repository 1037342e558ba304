import PenchantTrain

/// How good samples are: what a person wants more of.
public protocol SampleReward {
  /// One number a sample, the more the better.
  func rewards(of samples: SampleSet) throws -> [Double]
}

extension PictureReward: SampleReward {
  public func rewards(of samples: SampleSet) throws -> [Double] { try scores(samples) }
}

/// One coordinate of a point.
public struct CoordinateReward: SampleReward {
  /// Which one, from 0.
  public let coordinate: Int

  public init(_ coordinate: Int) { self.coordinate = coordinate }

  public func rewards(of samples: SampleSet) throws -> [Double] {
    guard (0..<samples.shape.count).contains(coordinate) else {
      throw ConfigurationError("there is no coordinate \(coordinate) in samples of \(samples.shape)")
    }
    return (0..<samples.count).map { Double(samples.values[$0 * samples.shape.count + coordinate]) }
  }
}

/// Rewards by the names of `watching.reward`.
public enum Rewards {
  /// The reward of a name: a ``PictureReward``, or `coordinate:K`; nil for "learned".
  ///
  /// - Throws: `ConfigurationError` that names those there are.
  public static func named(_ name: String) throws(ConfigurationError) -> (any SampleReward)? {
    if name == "learned" { return nil }
    if let picture = PictureReward(rawValue: name) { return picture }
    if name.hasPrefix("coordinate:"), let number = Int(name.dropFirst("coordinate:".count)), number >= 0 {
      return CoordinateReward(number)
    }
    let names = ["learned"] + PictureReward.allCases.map(\.rawValue) + ["coordinate:0"]
    throw ConfigurationError(
      "watching.reward must be one of \(names.joined(separator: ", ")), found \"\(name)\"")
  }
}
