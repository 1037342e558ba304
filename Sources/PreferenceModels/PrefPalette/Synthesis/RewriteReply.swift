import Foundation
import PenchantData

/// Reads what a model wrote: the forms that were asked for, and the ones that models use instead.
public enum RewriteReply {
  /// The new comment of `{"rewrite": "…"}`, alone, in a code fence or with words around it, or a bare text; what
  /// stands behind the last `COMMENT:` of it, trimmed. Nil when there is nothing, or an object that cannot be read.
  public static func rewrite(_ content: String) -> String? {
    let text: String
    if let object = object(in: content, with: "rewrite") {
      guard let rewrite = object["rewrite"]?.string else { return nil }
      text = rewrite
    } else {
      let bare = unfenced(content)
      // JSON that is broken is no comment.
      guard !bare.hasPrefix("{") else { return nil }
      text = bare
    }
    let cut = text.range(of: "COMMENT:", options: .backwards).map { String(text[$0.upperBound...]) } ?? text
    let trimmed = cut.trimmingCharacters(in: .whitespacesAndNewlines)
    return trimmed.isEmpty ? nil : trimmed
  }

  /// The winner of `{"reason": …, "winner": "A"}`, or of a text with `[[A]]` or `[[B]]`: 0 for A, 1 for B, nil for
  /// anything else, two different verdicts included.
  public static func winner(_ content: String) -> Int? {
    if let winner = object(in: content, with: "winner")?["winner"]?.string {
      return place(of: winner.trimmingCharacters(in: .whitespaces))
    }
    switch (content.contains("[[A]]"), content.contains("[[B]]")) {
    case (true, false): return 0
    case (false, true): return 1
    default: return nil
    }
  }

  /// The identifier that a judge ends with: its last character, without white space.
  public static func choice(_ content: String) -> Int? {
    content.last { !$0.isWhitespace }.flatMap { place(of: String($0)) }
  }

  private static func place(of letter: String) -> Int? {
    switch letter.uppercased() {
    case "A": 0
    case "B": 1
    default: nil
    }
  }

  /// The object between the first brace and the last, if it has the key.
  private static func object(in content: String, with key: String) -> JSONObject? {
    guard let start = content.firstIndex(of: "{"), let end = content.lastIndex(of: "}"), start < end,
      let object = try? JSONValue(parsing: String(content[start...end])).object, object[key] != nil
    else { return nil }
    return object
  }

  /// The text inside a code fence, if it stands in one.
  private static func unfenced(_ content: String) -> String {
    var lines = content.trimmingCharacters(in: .whitespacesAndNewlines).split(
      separator: "\n", omittingEmptySubsequences: false)
    guard lines.count >= 2, lines[0].hasPrefix("```"), lines[lines.count - 1] == "```" else {
      return content.trimmingCharacters(in: .whitespacesAndNewlines)
    }
    lines.removeFirst()
    lines.removeLast()
    return lines.joined(separator: "\n").trimmingCharacters(in: .whitespacesAndNewlines)
  }
}
