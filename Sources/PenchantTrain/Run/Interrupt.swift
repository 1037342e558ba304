import Foundation
import Synchronization

/// Ctrl-C, twice: the first asks the running step to finish, the second ends the process at once.
public enum Interrupt {
  private static let count = Atomic<Int>(0)

  /// Catches SIGINT and SIGTERM from here on, also in a process whose parent had them blocked.
  public static func install() {
    let handler: @convention(c) (Int32) -> Void = { signal in
      // Only what may be done in a signal handler: an atomic add, write, _exit.
      if Interrupt.count.add(1, ordering: .relaxed).newValue > 1 { _exit(128 + signal) }
      let text: StaticString = "\nfinishing this step, then saving; once more to stop at once\n"
      _ = write(STDERR_FILENO, text.utf8Start, text.utf8CodeUnitCount)
    }
    signal(SIGINT, handler)
    signal(SIGTERM, handler)
    var caught = sigset_t()
    sigemptyset(&caught)
    sigaddset(&caught, SIGINT)
    sigaddset(&caught, SIGTERM)
    pthread_sigmask(SIG_UNBLOCK, &caught, nil)
  }

  /// Whether a stop has been asked for.
  public static var isRequested: Bool { count.load(ordering: .relaxed) > 0 }
}
