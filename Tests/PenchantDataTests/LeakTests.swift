import TestSupport
import Testing

@testable import PenchantData

struct LeakTests {
  private func pair(
    _ chosen: String, _ rejected: String, post: String? = nil, times: (Double, Double)? = nil
  ) -> PreferencePair {
    PreferencePair(
      chosen: chosen, rejected: rejected, post: post, chosenTime: times?.0, rejectedTime: times?.1)
  }

  @Test func sharesAndRulesAreCounted() {
    let train = [pair("a a", "b", post: "1"), pair("a a", "c", post: "1"), pair("c", "b", post: "1")]
    let test = [
      pair("a a", "d", post: "1", times: (1, 2)), pair("b", "c", post: "1", times: (3, 2)),
      pair("x y", "z", post: "2", times: (4, 4)), pair("u", "v"),
    ]
    let report = LeakReport(train: train, test: test)
    #expect(report.sharedComment == 0.5 && report.sharedBothComments == 0.25)
    #expect(report.sharedPost == 2.0 / 3)
    #expect(report.earlierWins == 0.5 && report.timedPairs == 3)
    // Longer, tie, longer, tie.
    #expect(report.longerWins == 0.75)
    // Known winner right, known loser wrong, two guesses.
    #expect(report.memory == 0.5 && report.memoryOfShared == 0.5)
    let rows = report.table.split(separator: "\n")
    #expect(
      rows.contains { $0.hasPrefix("share a comment with training ") && $0.hasSuffix(" 50.0%") },
      "\(report.table)")
    #expect(Set(rows.map(\.count)).count == 1)
  }

  @Test func nothingKnownIsNotZero() {
    let report = LeakReport(train: [], test: [])
    #expect(report.sharedComment == nil && report.memory == nil && report.earlierWins == nil)
    #expect(report.table.contains("-"))
  }

  /// Section 9.4, item 6: labels drawn for each comment are nothing that a text explains, yet memory predicts the test
  /// pairs whose comments trained, and none of other posts.
  @Test func memoryFindsLabelsOfComments() {
    var random = TestGenerator(stream: "leak")
    var (train, shared, fresh): ([PreferencePair], [PreferencePair], [PreferencePair]) = ([], [], [])
    for post in 0..<200 {
      let comments = (0..<8).map { (name: "\(post).\($0)", luck: random.unit()) }
      for _ in 0..<20 {
        let (a, b) = (comments[Int(random.unit() * 8)], comments[Int(random.unit() * 8)])
        guard a.name != b.name else { continue }
        let (winner, loser) = a.luck > b.luck ? (a, b) : (b, a)
        let made = pair(winner.name, loser.name, post: "\(post)")
        if post >= 150 {
          fresh.append(made)
        } else if random.unit() < 0.2 {
          shared.append(made)
        } else {
          train.append(made)
        }
      }
    }
    #expect((LeakReport(train: train, test: shared).memory ?? 0) > 0.8)
    #expect(LeakReport(train: train, test: fresh).memory == 0.5)
    #expect(LeakReport(train: train, test: fresh).sharedPost == 0)
  }

  @Test func wordsStandBetweenSpaces() {
    #expect(wordCount("") == 0 && wordCount(" a  b\nc ") == 3 && wordCount("é") == 1)
  }
}
