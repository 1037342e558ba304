import Foundation
import PenchantKernels
import TestSupport
import Testing

@testable import PenchantData

struct PairBuilderTests {
  private struct Built {
    var counts: DumpCounts
    var errors: [DataError]
    var files: [String: [PreferencePair]] = [:]
    var bytes: [String: [UInt8]] = [:]
  }

  private func build(
    _ dumps: [[UInt8]], _ change: (inout PairBuilderConfiguration) -> Void = { _ in }
  ) throws -> Built {
    let folder = try TemporaryFolder()
    var paths: [String] = []
    for (place, dump) in dumps.enumerated() { paths.append(try folder.write("dump\(place)", dump)) }
    var configuration = PairBuilderConfiguration()
    configuration.year = 2022
    change(&configuration)
    let result = try PairBuilder(configuration).build(from: paths, into: folder.path + "/out")
    var built = Built(counts: result.counts, errors: result.errors)
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path + "/out")
    #expect(names.sorted() == result.files.map { ($0 as NSString).lastPathComponent })
    for path in result.files {
      let name = String((path as NSString).lastPathComponent.dropLast(6))
      built.bytes[name] = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
      built.files[name] = (built.bytes[name] ?? []).isEmpty ? [] : try PairReader(path).pairs()
    }
    return built
  }

  private func handMade(_ comments: [String], year: Int = 2022) -> [UInt8] {
    let posted = Int(yearSpan(year).lowerBound) + 100
    let post = SyntheticDump.post(id: "p", community: "c", time: posted, title: "Title", body: "Body")
    return Array(([post] + comments).joined(separator: "\n").utf8)
  }

  private func comment(
    _ id: String, _ votes: Int, _ later: Int = 0, body: String? = nil, author: String = "x",
    parent: String? = nil
  ) -> String {
    SyntheticDump.comment(
      id: id, community: "c", post: "p", time: Int(yearSpan(2022).lowerBound) + 200 + later, votes: votes,
      body: body ?? "text \(id)", author: author, parent: parent)
  }

  @Test func filesHaveTheirShares() throws {
    let built = try build([SyntheticDump(posts: 100).bytes])
    #expect(
      built.files.keys.sorted() == [
        "eval_2022_comment", "eval_2022_post", "test_2022_comment", "test_2022_post", "train_2022",
      ])
    #expect(built.counts.posts == 200 && built.counts.comments == 2400 && built.counts.unreadable == 0)
    let posts = { (names: [String]) in
      Set(names.flatMap { built.files[$0] ?? [] }.map { "\($0.community ?? "")/\($0.post ?? "")" })
    }
    // Six of a hundred posts of each community are held out; eval and test share no post.
    #expect(posts(["eval_2022_post", "test_2022_post"]).count == 12)
    #expect(posts(["eval_2022_post"]).isDisjoint(with: posts(["test_2022_post"])))
    #expect(
      posts(["eval_2022_post", "test_2022_post"]).isDisjoint(
        with: posts(["train_2022", "test_2022_comment"])))
    let sizes = built.files.mapValues(\.count)
    #expect(sizes == built.counts.pairs)
    #expect(
      abs(
        (sizes["eval_2022_comment"] ?? 0) + (sizes["test_2022_comment"] ?? 0) - (sizes["eval_2022_post"] ?? 0)
          - (sizes["test_2022_post"] ?? 0)) <= 2)
    for pair in built.files.values.joined() {
      let (chosen, rejected) = (pair.chosenVotes ?? 0, pair.rejectedVotes ?? 0)
      #expect(chosen - rejected >= 2 && chosen >= 2 && pair.margin == chosen - rejected)
    }
    // No pair stands twice, and no post has more than 50.
    let all = built.files.values.joined().map { "\($0.chosenID ?? "")>\($0.rejectedID ?? "")" }
    #expect(Set(all).count == all.count)
    let byPost = Dictionary(grouping: built.files.values.joined(), by: { $0.post ?? "" })
    #expect(byPost.values.allSatisfy { $0.count <= 50 })
  }

  @Test func recordsHaveTheFieldsOfTheRelease() throws {
    let built = try build([handMade([comment("a", 9, 50), comment("b", 4, 10)])])
    let text = String(decoding: built.bytes["test_2022_post"] ?? [], as: UTF8.self)
    let start = Int(yearSpan(2022).lowerBound)
    #expect(
      text == """
        {"id": "c-p-a-b", "context": [{"role": "user", "content": "Title\\nBody"}], "chosen": [{"role": "assistant", \
        "content": "text a"}], "rejected": [{"role": "assistant", "content": "text b"}], "subreddit": "c", "margin": 5, \
        "post_time": \(start + 100), "chosen_score": 9, "rejected_score": 4, "chosen_time": \(start + 250), \
        "rejected_time": \(start + 210)}

        """)
    let pair = try #require(built.files["test_2022_post"]?.first)
    #expect(pair.community == "c" && pair.post == "p" && pair.chosenID == "a" && pair.rejectedID == "b")
    #expect(pair.prompt == "Title\nBody" && pair.chosenTime == Double(start + 250) && pair.chosenVotes == 9)
  }

  @Test func whatIsDroppedIsCounted() throws {
    let lines = [
      comment("a", 9), comment("b", 4), comment("a", 1), comment("d", 50, body: "[deleted]"),
      comment("e", 50, body: "  "), comment("f", 50, author: "AutoModerator"),
      comment("g", 50, author: "count_bot"),
      comment("h", 50, body: "[removed]"), comment("i", 8, parent: "t1_a"), comment("j", 7, 31_536_000),
      "{\"name\": \"t1_k\"", "{\"name\": \"t5_x\", \"title\": \"a community\"}", "",
      SyntheticDump.comment(
        id: "o", community: "c", post: "gone", time: Int(yearSpan(2022).lowerBound), votes: 3, body: "orphan"),
      comment("l", 2).replacing("\"score\": 2", with: "\"score\": null"),
    ]
    let built = try build([handMade(lines)])
    #expect(built.counts.duplicates == 1 && built.counts.removed == 3 && built.counts.robots == 2)
    #expect(built.counts.outsideYears == 1 && built.counts.unreadable == 2 && built.counts.others == 1)
    #expect(built.counts.withoutPost == 1)
    #expect(built.errors.count == 2 && built.errors[0].line == 12)
    // Nested replies count; 9 and 8 are too near.
    let pairs = built.files.values.joined().map { "\($0.chosenID ?? "")>\($0.rejectedID ?? "")" }.sorted()
    #expect(pairs == ["a>b", "i>b"])
    let faithful = try build([handMade(lines)]) { $0.isFaithful = true }
    #expect(faithful.counts.removed == 0 && faithful.counts.robots == 0)
    // a 9, b 4, i 8 and five of 50 votes: every strict order once.
    #expect(faithful.files.values.joined().count == 5 * 3 + 3)
  }

  @Test func timeControlKeepsLaterWinners() throws {
    let dump = SyntheticDump()
    let free = try build([dump.bytes])
    let held = try build([dump.bytes]) { $0.isTimeControlled = true }
    let all = Array(free.files.values.joined())
    #expect((PairRule.earlierWins.accuracy(all)?.value ?? 0) > 0.7)
    let kept = Array(held.files.values.joined())
    #expect(!kept.isEmpty && kept.allSatisfy { ($0.chosenTime ?? 0) >= ($0.rejectedTime ?? 1) })
  }

  @Test func orderAndPackingOfFilesDoNotMatter() throws {
    let dump = SyntheticDump(posts: 30)
    let whole = try build([dump.bytes])
    let turned = Array(dump.lines.reversed())
    let half = turned.count / 2
    let again = try build([
      zstandard(Array(turned[..<half].joined(separator: "\n").utf8)),
      bzip2(Array(turned[half...].joined(separator: "\n").utf8)),
    ])
    #expect(again.bytes == whole.bytes)
    #expect(try build([dump.bytes]) { $0.seed = 43 }.bytes != whole.bytes)
  }

  @Test func aCommunityDependsOnNoOther() throws {
    let dump = SyntheticDump(posts: 30)
    let both = try build([dump.bytes])
    let one = try build([dump.bytes]) { $0.communities = ["Chess"] }
    #expect(one.counts.otherCommunities == 30 * 13)
    let chess = both.files["train_2022"]?.filter { $0.community == "chess" } ?? []
    func ids(_ pairs: [PreferencePair]) -> [String] {
      pairs.map { "\($0.chosenID ?? "")>\($0.rejectedID ?? "")" }
    }
    #expect(ids(one.files["train_2022"] ?? []) == ids(chess))
  }

  @Test func theNextYearOnlyTests() throws {
    let built = try build([SyntheticDump(posts: 30).bytes, SyntheticDump(posts: 30, year: 2023).bytes]) {
      $0.testYear = 2023
      $0.testYearPairs = 100
    }
    #expect(built.files["test_2023"]?.count == 200)
    let later = yearSpan(2023)
    #expect(built.files["test_2023"]?.allSatisfy { later.contains($0.chosenTime ?? 0) } == true)
    #expect(built.files["train_2022"]?.contains { later.contains($0.chosenTime ?? 0) } == false)
  }

  @Test func everyPairIsEquallyLikely() throws {
    // Six comments of different votes: 15 pairs, 3 drawn.
    let comments = (0..<6).map {
      ForumComment(id: "c\($0)", post: "p", time: Double($0 * 7 % 6), votes: 2 + 2 * $0, body: "")
    }
    for isTimeControlled in [false, true] {
      let sampler = PairSampler(voteDifference: 2, votes: 2, isTimeControlled: isTimeControlled, cap: 3)
      let possible = comments.indices.flatMap { winner in
        comments.indices.filter {
          $0 < winner && (!isTimeControlled || comments[$0].time <= comments[winner].time)
        }.map { [winner, $0] }
      }
      var found: [[Int]: Int] = [:]
      for seed in 0..<6000 as Range<UInt64> {
        var random = Philox(seed: seed)
        let pairs = sampler.pairs(comments, using: &random)
        #expect(pairs.count == 3 && Set(pairs.map { [$0.winner, $0.loser] }).count == 3)
        for pair in pairs { found[[pair.winner, pair.loser], default: 0] += 1 }
      }
      #expect(Set(found.keys) == Set(possible))
      let expected = 18_000 / Double(possible.count)
      for count in found.values { #expect(abs(Double(count) - expected) < 5 * expected.squareRoot()) }
    }
  }

  @Test func yearsStartAtMidnightUTC() {
    #expect(yearSpan(1970) == 0..<31_536_000)
    #expect(yearSpan(2000) == 946_684_800..<978_307_200)
    #expect(yearSpan(2022) == 1_640_995_200..<1_672_531_200)
    #expect(yearSpan(2100).upperBound - yearSpan(2100).lowerBound == 365 * 86_400)
  }

  @Test func aDumpWithoutPairsWritesNothing() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("d", handMade([comment("a", 1), comment("b", 1)]))
    #expect {
      try PairBuilder(PairBuilderConfiguration()).build(from: [path], into: folder.path + "/out")
    } throws: { "\($0)".contains("no pair could be made of it") && "\($0)".contains("comments 2") }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path + "/out") == [])
    let cut = try folder.write("cut.zst", Array(zstandard(SyntheticDump().bytes).dropLast(5)))
    #expect {
      try PairBuilder(PairBuilderConfiguration()).build(from: [cut], into: folder.path + "/out")
    } throws: { "\($0)".contains("ends early") }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path + "/out") == [])
    var wrong = PairBuilderConfiguration()
    wrong.cap = 0
    #expect(throws: KernelError.self) { try PairBuilder(wrong) }
  }
}
