import Foundation

/// The header of RFC 9110, section 10.2.3: a number of seconds, or a date.
enum RetryAfter {
  /// How long to wait from `now`; nil for a missing or senseless value, zero for a date that has passed.
  static func wait(_ text: String?, now: Date = Date()) -> Duration? {
    guard let text = text?.trimmingCharacters(in: .whitespaces), !text.isEmpty else { return nil }
    if let seconds = Double(text) {
      guard seconds.isFinite, seconds >= 0 else { return nil }
      return .milliseconds(Int64(min(seconds, 1e6) * 1000))
    }
    let formatter = DateFormatter()
    formatter.locale = Locale(identifier: "en_US_POSIX")
    formatter.timeZone = TimeZone(secondsFromGMT: 0)
    formatter.dateFormat = "EEE, dd MMM yyyy HH:mm:ss zzz"
    guard let date = formatter.date(from: text) else { return nil }
    return .milliseconds(Int64(min(max(0, date.timeIntervalSince(now)), 1e6) * 1000))
  }
}
