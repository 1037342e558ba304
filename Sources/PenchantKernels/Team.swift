import CPenchant

/// The threads that kernels run on. Results have the same bits for every number of them.
public enum Team {
  /// Threads that the next kernel called from this thread will use.
  public static var size: Int { Int(pn_team_size()) }

  /// Sets the number of threads for the process; `nil` restores what the environment says.
  ///
  /// - Throws: `KernelError.value` unless `threads` is in 1...256.
  public static func setSize(_ threads: Int?) throws(KernelError) {
    let count = threads ?? 0
    guard threads == nil || (1...Int(PN_TEAM_MAX)).contains(count) else {
      throw .value("Team.setSize", "\(count) threads asked for, 1 to \(PN_TEAM_MAX) are possible")
    }
    try check(pn_team_set_size(count), "Team.setSize")
  }

  /// Runs `body` with kernels on `threads` threads (clamped to 1...256) when called from this thread.
  public static func with<Result, Failure: Error>(
    threads: Int, _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let previous = pn_team_use(min(max(threads, 1), Int(PN_TEAM_MAX)))
    defer { _ = pn_team_use(previous) }
    return try body()
  }

  private struct Work {
    let body: @Sendable (Int, Int) throws -> Void
    let errors: UnsafeMutableBufferPointer<(any Error)?>
  }

  /// Calls `body` once for every number below `count`, on the threads of the team; kernels inside run on one thread each,
  /// unless a single member does all of it.
  ///
  /// - Parameters:
  ///   - members: threads at most. Each has a number below this, for memory of its own; a result must not depend on it.
  /// - Throws: what `body` threw for the lowest number; the other numbers are run as well.
  public static func each(
    _ count: Int, members: Int = Int(PN_TEAM_MAX),
    _ body: @Sendable (_ number: Int, _ member: Int) throws -> Void
  ) throws {
    let errors = UnsafeMutableBufferPointer<(any Error)?>.allocate(capacity: max(0, count))
    errors.initialize(repeating: nil)
    defer {
      errors.deinitialize()
      errors.deallocate()
    }
    let status = withoutActuallyEscaping(body) { body in
      withUnsafePointer(to: Work(body: body, errors: errors)) { work in
        pn_team_for_members(
          errors.count, max(1, members),
          { context, number, member in
            guard let work = context?.assumingMemoryBound(to: Work.self).pointee else { return }
            do { try work.body(number, member) } catch { work.errors[number] = error }
          }, UnsafeMutableRawPointer(mutating: work))
      }
    }
    try check(status, "Team.each")
    for case let error? in errors { throw error }
  }
}
