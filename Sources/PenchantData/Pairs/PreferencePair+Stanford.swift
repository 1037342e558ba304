/// Columns of the Stanford Human Preferences (SHP, SHP-2), of ComPRed, and of SHP with scores made by language models.
extension PreferencePair {
  private static let columns = [
    "history", "human_ref_A", "human_ref_B", "labels", "domain", "post_id", "c_root_id_A", "c_root_id_B",
    "created_at_utc_A", "created_at_utc_B", "score_A", "score_B", "seconds_difference", "score_ratio",
  ]

  /// Two comments, `labels` = 1 when the first is preferred.
  init(stanford record: JSONRecord, keepExtra: Bool) throws(DataError) {
    let columns = PreferencePair.columns
    let needs = quotedList(columns.prefix(4))
    func text(_ name: String) throws(DataError) -> String {
      guard let (_, value) = record.field(name) else {
        throw record.missing(name, needs: needs, known: columns)
      }
      guard let text = value.string else { throw record.wrong(name, value, expected: "a string") }
      return text
    }
    let (a, b) = (try text("human_ref_A"), try text("human_ref_B"))
    guard let (_, label) = record.field("labels") else {
      throw record.missing("labels", needs: needs, known: columns)
    }
    guard let winner = label.integer, winner == 0 || winner == 1 else {
      throw record.wrong("labels", label, expected: "1 when human_ref_A is preferred, else 0")
    }
    let (better, worse) = winner == 1 ? ("_A", "_B") : ("_B", "_A")
    // The file says `askculinary_train` where the forum is meant.
    var community = try record.name("domain")
    for suffix in ["_train", "_validation", "_test"] where community?.hasSuffix(suffix) == true {
      community?.removeLast(suffix.count)
    }
    // Any other number that stands there for A and for B is a score of the two texts: `helpfulness_A`, …
    var scores: (better: [String: Double], worse: [String: Double]) = ([:], [:])
    for key in record.object.keys where key.hasSuffix("_A") && !columns.contains(key) {
      let name = String(key.dropLast(2))
      guard let x = record.object[name + better]?.number, let y = record.object[name + worse]?.number else {
        continue
      }
      (scores.better[name], scores.worse[name]) = (x, y)
    }
    let used = columns + scores.better.keys.flatMap { [$0 + "_A", $0 + "_B"] }
    self.init(
      prompt: try text("history"), chosen: winner == 1 ? a : b, rejected: winner == 1 ? b : a,
      community: community, post: try record.name("post_id"),
      chosenID: try record.name("c_root_id" + better), rejectedID: try record.name("c_root_id" + worse),
      chosenTime: try record.number("created_at_utc" + better),
      rejectedTime: try record.number("created_at_utc" + worse),
      chosenVotes: try record.number("score" + better), rejectedVotes: try record.number("score" + worse),
      chosenAttributes: scores.better, rejectedAttributes: scores.worse,
      extra: keepExtra ? record.object.without(used) : JSONObject(), line: record.line)
  }
}
