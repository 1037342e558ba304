import Foundation
import Testing

@Suite struct PairsCommandTests {
  private func dump() -> String {
    var lines: [String] = []
    for post in 0..<20 {
      lines.append(
        #"{"name":"t3_p\#(post)","subreddit":"tea","created_utc":\#(1_650_000_000 + post),"score":5,"title":"T","selftext":"S"}"#
      )
      for comment in 0..<6 {
        lines.append(
          #"{"name":"t1_p\#(post)c\#(comment)","subreddit":"tea","author":"a","link_id":"t3_p\#(post)","parent_id":"t3_p\#(post)","created_utc":\#(1_650_000_100 + comment),"score":\#(20 - 3 * comment),"body":"words \#(post) \#(comment)"}"#
        )
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  @Test func pairsBecomeFilesThatInspectReads() throws {
    try BuiltCommand.withFolder { folder in
      try dump().write(toFile: folder + "/dump.jsonl", atomically: true, encoding: .utf8)
      let made = try BuiltCommand.run(
        ["pairs", "dump.jsonl", "--out", "pairs", "--year", "2022", "--json", "--leaks"], in: folder)
      #expect(made.code == 0, "\(made.errors)")
      let counts = try #require(made.json?["counts"] as? [String: Any])
      #expect(counts["posts"] as? Int == 20 && counts["comments"] as? Int == 120)
      let leaks = try #require(made.json?["leaks"] as? [String: [String: Any]])
      // Earlier comments have more votes here, always.
      #expect(
        leaks["test_2022_post"]?["earlier_wins"] as? Double ?? leaks["test_2022_post"]?["earlierWins"]
          as? Double == 1)
      let seen = try BuiltCommand.run(["inspect", "pairs/train_2022.jsonl", "--json"], in: folder)
      #expect(seen.code == 0 && seen.json?["communities"] as? Int == 1, "\(seen.errors)")
      let table = try BuiltCommand.run(["pairs", "dump.jsonl", "--out", "again", "--quiet"], in: folder)
      #expect(
        table.output.contains("train_all.jsonl")
          && table.output.contains("tea           20       120    300"), "\(table.output)")
    }
  }

  @Test(arguments: [
    (["pairs", "none.jsonl", "--out", "o"], 2, "there is no such file"),
    (["pairs", "x", "--out", "o", "--cap", "0"], 64, "--cap must be at least 1"),
    (["pairs", "x", "--out", "o", "--test-year", "2023"], 64, "needs --year"),
  ])
  func wrongUseIsAnswered(_ arguments: [String], _ code: Int, _ message: String) throws {
    try BuiltCommand.withFolder { folder in
      let result = try BuiltCommand.run(arguments, in: folder)
      #expect(result.code == Int32(code) && result.errors.contains(message), "\(result.errors)")
    }
  }
}
