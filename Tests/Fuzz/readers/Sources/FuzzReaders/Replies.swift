import PenchantLanguage

/// What an endpoint answers: a text to use, or a reason in words; token counts that can be summed.
@_cdecl("fuzz_reply")
public func reply(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  do throws(ReplyProblem) {
    let reply = try ChatReply(parsing: input(bytes, count))
    guard reply.content.contains(where: { !$0.isWhitespace }) else { broken("a blank answer was accepted") }
    guard reply.usage.promptTokens >= 0, reply.usage.completionTokens >= 0 else { broken("\(reply.usage)") }
  } catch {
    guard !error.detail.isEmpty, error.detail.utf8.count < 2000 else {
      broken("\(error.detail.utf8.count) bytes of reason")
    }
  }
  return 0
}
