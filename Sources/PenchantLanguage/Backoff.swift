import PenchantKernels

/// How long to wait before a request is sent again: twice as long after every failure, with a part that is
/// drawn, so that requests that failed together do not come back together.
public struct Backoff: Sendable, Hashable {
  /// Before the second try.
  public var first: Duration = .milliseconds(500)
  /// The longest wait of our own.
  public var longest: Duration = .seconds(30)
  /// The longest wait that a server may ask for in `Retry-After`.
  public var longestAsked: Duration = .seconds(600)

  public init() {}

  /// The wait after failure number `failure` (1, 2, …): half of it fixed, half drawn; a function of its
  /// arguments alone.
  ///
  /// - Parameter asked: what the server asked for; the wait is never shorter, unless that exceeds
  ///   `longestAsked`.
  public func wait(after failure: Int, seed: UInt64, asked: Duration? = nil) -> Duration {
    let doubled = min(longest, first * Double(UInt64(1) << UInt64(min(max(failure, 1) - 1, 40))))
    var random = Philox(seed: seed, stream: UInt64(max(failure, 1)))
    let own = doubled * (0.5 + 0.5 * random.uniform())
    return max(own, min(asked ?? .zero, longestAsked))
  }
}
