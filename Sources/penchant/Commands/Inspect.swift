import ArgumentParser
import Foundation
import PenchantData
import PenchantTrain

struct Inspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "What is in a file of preferences or interactions, and what is wrong with it.",
    discussion: """
      A log of interactions is told from pairs by its first line (standard input: --log): users, items, how long and how
      popular, times, duplicates, and the checksum of the test items of leave-one-out.

      Pairs with log-probabilities or margins (penchant help labels): annotators, references, lengths, and what the margins say.

      Rewards (penchant help rewards): how many have references, and how far above them they lie.

      Pictures, arrays, and pairs of them (penchant help pictures): how many, of which size and classes, and their values.

      Of pairs: counts pairs, communities, users and texts, shows the lengths, and finds duplicate and tied pairs. The first lines that are
      wrong are shown with the reason; the exit code is 2 then.
      """)

  @Argument(help: "Preference pairs or a log of interactions, plain or packed; - is standard input.")
  var file: String

  @Option(help: "How many wrong lines to show.")
  var errors = 5

  @Option(help: "Descriptions of items: which of them the log lacks, and the other way round.")
  var items: String?

  @Flag(help: "Read the file as a log of interactions whatever its first line is.")
  var log = false

  @Flag(help: "Print one JSON object on standard output and nothing else there.")
  var json = false

  private struct Findings: Encodable {
    var file: String
    var pairs = 0
    var wrongLines = 0
    var texts = 0
    var prompts = 0
    var communities = 0
    var users = 0
    /// Pairs whose two answers are the same text.
    var tied = 0
    /// Pairs that stand in the file before.
    var duplicates = 0
    /// Pairs that stand in the file before with the answers swapped.
    var contradictions = 0
    var longerIsChosen = 0.0
    var promptLength: [Int] = []
    var chosenLength: [Int] = []
    var rejectedLength: [Int] = []
    var largestCommunities: [String: Int] = [:]
  }

  func run() throws {
    if !log, items == nil, try SampleInspection.isSamples(file) {
      return try SampleInspection(file: file, json: json).run()
    }
    if try log || items != nil || LogInspection.isLog(file) {
      return try LogInspection(file: file, items: items, errors: errors, json: json).run()
    }
    if try RewardInspection.isRewards(file) {
      return try RewardInspection(file: file, errors: errors, json: json).run()
    }
    if try LabelInspection.isLabels(file) {
      return try LabelInspection(file: file, errors: errors, json: json).run()
    }
    var found = Findings(file: file)
    var shown: [DataError] = []
    var pairs: [PreferencePair] = []
    var reader = try PairReader(file)
    var last = -1
    while true {
      do throws(DataError) {
        guard let pair = try reader.next() else { break }
        pairs.append(pair)
      } catch {
        found.wrongLines += 1
        if shown.count < errors { shown.append(error) }
        // What is wrong with the file as a whole does not go away at the next line.
        if error.line == nil || reader.line == last { break }
        last = reader.line
      }
    }
    if pairs.isEmpty, found.wrongLines == 0 { _ = try readPairs(file) }
    let table = PairTable(pairs)
    found.pairs = pairs.count
    found.texts = table.texts.count
    found.prompts = Set(pairs.map(\.prompt)).count
    found.communities = table.communities.filter { !$0.isEmpty }.count
    found.users = table.users.filter { !$0.isEmpty }.count
    var seen: Set<[Int]> = []
    for (a, b) in zip(table.chosen, table.rejected) {
      if a == b { found.tied += 1 }
      if a != b, seen.contains([b, a]) { found.contradictions += 1 }
      if !seen.insert([a, b]).inserted { found.duplicates += 1 }
    }
    func quartiles(_ lengths: [Int]) -> [Int] {
      let sorted = lengths.sorted()
      return sorted.isEmpty ? [] : [0, 1, 2, 3, 4].map { sorted[($0 * (sorted.count - 1)) / 4] }
    }
    found.promptLength = quartiles(pairs.map { $0.prompt.unicodeScalars.count })
    found.chosenLength = quartiles(pairs.map { $0.chosen.unicodeScalars.count })
    found.rejectedLength = quartiles(pairs.map { $0.rejected.unicodeScalars.count })
    let longer = pairs.map {
      PairMetrics.hit(Double($0.chosen.unicodeScalars.count - $0.rejected.unicodeScalars.count))
    }
    found.longerIsChosen = pairs.isEmpty ? 0 : longer.sum() / Double(pairs.count)
    var sizes: [Int: Int] = [:]
    for place in table.community { sizes[place, default: 0] += 1 }
    let largest = sizes.sorted {
      ($1.value, table.communities[$0.key]) < ($0.value, table.communities[$1.key])
    }
    for (place, size) in largest.prefix(10) { found.largestCommunities[table.communities[place]] = size }

    if json {
      try showJSON(found)
    } else {
      try show(text(found, largest.prefix(10).map { (table.communities[$0.key], $0.value) }))
    }
    for error in shown { Main.complain("\(error)") }
    if found.wrongLines > shown.count {
      Main.complain("and \(found.wrongLines - shown.count) more wrong lines")
    }
    if found.wrongLines > 0 { throw ExitStatus.badData }
  }

  private func text(_ found: Findings, _ largest: [(String, Int)]) -> String {
    var rows = [
      ["pairs", "\(found.pairs)"], ["distinct texts", "\(found.texts)"], ["prompts", "\(found.prompts)"],
      ["communities", "\(found.communities)"], ["users", "\(found.users)"],
      ["duplicate pairs", "\(found.duplicates)"], ["contradicting pairs", "\(found.contradictions)"],
      ["tied pairs", "\(found.tied)"], ["longer is chosen", decimal(found.longerIsChosen)],
    ]
    if found.wrongLines > 0 { rows.append(["wrong lines", "\(found.wrongLines)"]) }
    var lengths = [["characters", "min", "25%", "50%", "75%", "max"]]
    for (name, values) in [
      ("prompt", found.promptLength), ("chosen", found.chosenLength), ("rejected", found.rejectedLength),
    ] where !values.isEmpty { lengths.append([name] + values.map(String.init)) }
    var parts = [aligned(rows), aligned(lengths)]
    if found.communities > 0 {
      parts.append(aligned([["largest communities", "pairs"]] + largest.map { [$0.0, "\($0.1)"] }))
    }
    return parts.joined(separator: "\n\n")
  }
}
