import Foundation
import PenchantKernels

/// Fails allocations of the calling thread: the n-th only, or the n-th and all after it.
///
/// Other threads are not disturbed, so that tests may run side by side; kernels do not allocate on the team.
public enum FaultInjection {
  public enum Mode: Sendable, CaseIterable {
    /// One allocation fails, the next succeeds again.
    case single
    /// From one allocation on all fail.
    case persistent
  }

  /// What one run did.
  public struct Run: Sendable {
    /// Allocations asked for, refused ones too.
    public let asked: Int
    public let refused: Int
    /// Blocks taken and not given back: 0, or a leak. Blocks that the body keeps on purpose count too.
    public let kept: Int
  }

  /// Runs `body` with allocation number `nth` (1 is the first) of this thread refused.
  public static func run(failing nth: Int, _ mode: Mode, _ body: () throws -> Void) rethrows -> Run {
    _ = installed
    let plan = Plan(nth: nth, mode: mode)
    let outer = Thread.current.threadDictionary[key]
    Thread.current.threadDictionary[key] = plan
    defer { Thread.current.threadDictionary[key] = outer }
    try body()
    return Run(asked: plan.asked, refused: plan.refused, kept: plan.kept)
  }

  /// The sweep: fails the 1st, 2nd, … allocation of `body` until none is refused, single and persistent.
  ///
  /// - Parameters:
  ///   - body: Does one public call and returns whether it succeeded; a clean error is `false`.
  ///   - limit: More allocations than this count as a runaway.
  /// - Returns: How many points were failed.
  /// - Throws: `SweepFailure` for a call that succeeds though memory was refused, fails though none was, or leaks.
  @discardableResult
  public static func sweep(limit: Int = 10_000, _ body: () -> Bool) throws -> Int {
    var points = 0
    for mode in Mode.allCases {
      for nth in 1...limit {
        var succeeded = false
        let run = run(failing: nth, mode) { succeeded = body() }
        if run.kept != 0 {
          throw SweepFailure("\(run.kept) blocks leaked, allocation \(nth) refused (\(mode))")
        }
        if run.refused == 0 {
          if !succeeded { throw SweepFailure("failed with no allocation refused") }
          break
        }
        if succeeded { throw SweepFailure("succeeded with allocation \(nth) refused (\(mode))") }
        if nth == limit { throw SweepFailure("more than \(limit) allocations") }
        points += 1
      }
    }
    return points
  }

  public struct SweepFailure: Error, CustomStringConvertible {
    public let description: String
    init(_ description: String) { self.description = description }
  }

  private static let key = "penchant.faults"

  private final class Plan {
    let nth: Int
    let mode: Mode
    var asked = 0
    var refused = 0
    var kept = 0

    init(nth: Int, mode: Mode) {
      self.nth = nth
      self.mode = mode
    }
  }

  private static var current: Plan? { Thread.current.threadDictionary[key] as? Plan }

  /// The hook is installed once and stays; without a plan on the thread it passes on.
  private static let installed: Void = Memory.setAllocator(
    allocate: { _, bytes in
      guard let plan = current else { return Memory.defaultAllocate(bytes) }
      plan.asked += 1
      if plan.mode == .single ? plan.asked == plan.nth : plan.asked >= plan.nth {
        plan.refused += 1
        return nil
      }
      let block = Memory.defaultAllocate(bytes)
      if block != nil { plan.kept += 1 }
      return block
    },
    free: { _, block in
      if block != nil, let plan = current { plan.kept -= 1 }
      Memory.defaultFree(block)
    })
}
