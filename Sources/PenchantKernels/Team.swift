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
}
