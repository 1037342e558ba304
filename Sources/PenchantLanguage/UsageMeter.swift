import Synchronization

/// Sums what one piece of work costs, whoever makes the calls.
///
/// ```swift
/// let meter = UsageMeter()
/// try await UsageMeter.$current.withValue(meter) { try await rewriter.rewrite(…) }
/// print(meter.total.totalTokens)
/// ```
public final class UsageMeter: Sendable {
  /// The meter of the running task; models add to it.
  @TaskLocal public static var current: UsageMeter?

  private let sum = Mutex(Usage())

  public init() {}

  public var total: Usage { sum.withLock { $0 } }
  public func add(_ usage: Usage) { sum.withLock { $0 += usage } }
}
