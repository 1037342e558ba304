/// A line of a forum dump: a post or a comment, with the fields that pairs are made of.
enum DumpRecord: Equatable {
  case post(ForumPost)
  case comment(ForumComment)
}

struct ForumPost: Equatable, Sendable {
  /// Without the prefix `t3_`.
  var id: String
  var time: Double
  var title: String
  var body: String
}

struct ForumComment: Equatable, Sendable {
  /// Without the prefix `t1_`.
  var id: String
  /// The post that it hangs below, at any depth.
  var post: String
  var time: Double
  var votes: Int
  var body: String
}

/// A record with where and by whom it was written.
struct DumpLine: Equatable {
  var record: DumpRecord
  var community: String
  var author: String?
}

extension DumpLine {
  /// Reads the fields; `nil` when the line is neither a post nor a comment.
  ///
  /// The `name` says which (`t3_` a post, `t1_` a comment); lines without one are told apart by `link_id`.
  ///
  /// - Throws: `DataError` when a field that is needed is missing or of another type.
  init?(_ record: JSONRecord) throws(DataError) {
    let name = record.object["name"]?.string
    let isComment: Bool
    switch name?.prefix(3) {
    case "t1_": isComment = true
    case "t3_": isComment = false
    case nil where record.object["link_id"] != nil && record.object["body"] != nil: isComment = true
    case nil where record.object["title"] != nil && record.object["link_id"] == nil: isComment = false
    default: return nil
    }
    let needs = isComment ? "\"link_id\", \"body\"" : "\"title\""
    func text(_ field: String) throws(DataError) -> String {
      guard let (_, value) = record.field(field) else {
        throw record.missing(
          field, needs: "\"name\", \"subreddit\", \"created_utc\", \"score\" and \(needs)", known: [])
      }
      guard let text = value.string else { throw record.wrong(field, value, expected: "a string") }
      return text
    }
    func id() throws(DataError) -> String {
      if let name { return String(name.dropFirst(3)) }
      return try text("id")
    }
    guard let (_, stamp) = record.field("created_utc"),
      let time = stamp.number ?? stamp.string.flatMap(Double.init), time.isFinite
    else {
      throw record.wrong("created_utc", record.object["created_utc"] ?? .null, expected: "seconds since 1970")
    }
    community = try text("subreddit")
    author = record.object["author"]?.string
    if isComment {
      let post = try text("link_id")
      guard let (_, score) = record.field("score"), let votes = score.integer else {
        throw record.wrong("score", record.object["score"] ?? .null, expected: "a whole number")
      }
      self.record = .comment(
        ForumComment(
          id: try id(), post: post.hasPrefix("t3_") ? String(post.dropFirst(3)) : post, time: time,
          votes: votes, body: try text("body")))
    } else {
      self.record = .post(
        ForumPost(
          id: try id(), time: time, title: try text("title"),
          body: record.object["selftext"]?.string ?? ""))
    }
  }

  /// The text was taken away: by its author, by a moderator, or there never was one.
  var isRemoved: Bool {
    switch record {
    case .comment(let comment): DumpLine.isRemoved(comment.body) || isBlankText(comment.body)
    case .post(let post): DumpLine.isRemoved(post.body) || isBlankText(post.title)
    }
  }

  private static func isRemoved(_ text: String) -> Bool { text == "[deleted]" || text == "[removed]" }

  /// AutoModerator, and names that end in `bot` as robots' names do: `…Bot`, `…_bot`, `…-bot`, `…BOT`.
  var isRobot: Bool {
    guard let author else { return false }
    return author == "AutoModerator" || ["Bot", "_bot", "-bot", "BOT"].contains(where: author.hasSuffix)
  }
}

private func isBlankText(_ text: String) -> Bool { text.allSatisfy(\.isWhitespace) }
