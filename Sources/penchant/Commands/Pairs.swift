import ArgumentParser
import Foundation
import PenchantData
import PenchantTrain

struct Pairs: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pairs", abstract: "Make preference pairs of a forum's posts and comments.",
    discussion: """
      Two comments below one post make a pair when their votes differ: the one with more votes is preferred by that community.

      Examples:
        penchant pairs RS_2022.zst RC_2022.zst --out pairs --year 2022
        penchant pairs dump.jsonl.bz2 --out pairs --communities askscience,cooking
        penchant pairs dumps/*.zst --out pairs --year 2022 --test-year 2023 --time-controlled --leaks

      A dump is JSON lines, plain or packed (.gz, .zst, .bz2), of posts and comments in any order: "name" says which ("t3_" a post,
      "t1_" a comment), "link_id" under which post a comment stands, "subreddit" the community, "score" the votes, "created_utc"
      the time. One community at a time is in memory; the rest waits in a folder below --out.

      Files, for the year 2022:
        train_2022.jsonl                              pairs to train on
        eval_2022_post.jsonl, test_2022_post.jsonl    pairs of posts that do not train: what a model is selected and judged by
        eval_2022_comment.jsonl, test_2022_comment.jsonl
                                                      pairs whose comments also train: a model that only remembers does well
        test_2023.jsonl                               with --test-year 2023: a year later

      Dropped unless --faithful: texts that were removed or are empty, robots, pairs whose votes differ by less than 2 or whose
      winner has fewer than 2. Early comments collect more votes: --time-controlled keeps a pair only when the preferred comment
      was written no earlier than the other. --leaks shows how far time, length and memory alone predict the test files.
      """)

  @Argument(help: "Dumps, JSON lines; - is standard input.")
  var dumps: [String]

  @Option(help: "The folder of the files; those of the same names are replaced.")
  var out: String

  @Option(help: "Use posts and comments of this year, UTC; all of them unless given.")
  var year: Int?

  @Option(help: "Another year, from which 2,000 test pairs a community are made.")
  var testYear: Int?

  @Option(help: "Communities to use, separated by commas; all unless given.")
  var communities: String?

  @Flag(help: "Drop nothing: removed texts, robots and differences of one vote stay.")
  var faithful = false

  @Flag(help: "Keep pairs whose preferred comment was written no earlier than the other.")
  var timeControlled = false

  @Option(help: "Most pairs of a post: 50 unless given, 20 in communities with more than 100,000 posts.")
  var cap: Int?

  @Option(help: "Seed of the choice of posts and pairs.")
  var seed: UInt64 = 42

  @Flag(help: "Read the test files again and show what they leak.")
  var leaks = false

  @OptionGroup var common: CommonOptions

  private struct Outcome: Encodable {
    var out: String
    var seed: UInt64
    var files: [String]
    var counts: DumpCounts
    var leaks: [String: LeakReport]?
  }

  func validate() throws {
    if dumps.isEmpty { throw ValidationError("at least one dump is needed") }
    if let cap, cap < 1 { throw ValidationError("--cap must be at least 1, found \(cap)") }
    for year in [year, testYear].compactMap(\.self) where !(1970...9999).contains(year) {
      throw ValidationError("a year must be 1970 to 9999, found \(year)")
    }
    if let testYear, year == nil || year == testYear {
      throw ValidationError("--test-year \(testYear) needs --year with another year")
    }
  }

  func run() throws {
    try common.apply()
    var settings = PairBuilderConfiguration()
    settings.year = year
    settings.testYear = testYear
    settings.communities = communities?.listedNames ?? []
    settings.isFaithful = faithful
    settings.isTimeControlled = timeControlled
    settings.cap = cap
    settings.seed = seed
    let progress = common.progress
    let result = try PairBuilder(settings).build(from: dumps, into: out) { counts in
      progress.report(
        "lines", counts.lines, of: nil,
        [
          ("posts", Double(counts.posts)), ("comments", Double(counts.comments)),
          ("pairs", Double(counts.pairs.values.reduce(0, +))),
        ])
    }
    progress.finishLine()
    for error in result.errors { progress.warn("\(error)") }
    let found = leaks ? try leakReports(result, settings.period) : nil
    if common.json {
      try showJSON(
        Outcome(out: out, seed: seed, files: result.files, counts: result.counts, leaks: found))
    } else {
      try show(text(result.counts, found))
    }
  }

  private func leakReports(_ result: PairBuilder.Result, _ period: String) throws -> [String: LeakReport] {
    guard result.counts.pairs["train_\(period)", default: 0] > 0 else { return [:] }
    let train = try readPairs("\(out)/train_\(period).jsonl")
    var reports: [String: LeakReport] = [:]
    for (file, count) in result.counts.pairs where file.hasPrefix("test_") && count > 0 {
      reports[file] = LeakReport(train: train, test: try readPairs("\(out)/\(file).jsonl"))
    }
    return reports
  }

  private func text(_ counts: DumpCounts, _ leaks: [String: LeakReport]?) -> String {
    var parts = [
      aligned(
        counts.named.filter { $0.count > 0 || !$0.name.hasPrefix("dropped") }.map {
          [$0.name, "\($0.count)"]
        })
    ]
    let files = counts.pairs.keys.sorted()
    parts.append(aligned([["file", "pairs"]] + files.map { ["\($0).jsonl", "\(counts.pairs[$0] ?? 0)"] }))
    let largest = counts.communities.sorted { ($1.value.posts, $0.key) < ($0.value.posts, $1.key) }
    parts.append(
      aligned(
        [["community", "posts", "comments", "pairs"]]
          + largest.prefix(40).map { name, community in
            [
              name, "\(community.posts)", "\(community.comments)",
              "\(community.pairs.values.reduce(0, +))",
            ]
          }) + (largest.count > 40 ? "\nand \(largest.count - 40) more" : ""))
    for (file, report) in (leaks ?? [:]).sorted(by: { $0.key < $1.key }) {
      parts.append("\(file).jsonl, beside training:\n\(report.table)")
    }
    return parts.joined(separator: "\n\n")
  }
}
