import Foundation

/// Records put aside by community, on disk, so that one community is in memory at a time.
struct CommunityParts: ~Copyable {
  private let folder: String
  private var places: [String: Int] = [:]
  private var buffers: [[UInt8]] = []
  private var buffered = 0
  /// Bytes in memory at most, about.
  private static let limit = 32 << 20

  init(folder: String) { self.folder = folder }

  /// The communities, sorted.
  var names: [String] { places.keys.sorted() }

  mutating func add(_ line: DumpLine) throws(DataError) {
    let place = places[line.community] ?? buffers.count
    if place == buffers.count {
      places[line.community] = place
      buffers.append([])
    }
    let bytes = Array((line.record.json.description + "\n").utf8)
    buffers[place] += bytes
    buffered += bytes.count
    if buffered > CommunityParts.limit { try flush() }
  }

  mutating func flush() throws(DataError) {
    for place in buffers.indices where !buffers[place].isEmpty {
      try AtomicFile.append(buffers[place], to: path(place))
      buffers[place] = []
    }
    buffered = 0
  }

  /// Calls `body` with the records of a community in the order they were added, and removes them.
  mutating func take(_ name: String, _ body: (DumpRecord) -> Void) throws(DataError) {
    guard let place = places[name] else { return }
    try flush()
    var lines = try LineReader(path(place), lineLimit: 64 << 20)
    while try lines.advance() {
      let (file, number) = (lines.name, lines.number)
      let record = try lines.withLine { (bytes) throws(DataError) in
        try JSONRecord(bytes, file: file, line: number)
      }
      guard let record = DumpRecord(record.object) else {
        throw DataError(
          file: file, line: number, "the file was changed while it was used", repair: "run the command again")
      }
      body(record)
    }
    unlink(path(place))
  }

  private func path(_ place: Int) -> String { "\(folder)/part-\(place).jsonl" }
}

extension DumpRecord {
  fileprivate var json: JSONValue {
    switch self {
    case .post(let post):
      [
        "kind": "post", "id": .string(post.id), "time": .number(post.time), "title": .string(post.title),
        "body": .string(post.body),
      ]
    case .comment(let comment):
      [
        "kind": "comment", "id": .string(comment.id), "post": .string(comment.post),
        "time": .number(comment.time), "votes": .integer(comment.votes), "body": .string(comment.body),
      ]
    }
  }

  fileprivate init?(_ object: JSONObject) {
    guard let id = object["id"]?.string, let time = object["time"]?.number, let body = object["body"]?.string
    else { return nil }
    if object["kind"]?.string == "post", let title = object["title"]?.string {
      self = .post(ForumPost(id: id, time: time, title: title, body: body))
    } else if let post = object["post"]?.string, let votes = object["votes"]?.integer {
      self = .comment(ForumComment(id: id, post: post, time: time, votes: votes, body: body))
    } else {
      return nil
    }
  }
}
