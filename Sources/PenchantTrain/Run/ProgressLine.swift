import Foundation
import Synchronization

/// Progress on standard error: one redrawn line on a terminal, a plain line every few seconds otherwise.
///
///     step   200  loss 0.5132  accuracy 0.7310  best 0.7350  12.4 it/s  eta 01:12 to 09:40
public final class ProgressLine: Sendable {
  public enum Style: Sendable {
    /// A line that is redrawn in place.
    case redrawn
    /// Lines one under the other.
    case plain
    case silent
  }

  private struct State {
    var started: Double
    var first: Int?
    var drawn = -Double.infinity
    var dirty = false
  }
  private let state: Mutex<State>
  private let style: Style
  private let interval: Double
  private let colour: Bool
  private let write: @Sendable (String) -> Void
  private let now: @Sendable () -> Double

  /// - Parameters:
  ///   - style: nil asks the terminal.
  ///   - now: a monotonic clock in seconds.
  ///   - write: where the text goes; standard error unless told.
  public init(
    style: Style? = nil, now: @escaping @Sendable () -> Double = ProgressLine.clock,
    write: @escaping @Sendable (String) -> Void = ProgressLine.standardError
  ) {
    let environment = ProcessInfo.processInfo.environment
    let terminal = isatty(STDERR_FILENO) == 1 && environment["TERM"] != "dumb"
    self.style = style ?? (terminal ? .redrawn : .plain)
    interval = self.style == .redrawn ? 0.1 : 5
    colour = self.style == .redrawn && (environment["NO_COLOR"] ?? "").isEmpty
    self.now = now
    self.write = write
    state = Mutex(State(started: now()))
  }

  /// Shows `step` of `total` with named values, unless the last line is too recent; the last step is always shown.
  ///
  /// - Parameter earliest: where it may end before `total`; the time left is then a range.
  public func report(
    _ label: String = "step", _ step: Int, of total: Int?, orEarlier earliest: Int? = nil,
    _ values: [(name: String, value: Double)]
  ) {
    guard style != .silent else { return }
    let time = now()
    let line: String? = state.withLock { state in
      if state.first == nil {
        state.first = step
        state.started = time
      }
      guard step == total || time - state.drawn >= interval else { return nil }
      state.drawn = time
      state.dirty = style == .redrawn
      let done = step - (state.first ?? step)
      let rate = time > state.started && done > 0 ? Double(done) / (time - state.started) : 0
      return Self.line(label, step, total, earliest, values, rate: rate)
    }
    guard let line else { return }
    guard style == .redrawn else { return write(line + "\n") }
    // Without wrapping while it is drawn: a line that is longer than the terminal could not be drawn over.
    write("\r\u{1B}[K\u{1B}[?7l" + (colour ? "\u{1B}[2m\(line)\u{1B}[0m" : line) + "\u{1B}[?7h")
  }

  /// Writes a line of its own.
  public func note(_ text: String) {
    guard style != .silent else { return }
    finishLine()
    write(text + "\n")
  }

  /// A warning: shown in every style.
  public func warn(_ text: String) {
    finishLine()
    write((colour ? "\u{1B}[33mwarning:\u{1B}[0m " : "warning: ") + text + "\n")
  }

  /// Ends a redrawn line.
  public func finishLine() {
    let dirty = state.withLock { state in
      defer { state.dirty = false }
      return state.dirty
    }
    if dirty { write("\n") }
  }

  static func line(
    _ label: String, _ step: Int, _ total: Int?, _ earliest: Int?, _ values: [(name: String, value: Double)],
    rate: Double
  ) -> String {
    var parts = ["\(label) " + pad(String(step), 6)]
    parts += values.map { "\($0.name) \(number($0.value))" }
    if rate > 0 {
      parts.append((rate >= 100 ? String(Int(rate.rounded())) : String(format: "%.1f", rate)) + " it/s")
      if let total, total > step {
        func left(_ end: Int) -> String { duration(Double(max(0, end - step)) / rate) }
        let first = min(earliest ?? total, total)
        parts.append("eta " + (first < total ? left(first) + " to " : "") + left(total))
      }
    }
    return parts.joined(separator: "  ")
  }

  static func number(_ value: Double) -> String {
    guard value.isFinite else { return "\(value)" }
    let size = abs(value)
    if size != 0, size < 1e-3 || size >= 1e5 { return String(format: "%.3g", value) }
    return String(format: size < 10 ? "%.4f" : "%.2f", value)
  }

  static func duration(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds < 360_000 else { return "--:--" }
    let s = Int(seconds.rounded(.up))
    return s < 3600
      ? String(format: "%02d:%02d", s / 60, s % 60)
      : String(format: "%d:%02d:%02d", s / 3600, s / 60 % 60, s % 60)
  }

  private static func pad(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
  }

  public static let clock: @Sendable () -> Double = {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }

  /// What cannot be shown is no reason to stop.
  public static let standardError: @Sendable (String) -> Void = { try? StandardStream.error.write($0.utf8) }
}
