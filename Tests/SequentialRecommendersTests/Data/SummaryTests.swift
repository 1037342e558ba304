import Foundation
import PenchantData
import SequentialRecommenders
import Testing

@Suite struct SummaryTests {
  @Test func countsAreThoseOfTheLog() throws {
    let whole = log("u a@1,u b@5,u a@3,u c@5,v a@2,v a@2,w a@9")
    let summary = try InteractionSummary(whole, file: "x")
    #expect(summary.users == 3 && summary.items == 3 && summary.events == 7)
    #expect(summary.density == 7.0 / 9)
    #expect(summary.lengths.minimum == 1 && summary.lengths.maximum == 4 && summary.lengths.median == 2)
    #expect(summary.popularities.maximum == 5)
    #expect(summary.outOfOrder == 1)
    #expect(summary.equalTimes == 4)
    #expect(summary.undecidedLast == 2)
    #expect(summary.duplicates == 1)
    #expect(summary.repeats == 2)
    #expect(summary.shortUsers == 2 && summary.leaveOneOutUsers == 1)
    #expect(summary.firstTime == 1 && summary.lastTime == 9)
  }

  @Test func itemsFilesAreCompared() throws {
    let items = try ItemDescriptions(bytes: Array("item_id,title\na,A\nz,Z\n".utf8))
    let summary = try InteractionSummary(log("u a,u b"), file: "x", descriptions: items)
    #expect(summary.itemsWithoutEvents == 1 && summary.itemsWithoutDescription == 1)
  }

  @Test func tableAndJSONHoldTheSame() throws {
    let summary = try InteractionSummary(log("u a@1,u b@2,u c@3"), file: "x", wrongLines: 2)
    let text = summary.description
    #expect(text.contains("leave-one-out test") && text.contains(summary.leaveOneOutChecksum))
    #expect(text.contains("wrong lines"))
    let again = try JSONDecoder().decode(InteractionSummary.self, from: JSONEncoder().encode(summary))
    #expect(again == summary)
  }

  @Test func anEmptyLogHasASummary() throws {
    let summary = try InteractionSummary(InteractionLog(), file: "x")
    #expect(summary.users == 0 && summary.density == 0 && summary.description.contains("none"))
  }

  @Test(
    arguments: [
      ([1, 1, 1, 1], 0.0), ([0, 0, 0, 4], 0.75), ([], 0.0), ([0, 0], 0.0), ([1, 3], 0.25),
    ] as [([Int], Double)])
  func giniIsThatOfTheFormula(counts: [Int], gini: Double) {
    #expect(abs(Concentration(counts).gini - gini) < 1e-15)
    // From the definition: mean absolute difference over twice the mean.
    let total = Double(counts.reduce(0, +))
    if total > 0 {
      let differences = counts.flatMap { a in counts.map { abs(Double(a - $0)) } }.reduce(0, +)
      #expect(abs(differences / (2 * Double(counts.count) * total) - gini) < 1e-15)
    }
  }
}

@Suite struct ItemDescriptionTests {
  private func read(_ text: String) throws -> ItemDescriptions {
    try ItemDescriptions(bytes: Array(text.utf8), name: "items")
  }

  @Test(arguments: [
    "item_id:token\tmovie_title:token_seq\tclass:token_seq\n1\tToy \"Story\"\tComedy Animation\n",
    "movieId,title,genres\n1,\"Toy \"\"Story\"\"\",Comedy|Animation\n",
    "1::Toy \"Story\"::Comedy|Animation\n",
    "{\"item\":1,\"title\":\"Toy \\\"Story\\\"\",\"categories\":[[\"Comedy\"],[\"Animation\",\"Comedy\"]]}\n",
  ])
  func everyFormIsRead(text: String) throws {
    let items = try read(text)
    #expect(items.names == ["1"])
    #expect(items["1"] == ItemDescription(title: "Toy \"Story\"", attributes: ["Comedy", "Animation"]))
    #expect(items.aligned(to: ["0", "1"]).map { $0 == nil } == [true, false])
    #expect(items["1"]?.words == "Toy \"Story\"\nComedy, Animation")
  }

  @Test func attributeMapsAreRead() throws {
    let items = try read("{\"4\": [1, 2, 2], \"83\": [\"x\"]}\n")
    #expect(items.names == ["4", "83"])
    #expect(items["4"]?.attributes == ["1", "2"] && items["83"]?.attributes == ["x"])
  }

  @Test func descriptionsAreText() throws {
    let items = try read(
      "{\"item\":0,\"title\":\"T\",\"description\":[\"one\",\"two\"]}\n{\"item\":1,\"text\":\"t\"}\n")
    #expect(items["0"]?.text == "one\ntwo" && items["1"]?.text == "t")
  }

  @Test(
    arguments: [
      ("movieId,title\n1,a\n1,b\n", 3, "described twice"), ("a,b\n1,2\n", 1, "no column holds the item"),
      ("movieId,title\n1\n", 2, "the line has 1 fields"), ("movieId,title\n,a\n", 2, "is empty"),
      ("{\"title\":\"x\"}\n", 1, "is missing"), ("{\"item\":1,\"title\":[]}\n", 1, "is a list"),
      ("{\"1\": [2.5]}\n", 1, "is no name"), ("{\"1\": [2]}\nmore\n", 2, "more text"), ("", nil, "is empty"),
      ("1::a\n", 1, "the line has 2 fields"),
    ] as [(String, Int?, String)])
  func wrongFilesNameThePlace(text: String, line: Int?, says: String) {
    #expect {
      try read(text)
    } throws: { ($0 as? DataError)?.line == line && "\($0)".contains(says) }
  }
}
