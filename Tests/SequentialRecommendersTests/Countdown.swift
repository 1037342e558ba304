/// Over after being asked so many times.
final class Countdown: @unchecked Sendable {
  // Asked by one thread.
  private var left: Int
  init(_ left: Int) { self.left = left }
  func isOver() -> Bool {
    left -= 1
    return left <= 0
  }
}
