import Testing

@testable import PenchantData

struct PairReaderTests {
  private func read(_ text: String, keepExtra: Bool = false) throws -> [PreferencePair] {
    try PairReader(bytes: Array(text.utf8), name: "pairs.jsonl", keepExtra: keepExtra).pairs()
  }

  private func message(_ text: String) -> String {
    do {
      _ = try read(text)
      return "no error"
    } catch { return "\(error)" }
  }

  @Test func readsStrings() throws {
    let pair = try #require(
      try read(
        """
        {"prompt":"p","chosen":"a","rejected":"b","community":"c","worker":17,"weight":2,"margin":0.5,"chosen_id":"1",\
        "rejected_id":2,"attributes":{"formal":0.25,"x":null},"source":"web"}
        """, keepExtra: true
      ).first)
    let expected = PreferencePair(
      prompt: "p", chosen: "a", rejected: "b", community: "c", user: "17", weight: 2, margin: 0.5,
      chosenID: "1",
      rejectedID: "2", attributes: ["formal": 0.25], extra: JSONObject(["source": "web"]), line: 1)
    #expect(pair == expected)
    let again = try read(pair.json.description, keepExtra: true)
    #expect(again == [expected])
  }

  @Test func readsMessages() throws {
    let turn = #"{"role":"user","content":"Hi"}"#
    let explicit = try read(
      #"{"prompt":[\#(turn)],"chosen":[{"role":"assistant","content":"A"}],"rejected":[{"role":"assistant","content":[{"type":"text","text":"B"}]}]}"#
    )
    #expect(explicit == [PreferencePair(prompt: "Hi", chosen: "A", rejected: "B", line: 1)])
    let implicit = try read(
      #"{"chosen":[\#(turn),{"role":"assistant","content":"A"}],"rejected":[\#(turn),{"role":"assistant","content":"B"}]}"#
    )
    #expect(implicit == explicit)
    let same = try read(#"{"chosen":[\#(turn)],"rejected":[\#(turn)]}"#)
    #expect(same == [PreferencePair(prompt: "", chosen: "Hi", rejected: "Hi", line: 1)])
    let several = try read(#"{"prompt":[\#(turn),\#(turn)],"chosen":[\#(turn)],"rejected":[\#(turn)]}"#)
    #expect(several[0].prompt == "user: Hi\n\nuser: Hi")
  }

  @Test func readsDialogues() throws {
    let pair = try read(
      #"{"chosen":"\n\nHuman: Hi\n\nAssistant: Hello\n\nHuman: é?\n\nAssistant: Yes","rejected":"\n\nHuman: Hi\n\nAssistant: Hello\n\nHuman: é?\n\nAssistant: No"}"#
    )[0]
    #expect(pair.prompt == "\n\nHuman: Hi\n\nAssistant: Hello\n\nHuman: é?\n\nAssistant:")
    #expect(pair.chosen == " Yes")
    #expect(pair.rejected == " No")
    // The texts part inside a character: bytes are shared, scalars are not.
    let split = try read(#"{"chosen":"é","rejected":"è"}"#)[0]
    #expect(split.prompt == "" && split.chosen == "é" && split.rejected == "è")
  }

  @Test func readsStanfordColumns() throws {
    let line =
      #"{"history":"q","human_ref_A":"a","human_ref_B":"b","labels":LABEL,"domain":"askculinary_train","c_root_id_A":"x","c_root_id_B":"y"}"#
    let first = try read(line.replacing("LABEL", with: "1"))
    #expect(
      first == [
        PreferencePair(
          prompt: "q", chosen: "a", rejected: "b", community: "askculinary", chosenID: "x", rejectedID: "y",
          line: 1)
      ])
    let second = try read(line.replacing("LABEL", with: "0"))
    #expect(
      second == [
        PreferencePair(
          prompt: "q", chosen: "b", rejected: "a", community: "askculinary", chosenID: "y", rejectedID: "x",
          line: 1)
      ])
    #expect(
      message(line.replacing("LABEL", with: "2")).contains(
        "\"labels\" is 1 when human_ref_A is preferred, else 0"))
  }

  @Test func readsTheVotesOfMultiPref() throws {
    let row =
      #"{"comparison_id":"7","text":"q","completion_a":"a","completion_b":"b","normal_worker_annotations":NORMAL,"expert_worker_annotations":[{"evaluator":"eve","overall_pref":"B-is-clearly-better"}]}"#
    let normal =
      #"[{"evaluator":"ann","overall_pref":"A-is-slightly-better"},{"evaluator":"bob","overall_pref":"Tie"}]"#
    let lines = [row.replacing("NORMAL", with: normal), row.replacing("NORMAL", with: "null")]
    let text = lines.joined(separator: "\n\n")
    let expected = [("a", "b", "ann", 1), ("b", "a", "eve", 1), ("b", "a", "eve", 3)].map {
      PreferencePair(prompt: "q", chosen: $0.0, rejected: $0.1, user: $0.2, line: $0.3)
    }
    #expect(try read(text) == expected)
    let judged = try JudgedReader(bytes: Array(text.utf8)).records()
    #expect(judged.map(\.annotator) == ["ann", "eve", "eve"] && judged.map(\.line) == [1, 1, 3])
    #expect(judged[0].fields["comparison_id"] == "7" && judged[0].chosen == "q\n\na")
    let wrong: [(String, String)] = [
      (#"[{"overall_pref":"A"}]"#, "whose overall_pref is"), ("3", "a list of annotations"),
      (#"[{"evaluator":{},"overall_pref":"Tie"}]"#, "\"evaluator\" is a string"),
    ]
    for (normal, text) in wrong {
      #expect(message(row.replacing("NORMAL", with: normal)).contains(text))
    }
    #expect(message(#"{"text":"q","normal_worker_annotations":[]}"#).contains("\"completion_a\" is missing"))
  }

  @Test func readsVotesTimesAndScoresOfStanfordColumns() throws {
    let line = """
      {"post_id":"p1","domain":"askbaking_validation","upvote_ratio":0.9,"history":"q","human_ref_A":"a","human_ref_B":"b",\
      "labels":0,"c_root_id_A":"x","c_root_id_B":"y","created_at_utc_A":100,"created_at_utc_B":160.5,"score_A":4,"score_B":12,\
      "seconds_difference":60.5,"score_ratio":3.0,"helpfulness_A":3,"helpfulness_B":8,"title_A":"t"}
      """
    let pair = try read(line, keepExtra: true)[0]
    let expected = PreferencePair(
      prompt: "q", chosen: "b", rejected: "a", community: "askbaking", post: "p1", chosenID: "y",
      rejectedID: "x",
      chosenTime: 160.5, rejectedTime: 100, chosenVotes: 12, rejectedVotes: 4,
      chosenAttributes: ["helpfulness": 8], rejectedAttributes: ["helpfulness": 3],
      extra: JSONObject(["upvote_ratio": 0.9, "title_A": "t"]), line: 1)
    #expect(pair == expected)
    #expect(pair.voteRatio == 3)
    #expect(try read(pair.json.description, keepExtra: true) == [expected])
  }

  @Test func readsRecordsOfTheRelease() throws {
    let line = """
      {"id":"u_some-one-p-x-y","context":[{"role":"user","content":"t\\nb"}],"chosen":[{"role":"assistant","content":"A"}],\
      "rejected":[{"role":"assistant","content":"B"}],"subreddit":"u_some-one","margin":3,"post_time":1,"chosen_score":5,\
      "rejected_score":2,"chosen_time":20,"rejected_time":30}
      """
    #expect(
      try read(line) == [
        PreferencePair(
          prompt: "t\nb", chosen: "A", rejected: "B", community: "u_some-one", post: "p", margin: 3,
          chosenID: "x",
          rejectedID: "y", chosenTime: 20, rejectedTime: 30, chosenVotes: 5, rejectedVotes: 2, line: 1)
      ])
    // Elsewhere a score is a list of attributes: it stays what it is.
    let other = try read(#"{"chosen":"a","rejected":"b","chosen_score":[1,2]}"#, keepExtra: true)[0]
    #expect(other.chosenVotes == nil && other.extra["chosen_score"] == [1, 2])
  }

  @Test func filtersByVotesAndTime() {
    var filter = PairFilter()
    var pair = PreferencePair(chosen: "a", rejected: "b")
    (filter.voteRatio, filter.votes, filter.voteDifference, filter.isTimeControlled) = (2, 3, 4, true)
    #expect(filter.keeps(pair))
    (pair.chosenVotes, pair.rejectedVotes, pair.chosenTime, pair.rejectedTime) = (8, 4, 10, 10)
    #expect(filter.keeps(pair))
    pair.rejectedTime = 11
    #expect(!filter.keeps(pair))
    pair.rejectedTime = 9
    pair.chosenVotes = 7
    #expect(!filter.keeps(pair))
    (pair.chosenVotes, pair.rejectedVotes) = (6, 3)
    #expect(!filter.keeps(pair))
    (pair.chosenVotes, pair.rejectedVotes) = (20, 2)
    #expect(!filter.keeps(pair))
  }

  @Test func saysWhatIsMissing() {
    #expect(
      message("\n" + #"{"prompt":"p","chosen":"a","reject":"b"}"#) == """
        pairs.jsonl:2: "rejected" is missing
          a record needs "chosen" and "rejected", and mostly "prompt"; this one has "prompt", "chosen" and "reject"
          did you mean "rejected" by "reject"?   see: penchant help data
        """)
  }

  @Test(arguments: [
    ("", "the file is empty"), ("\n \n", "there is no record in it"), ("[1]", "the record is a list"),
    ("{", "this is not JSON"),
    (#"{"chosen":"a"}"#, "\"rejected\" is missing"),
    (#"{"chosen":1,"rejected":"b"}"#, "\"chosen\" is a number"),
    (#"{"chosen":"a","rejected":null}"#, "\"rejected\" is missing"),
    (#"{"chosen":"a","rejected":[{"role":"x","content":"y"}]}"#, "of different kinds"),
    (#"{"chosen":[],"rejected":[]}"#, "a list with a message in it"),
    (#"{"chosen":[{"role":"x"}],"rejected":"b"}"#, "{\"role\": …"),
    (#"{"chosen":"a","rejected":"b","weight":-1}"#, "\"weight\" is 0 or more"),
    (#"{"chosen":"a","rejected":"b","weight":"2"}"#, "\"weight\" is a string"),
    (#"{"chosen":"a","rejected":"b","margin":[]}"#, "\"margin\" is a list"),
    (#"{"chosen":"a","rejected":"b","user":true}"#, "\"user\" is true or false"),
    (#"{"chosen":"a","rejected":"b","attributes":{"x":"y"}}"#, "\"attributes.x\" is a string"),
    (#"{"chosen":"a","rejected":"b","chosen":"c"}"#, "the key \"chosen\" stands twice"),
    (#"{"human_ref_A":"a","history":"h","labels":1}"#, "\"human_ref_B\" is missing"),
  ])
  func refuses(_ text: String, _ part: String) {
    #expect(message(text).contains(part), "\(message(text))")
  }

  @Test func goesOnAfterABadLine() throws {
    var reader = PairReader(
      bytes: Array("{\"chosen\":\"a\",\"rejected\":\"b\"}\nx\n{\"chosen\":\"c\",\"rejected\":\"d\"}".utf8))
    #expect(try reader.next()?.chosen == "a")
    #expect(throws: DataError.self) { try reader.next() }
    #expect(try reader.next()?.chosen == "c")
    #expect(try reader.next() == nil)
  }

  @Test func elevenThousandPairsReadQuickly() throws {
    let filler = String(repeating: "A sentence of some length. ", count: 13)
    let line = #"{"prompt":"p","chosen":"\#(filler)","rejected":"\#(filler)","community":"c"}"# + "\n"
    let bytes = Array(String(repeating: line, count: 1165).utf8)
    var count = 0
    let time = try ContinuousClock().measure { count = try PairReader(bytes: bytes).pairs().count }
    #expect(count == 1165)
    // A tenth of the records within a second even in a debug build on a busy machine.
    #expect(time < .seconds(1))
  }

  @Test func tableStoresTextsOnce() throws {
    let table = PairTable([
      PreferencePair(chosen: "a", rejected: "b", community: "y"),
      PreferencePair(chosen: "b", rejected: "c", community: "x", weight: 2),
      PreferencePair(chosen: "c", rejected: "a", user: "u"),
    ])
    #expect(table.texts == ["a", "b", "c"])
    #expect(table.chosen == [0, 1, 2])
    #expect(table.rejected == [1, 2, 0])
    #expect(table.communities == ["", "x", "y"])
    #expect(table.community == [2, 1, 0])
    #expect(table.users == ["", "u"])
    #expect(table.weight == [1, 2, 1])
    #expect(table.texts(ofPairs: [1]) == [1, 2])
    #expect(table.posts == ["", "", ""] && table.post == [0, 1, 2])
    let posts = PairTable([
      PreferencePair(chosen: "a", rejected: "b", community: "y", post: "1"),
      PreferencePair(chosen: "a", rejected: "b"),
      PreferencePair(chosen: "a", rejected: "b", community: "x", post: "1"),
      PreferencePair(chosen: "a", rejected: "b", community: "y", post: "1"),
    ])
    #expect(posts.posts == ["x/1", "y/1", ""] && posts.post == [1, 2, 0, 1])
  }
}

struct PairSummaryTests {
  @Test func countsWhatIsInAFile() throws {
    let text = """
      {"prompt":"p","chosen":"aa","rejected":"b","community":"x","user":"u"}
      {"prompt":"p","chosen":"b","rejected":"aa","community":"x"}
      {"prompt":"p","chosen":"aa","rejected":"b","community":"y","user":"u"}
      not json
      {"prompt":"p","chosen":"same","rejected":"same"}
      {"prompt":"p","chosen":"aa"}
      """
    let summary = try PairSummary(PairReader(bytes: Array(text.utf8), name: "f"), errorLimit: 1)
    #expect(summary.lines == 6)
    #expect(summary.pairs == 4)
    #expect(summary.distinctTexts == 3)
    #expect(summary.duplicates == 1)
    #expect(summary.contradictions == 1)
    #expect(summary.tied == 1)
    #expect(summary.errorCount == 2)
    #expect(summary.errors.count == 1)
    #expect(summary.errors[0].line == 4)
    #expect(summary.communities == ["x": 2, "y": 1])
    #expect(summary.users == 1)
    #expect(summary.fields["prompt"] == 4)
    #expect(summary.longerIsChosen == 0.625)
    #expect(summary.chosenLengths.maximum == 4)
  }

  @Test func aBrokenFileIsAnError() throws {
    #expect(throws: DataError.self) { try PairSummary(PairReader(bytes: [])) }
    let cut = Array(gzipped(#"{"chosen":"a","rejected":"b"}"#).dropLast(4))
    let summary = try PairSummary(PairReader(bytes: gzipped("{\"chosen\":\"a\",\"rejected\":\"b\"}\n") + [9]))
    #expect(summary.pairs == 1 && summary.errorCount == 1)
    #expect(throws: DataError.self) { try PairSummary(PairReader(bytes: cut)) }
  }
}

struct RankingReaderTests {
  private func read(_ text: String) throws -> [Ranking] {
    try RankingReader(bytes: Array(text.utf8), name: "r").rankings()
  }

  @Test func readsAllForms() throws {
    #expect(
      try read("a > b > c\n# note\n\nb>a") == [
        Ranking(["a", "b", "c"], line: 1), Ranking(["b", "a"], line: 4),
      ])
    #expect(
      try read("winner,loser\na,b\n\"x, \"\"y\"\"\",b") == [
        Ranking(["a", "b"], line: 2), Ranking(["x, \"y\"", "b"], line: 3),
      ])
    #expect(try read("a\tb\t2\tu") == [Ranking(["a", "b"], count: 2, user: "u", line: 1)])
    #expect(
      try read("user,loser,winner,count\nu,b,a,3") == [Ranking(["a", "b"], count: 3, user: "u", line: 2)])
    #expect(try read(#"{"winner":"a","loser":2,"count":2}"#) == [Ranking(["a", "2"], count: 2, line: 1)])
    #expect(
      try read(#"{"ranking":["a","b","c"],"user":"u"}"#) == [Ranking(["a", "b", "c"], user: "u", line: 1)])
    #expect(
      try read(#"{"chosen":"long","rejected":"text","chosen_id":"i","rejected_id":"j"}"#) == [
        Ranking(["i", "j"], line: 1)
      ])
  }

  @Test(arguments: [
    ("", "the file is empty"), ("plain words", "neither columns nor a ranking"),
    ("a,a", "ranked against itself"), ("a,b,0", "the count is 0"),
    ("a,b,x", "the count is not a number"), ("a > > b", "an item of the ranking is empty"),
    ("a,b\na", "the line has 1 fields"),
    ("a,b\n\"x,b", "a quoted field is not closed"), ("wnner,loser\na,b", "the column \"winner\" is missing"),
    (#"{"winer":"a","loser":"b"}"#, "did you mean \"winner\" by \"winer\"?"),
    (#"{"ranking":"a"}"#, "\"ranking\" is a string"),
    (#"{"ranking":["a"]}"#, "the ranking has 1 items"),
  ])
  func refuses(_ text: String, _ part: String) {
    #expect {
      try read(text)
    } throws: { "\($0)".contains(part) }
  }

  @Test func itemsAreNumberedInOrderOfAppearance() {
    var items = ItemTable(["b", "a", "b"])
    #expect(items.names == ["b", "a"])
    #expect(items.insert("c") == 2)
    #expect(items.index(of: "a") == 1 && items.index(of: "z") == nil)
  }
}
