import TestSupport

@testable import PenchantData

/// A small forum: posts with comments whose votes depend on when they were written and how long they are.
struct SyntheticDump {
  var lines: [String] = []

  /// - Parameter clock: how many votes a comment loses an hour.
  init(
    communities: [String] = ["tea", "chess"], posts: Int = 60, comments: Int = 12, clock: Double = 4,
    year: Int = 2022, seed: UInt64 = testSeed
  ) {
    var random = TestGenerator(seed: seed, stream: "dump \(year)")
    let start = Int(yearSpan(year).lowerBound)
    for community in communities {
      for post in 0..<posts {
        let id = "\(community)\(year)p\(post)"
        let posted = start + 86_400 + post * 3600
        lines.append(
          SyntheticDump.post(
            id: id, community: community, time: posted, title: "Title \(post)", body: "Text \(post)"))
        for comment in 0..<comments {
          let hours = random.unit() * 10
          let words = 1 + Int(random.unit() * 30)
          let votes = Int((20 - clock * hours + 0.2 * Double(words) + 3 * random.normal()).rounded())
          lines.append(
            SyntheticDump.comment(
              id: "\(id)c\(comment)", community: community, post: id, time: posted + Int(hours * 3600),
              votes: votes,
              body: (0..<words).map { "w\($0 * comment % 17)" }.joined(separator: " ") + " \(id)c\(comment)"))
        }
      }
    }
  }

  var bytes: [UInt8] { Array((lines.joined(separator: "\n") + "\n").utf8) }

  static func post(id: String, community: String, time: Int, title: String, body: String) -> String {
    JSONValue.object(
      JSONObject([
        "name": .string("t3_\(id)"), "id": .string(id), "subreddit": .string(community),
        "subreddit_id": "t5_x",
        "created_utc": .integer(time), "score": 10, "title": .string(title), "selftext": .string(body),
      ])
    ).description
  }

  static func comment(
    id: String, community: String, post: String, time: Int, votes: Int, body: String,
    author: String = "someone",
    parent: String? = nil
  ) -> String {
    JSONValue.object(
      JSONObject([
        "name": .string("t1_\(id)"), "id": .string(id), "subreddit": .string(community),
        "author": .string(author), "link_id": .string("t3_\(post)"),
        "parent_id": .string(parent ?? "t3_\(post)"), "created_utc": .integer(time), "score": .integer(votes),
        "body": .string(body),
      ])
    ).description
  }
}
