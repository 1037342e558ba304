import PenchantTrain

/// How a sample is led back to the noise it comes from (InPO section 4.1–4.3).
public struct InversionConfiguration: Sendable, Equatable, Codable {
  /// Where an inverted sample lands.
  public enum Landing: String, Sendable, Codable, CaseIterable {
    /// At the level of its time: the last hop is shortened.
    case exact
    /// At the next level of the grid, as the authors' code does.
    case grid
  }

  /// Which time the network is asked about in a hop.
  public enum Asked: String, Sendable, Codable, CaseIterable {
    /// The one a hop starts from: −99 first, as the authors' code does.
    case source
    /// The one it goes to.
    case target
  }

  /// N, the hops from sample to noise.
  public var grid = 10
  public var landing = Landing.exact
  public var asked = Asked.source
  /// Extra noise after each hop, as a share of the posterior's.
  public var eta = 0.1
  /// Times that a hop is made again with the noise found at its end (ReNoise, Garibi et al. 2024).
  public var renoise = 0
  /// Whether a hop made again takes the mean of the noise at both ends (SmPO) instead of that at its end.
  public var averaged = false

  public init() {}

  public func validate() throws(ConfigurationError) {
    try checkSetting(grid >= 1, "inversion.grid", "at least 1", grid)
    try checkSetting(eta >= 0 && eta <= 1, "inversion.eta", "between 0 and 1", eta)
    try checkSetting(renoise >= 0, "inversion.renoise", "0 or more", renoise)
  }

  /// Sources of the hops over a schedule of `steps` times: {1 − h, 1, 1 + h, …} with h = steps / grid. The first one has the
  /// level of time 0.
  public func sources(_ steps: Int) -> [Int] {
    let hop = max(1, steps / grid)
    return (0..<min(grid, steps)).map { 1 + ($0 - 1) * hop }
  }

  /// The time whose level an inverted sample of time `time` has.
  public func landing(of time: Int, _ steps: Int) -> Int {
    let hop = max(1, steps / grid)
    guard landing == .grid else { return time }
    return sources(steps).filter { $0 < time }.last.map { $0 + hop } ?? time
  }
}
