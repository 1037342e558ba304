/// Rows of MultiPref (Miranda et al., arXiv 2410.19133): two completions and what several people said of them.
extension JSONRecord {
  private static let lists = ["normal_worker_annotations", "expert_worker_annotations"]
  private static let verdicts = [
    "A-is-clearly-better", "A-is-slightly-better", "Tie", "B-is-slightly-better", "B-is-clearly-better",
  ]

  /// One record for each vote of a row of MultiPref, none for a tie; any other record as it is.
  func votes() throws(DataError) -> [JSONRecord] {
    guard Self.lists.contains(where: { object[$0] != nil }) else { return [self] }
    let known = ["text", "completion_a", "completion_b"] + Self.lists
    func text(_ name: String) throws(DataError) -> JSONValue {
      guard let (_, value) = field(name) else {
        throw missing(name, needs: "\(quotedList(known.prefix(3))) beside its annotations", known: known)
      }
      guard value.string != nil else { throw wrong(name, value, expected: "a string") }
      return value
    }
    let (prompt, a, b) = (try text("text"), try text("completion_a"), try text("completion_b"))
    var votes: [JSONRecord] = []
    for list in Self.lists {
      guard let (_, value) = field(list) else { continue }
      guard let annotations = value.array else {
        throw wrong(list, value, expected: "a list of annotations")
      }
      for annotation in annotations {
        guard let object = annotation.object, let verdict = object["overall_pref"]?.string,
          Self.verdicts.contains(verdict)
        else {
          throw wrong(
            list, annotation, expected: "a list of objects whose overall_pref is \(quotedList(Self.verdicts))"
          )
        }
        let person = try JSONRecord(object, file: file, line: line).name("evaluator")
        guard verdict != "Tie" else { continue }
        let isA = verdict.hasPrefix("A")
        var vote = JSONObject([
          "prompt": prompt, "chosen": isA ? a : b, "rejected": isA ? b : a, "overall_pref": .string(verdict),
        ])
        vote["annotator"] = person.map(JSONValue.string)
        for name in ["comparison_id", "category"] { vote[name] = self.object[name] }
        votes.append(JSONRecord(vote, file: file, line: line))
      }
    }
    return votes
  }
}
