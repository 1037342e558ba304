import Foundation

/// The secret that an endpoint asks for. It is shown as "[key]" wherever it is printed, dumped or put into a
/// message.
public struct APIKey: Sendable {
  let secret: String

  /// - Throws: `LanguageError.configuration` when the text cannot stand in a header; the message does not
  ///   repeat it.
  public init(_ text: String) throws(LanguageError) {
    let trimmed = text.trimmingCharacters(in: .whitespacesAndNewlines)
    guard !trimmed.isEmpty, trimmed.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
      throw .configuration(
        "the key of the endpoint is empty or has characters that no key has\n  set PENCHANT_API_KEY to the key alone"
      )
    }
    secret = trimmed
  }

  /// The key in PENCHANT_API_KEY, else in OPENAI_API_KEY; nil when neither is set: servers on the own machine
  /// ask for none.
  public static func fromEnvironment(
    _ environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws(LanguageError) -> APIKey? {
    for name in ["PENCHANT_API_KEY", "OPENAI_API_KEY"] {
      if let value = environment[name], !value.isEmpty { return try APIKey(value) }
    }
    return nil
  }

  /// `text` without the key: endpoints repeat it in their messages.
  func redacted(_ text: String) -> String { text.replacing(secret, with: "[key]") }
}

extension APIKey: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  public var description: String { "[key]" }
  public var debugDescription: String { "[key]" }
  public var customMirror: Mirror { Mirror(self, children: []) }
}
